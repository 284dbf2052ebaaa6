"""Who may open which page; what a refused request is told; logging in and out."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.test import Client

from config import clock
from tests.cast import PASSWORD, Cast
from tests.pages.conftest import Enter

# role -> page -> answer
PAGES = {
    "amina": {
        "/desk/": 200,
        "/board/": 403,
        "/board/wall/": 403,
        "/board/avoided/": 403,
        "/board/export.xlsx": 403,
        "/customers/?q=x": 200,
        "/notices/": 200,
        "/policies/": 403,
        "/imports/": 403,
    },
    "chloe": {
        "/desk/": 200,
        "/board/": 200,
        "/board/wall/": 200,
        "/board/avoided/": 200,
        "/board/export.xlsx": 200,
        "/customers/?q=x": 200,
        "/notices/": 200,
        "/policies/": 200,
        "/imports/": 403,
    },
    "dirk": {
        "/desk/": 403,
        "/board/": 200,
        "/board/wall/": 200,
        "/board/avoided/": 200,
        "/board/export.xlsx": 200,
        "/customers/?q=x": 403,
        "/notices/": 200,
        "/policies/": 200,
        "/imports/": 200,
    },
    "eva": {
        "/desk/": 403,
        "/board/": 403,
        "/board/wall/": 403,
        "/board/avoided/": 403,
        "/board/export.xlsx": 403,
        "/customers/?q=x": 403,
        "/notices/": 200,
        "/policies/": 200,
        "/imports/": 403,
    },
}
HOMES = {"amina": "/desk/", "chloe": "/board/", "dirk": "/board/"}


@pytest.mark.parametrize("name", PAGES)
def test_each_role_opens_its_pages_and_no_others(monday: Cast, enter: Enter, name: str) -> None:
    client = enter(getattr(monday, name))
    assert {page: client.get(page).status_code for page in PAGES[name]} == PAGES[name]


@pytest.mark.parametrize("name", ["dirk", "eva"])
def test_who_reads_no_customers_opens_no_sheet(monday: Cast, enter: Enter, name: str) -> None:
    client, path = enter(getattr(monday, name)), f"/customers/{monday.dupont.reference}/"
    assert client.get(path).status_code == 403
    assert client.post(f"{path}calls/").status_code == 403
    assert client.post(f"{path}take/").status_code == 403
    assert client.get("/pop", {"phone": "+32470123456"}).status_code == 403


@pytest.mark.parametrize("name", HOMES)
def test_each_role_comes_home_to_its_first_page(monday: Cast, enter: Enter, name: str) -> None:
    assert enter(getattr(monday, name)).get("/")["Location"] == HOMES[name]


def test_an_administrator_has_a_plain_first_page(monday: Cast, enter: Enter) -> None:
    assert "keys" in enter(monday.eva).get("/").content.decode()


@pytest.mark.parametrize("path", ["/", "/desk/", "/board/", "/customers/C-000001/", "/pop"])
def test_a_stranger_is_sent_to_the_log_in(db: None, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


def test_logging_in_brings_the_persons_language(monday: Cast) -> None:
    monday.amina.language = "fr"
    monday.amina.save(update_fields=["language"])
    client = Client()
    answer = client.post("/login/", {"username": "amina", "password": PASSWORD})
    assert answer["Location"] == "/"
    assert 'lang="fr"' in client.get("/desk/").content.decode()


def test_a_wrong_password_is_said_beside_the_form(monday: Cast) -> None:
    answer = Client().post("/login/", {"username": "amina", "password": "guess"})
    assert "do not belong together" in answer.content.decode()


def test_logging_out_needs_a_post(monday: Cast, enter: Enter) -> None:
    client = enter(monday.amina)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 302
    assert client.get("/desk/").status_code == 302


def test_a_form_without_its_token_is_refused_in_words(monday: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(monday.amina)
    answer = client.post(f"/customers/{monday.dupont.reference}/take/")
    assert answer.status_code == 403
    assert "open too long" in answer.content.decode()


def test_a_page_that_is_not_there_says_what_to_do(monday: Cast, enter: Enter) -> None:
    answer = enter(monday.amina).get("/customers/C-999999/")
    assert answer.status_code == 404
    assert "search for the exact number or reference" in answer.content.decode()


def test_an_absent_database_is_a_503_that_says_so(
    monday: Cast, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> None:
        raise OperationalError("connection refused")

    client = enter(monday.amina)
    client.raise_request_exception = False
    monkeypatch.setattr(clock, "now", absent)
    answer = client.get("/desk/")
    assert answer.status_code == 503
    assert "cannot reach its database" in answer.content.decode()


def test_pages_for_people_are_kept_by_nobody_and_allow_no_inline_code(
    monday: Cast, enter: Enter
) -> None:
    answer = enter(monday.amina).get("/desk/")
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "no-store" in answer["Cache-Control"]
