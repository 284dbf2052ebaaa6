"""A refusal is a page that says what to do; nothing was changed; a machine gets no page."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.cast import Cast
from tests.pages.conftest import Enter

BROWSER = {"accept": "text/html,application/xhtml+xml"}


def test_a_form_address_opened_as_a_page_says_so(monday: Cast, enter: Enter) -> None:
    answer = enter(monday.amina).get("/desk/next/", headers=BROWSER)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    page = answer.content.decode()
    assert "This address only takes a form" in page and "Amina" in page


def test_a_form_that_is_too_large_says_how_large_one_may_be(monday: Cast, enter: Enter) -> None:
    words = {"note": "x" * 6_000_000}
    address = f"/customers/{monday.dupont.reference}/calls/"
    answer = enter(monday.amina).post(address, words, headers=BROWSER)
    assert answer.status_code == 413
    assert "A file may have 256 MB" in answer.content.decode()


@pytest.mark.parametrize("accept", ["", "application/json", "*/*"])
def test_who_reads_no_pages_gets_none(monday: Cast, enter: Enter, accept: str) -> None:
    answer = enter(monday.amina).get("/desk/next/", headers={"accept": accept})
    assert (answer.status_code, answer.content) == (405, b"")


def test_what_cannot_be_read_is_still_a_page_of_ours(client: Client, db: None) -> None:
    answer = client.get("/login/", headers={"host": "somebody.else.example"} | BROWSER)
    assert answer.status_code == 400
    assert "This request cannot be read" in answer.content.decode()
