"""A page of an agent costs as many queries for one row as for many."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crm import questions, wishes
from crm.models import Campaign
from crm.wishes import Said
from followups import conversations
from tests.cast import DAY, HOUR, START, SYSTEM, Cast, call_of, offer_for, person, terms_for
from tests.pages.conftest import Enter, set_clock
from tests.pages.test_desk import neighbour, queries


def live(cast: Cast, numbers: range) -> None:
    """Calls with promises, replies, wishes: one of each for every number."""
    by = person(cast.amina)
    for number in numbers:
        at = START + timedelta(minutes=number)
        call = call_of(
            cast.amina, cast.dupont, at=at, external_id=f"call {number}", campaign=cast.sales
        )
        version = offer_for(cast.dupont, at=at)
        terms = [terms_for(version)] if number < 12 else []
        made = conversations.record(call=call, terms=terms, by=by, at=at)
        asked = questions.add(
            campaign=Campaign.objects.get_or_create(slug=f"c{number}", name=f"C {number}")[0],
            words=f"Question {number}?",
            choices=(),
            days=90,
            by=SYSTEM,
            at=START,
        )
        questions.note(attempt=made.logged.attempt, said={asked: "yes"}, by=by, at=at)
        said = Said(kind="complaint", origin="letter", proof=f"letter {number}", until=at + DAY)
        wishes.record(customer=cast.dupont, said=said, by=by, at=at)


@pytest.mark.parametrize("tail", ["", "timeline/", "timeline/?kind=call", "live/"])
def test_the_sheet(monday: Cast, enter: Enter, tail: str) -> None:
    client = enter(monday.amina)
    address = f"/customers/{monday.dupont.reference}/{tail}"
    live(monday, range(1))
    set_clock(START + HOUR)
    client.get(address)
    few = queries(client, address)
    live(monday, range(1, 30))
    assert queries(client, address) == few


def test_the_search(monday: Cast, enter: Enter) -> None:
    client = enter(monday.amina)
    for number in (1, 2):
        neighbour(monday, number)
    client.get("/customers/?q=neighbour")
    few = queries(client, "/customers/?q=neighbour")
    for number in range(3, 30):
        neighbour(monday, number)
    answer = client.get("/customers/?q=neighbour")
    assert len(answer.context["rows"]) == 29
    assert queries(client, "/customers/?q=neighbour") == few
