"""The screen pop of a number that nobody has: it says so, and a call is logged all the same."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from crm import customers
from crm.models import Attempt
from tests.cast import DUPONT_MOBILE, START, Cast
from tests.pages.conftest import Enter

UNKNOWN = "+32477112233"


@pytest.mark.parametrize(
    "spelled", ["0477 11 22 33", "0032477112233", " 32477112233", "tel:" + UNKNOWN]
)
def test_an_unknown_number_says_so_and_offers_a_way_on(
    monday: Cast, enter: Enter, spelled: str
) -> None:
    answer = enter(monday.amina).get("/pop", {"phone": spelled})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Nobody we know has the number +32 477 11 22 33." in text
    assert 'name="q"' in text and "/calls/unknown/?phone=%2B32477112233" in text


@pytest.mark.parametrize(
    ("spelled", "words"),
    [("anonymous", "“anonymous” is not a phone number"), ("", "The telephone named no number")],
)
def test_a_hidden_number_is_said_and_offers_the_same(
    monday: Cast, enter: Enter, spelled: str, words: str
) -> None:
    text = enter(monday.amina).get("/pop", {"phone": spelled}).content.decode()
    assert words in text and 'href="/calls/unknown/"' in text


def test_a_number_that_two_have_asks_which_of_them(monday: Cast, enter: Enter) -> None:
    assert monday.dupont.numbers.exists()
    customers.add_number(customer=monday.peeters, e164=DUPONT_MOBILE, position=2, at=START)
    text = enter(monday.amina).get("/pop", {"phone": DUPONT_MOBILE}).content.decode()
    assert "Several customers share +32 470 12 34 56" in text
    assert monday.dupont.reference in text and monday.peeters.reference in text


def form(**changes: Any) -> dict[str, Any]:
    return {
        "form_id": str(uuid.uuid4()),
        "number": "0477 11 22 33",
        "result": "answered",
        "disposition": "other",
        "note": "Asked for the shop.",
        **changes,
    }


def test_the_call_is_logged_without_a_person_and_only_once(monday: Cast, enter: Enter) -> None:
    amina, sent = enter(monday.amina), form()
    for _time in range(2):
        assert amina.post("/calls/unknown/", sent)["Location"] == "/desk/"
    attempt = Attempt.objects.select_related("text").get()
    assert (attempt.customer, attempt.direction, attempt.purpose) == (None, "inbound", "service")
    assert (attempt.text.number, attempt.text.note) == (UNKNOWN, "Asked for the shop.")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("number", "12", "This is not a phone number."),
        ("disposition", "", "Say what the call meant."),
        ("disposition", "refused_contact", "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field_and_nothing_is_saved(
    monday: Cast, enter: Enter, field: str, value: str, words: str
) -> None:
    answer = enter(monday.amina).post("/calls/unknown/", form(**{field: value}))
    assert answer.status_code == 422
    assert words in str(answer.context["form"].errors[field])
    assert "Asked for the shop." in answer.content.decode()
    assert not Attempt.objects.exists()


def test_a_number_that_is_somebodys_leads_to_them(monday: Cast, enter: Enter) -> None:
    monday.dupont  # noqa: B018 (there she is)
    answer = enter(monday.amina).post("/calls/unknown/", form(number=DUPONT_MOBILE))
    assert answer["Location"].startswith("/pop?phone=")
    assert not Attempt.objects.exists()


def test_only_who_calls_logs_calls(monday: Cast, enter: Enter) -> None:
    client = enter(monday.dirk)
    assert client.get("/calls/unknown/").status_code == 403
    assert client.post("/calls/unknown/", form()).status_code == 403
