"""The timeline: everything that happened, page by page, and nothing lost at the edges."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import consents, customers, merges, preferences, wishes
from crm.consents import Given
from crm.wishes import Said
from followups import conversations, plans, timeline
from tests.cast import DAY, START, Cast, Relay, call_of, person
from tests.followups import scenes

SAID = Said(kind="complaint", origin="letter", proof="letter 12", until=START + 9 * DAY)


def pages(cast: Cast, *, most: int, kind: str = "") -> list[list[timeline.Entry]]:
    found, below = [], ""
    while True:
        page = timeline.of(cast.dupont, kind=kind, below=below, most=most)
        found.append(list(page))
        if not page.older:
            return found
        assert len(page) == most
        below = page.older


def lived(cast: Cast, relay: Relay) -> None:
    """A bounce, a mended address, wishes, a merge: much of it in the same instant."""
    by = person(cast.amina)
    promise = scenes.accepted(cast, relay)
    for number in range(3):
        call = call_of(cast.amina, cast.dupont, at=START, external_id=f"again {number}")
        conversations.record(call=call, by=by, at=START)
    plans.resend(
        promise=promise, address="new@mail.example", channel="email", by=by, at=START + DAY
    )
    wishes.record(customer=cast.dupont, said=SAID, by=by, at=START)
    given = Given(origin="call", proof="recording 1", given_at=START - DAY)
    consents.record(customer=cast.dupont, given=given, by=by, at=START)
    preferences.choose(
        customer=cast.dupont, topic="offers_by_post", wanted=False, origin="call", by=by, at=START
    )
    merge = merges.merge(customer=cast.peeters, into=cast.dupont, by=by, at=START)
    merges.undo(merge=merge, by=by, at=START + DAY)


@pytest.mark.parametrize("most", [1, 2, 3, 7])
def test_the_pages_together_are_the_whole_without_a_gap_or_a_double(
    cast: Cast, relay: Relay, most: int
) -> None:
    lived(cast, relay)
    whole = list(timeline.of(cast.dupont, most=500))
    cut = [entry for page in pages(cast, most=most) for entry in page]
    assert cut == whole
    assert len({(entry.kind, entry.place, entry.title) for entry in whole}) == len(whole)
    assert [entry.at for entry in whole] == sorted((e.at for e in whole), reverse=True)


def test_every_kind_of_thing_stands_on_it(cast: Cast, relay: Relay) -> None:
    lived(cast, relay)
    said = [f"{entry.title} {entry.detail}" for entry in timeline.of(cast.dupont, most=500)]
    for words in (
        "The mail address was put right",
        "Wish: open complaint",
        "Consent to sales calls",
        "Does not want: “offers by post",
        "Found to be one person",
        "Found to be two after all",
        "Mail to new@mail.example waiting",
        "accepted by the next mail server",
        "Call +32 470",
    ):
        assert any(words in one for one in said), words


def test_one_kind_is_shown_alone_and_paged_alone(cast: Cast, relay: Relay) -> None:
    lived(cast, relay)
    calls = [entry for page in pages(cast, most=2, kind="call") for entry in page]
    assert {entry.kind for entry in calls} == {"call"}
    assert len(calls) == 4
    known = {entry.kind for entry in timeline.of(cast.dupont, most=500)}
    assert known <= set(timeline.KINDS)


@pytest.mark.parametrize(
    "mark",
    [
        "yesterday",
        "2026-03-02T08:00:00~0~1",
        "2026-03-02T08:00:00+00:00~99~1",
        "2026-03-02T08:00:00+00:00~0~x",
        "2026-03-02T08:00:00+00:00~7~not-a-uuid",
    ],
)
def test_a_mark_that_no_page_wrote_is_refused(cast: Cast, mark: str) -> None:
    with pytest.raises(timeline.NoSuchPage):
        timeline.of(cast.dupont, below=mark)
    with pytest.raises(timeline.NoSuchPage):
        timeline.of(cast.dupont, kind="weather")


def test_it_costs_the_same_number_of_queries_for_one_call_and_for_a_hundred(cast: Cast) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            timeline.of(cast.dupont)
        return len(asked)

    log(cast, 1)
    few = count()
    log(cast, 100)
    assert count() == few
    assert len(timeline.of(cast.dupont)) == timeline.A_PAGE


def log(cast: Cast, number: int) -> None:
    for one in range(number):
        call = call_of(
            cast.amina,
            cast.dupont,
            at=START + timedelta(minutes=one),
            external_id=f"{number}.{one}",
        )
        conversations.record(call=call, by=person(cast.amina), at=START + DAY)


def test_an_address_that_is_the_same_is_not_put_right(cast: Cast, relay: Relay) -> None:
    promise = scenes.accepted(cast, relay)
    same = customers.Customer.objects.get(pk=cast.dupont.pk).emails.first()
    assert same
    plans.resend(
        promise=promise, address=same.address, channel="email", by=person(cast.amina), at=START
    )
    assert len(timeline.of(cast.dupont, kind="person")) == 0
