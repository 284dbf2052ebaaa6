"""Merged customers at the gate: what speaks against one speaks against all, asked in any way."""

from __future__ import annotations

from datetime import datetime

import pytest

from crm import calls, customers, merges
from crm.customers import Facts
from crm.models import Campaign, Customer, Merge, Suppression
from followups import feed, gate, persons, verdicts
from followups.gate import Question
from tests.cast import (
    DAY,
    DUPONT_HOME,
    HOUR,
    MINUTE,
    PEETERS_MOBILE,
    START,
    SYSTEM,
    Cast,
    call_and_promise,
    call_of,
    sweeps_alive,
)
from tests.followups.test_feed import wait_for_strangers
from tests.followups.test_gate_consents import campaign, consenting
from tests.followups.test_gate_limits import asked, limited

LATER = START + 5 * HOUR


def joined(cast: Cast) -> Merge:
    return merges.merge(customer=cast.peeters, into=cast.dupont, by=SYSTEM, at=START)


def codes(number: str, *, at: datetime = LATER, campaign: Campaign | None = None) -> set[str]:
    """The answer of a single question, of a list and of a look; they have to agree."""
    one = asked(campaign, at=at, number=number).code
    terms = verdicts.terms(campaign=campaign, by=SYSTEM, at=at)
    many = verdicts.of([number], terms)[0].code
    found: set[str] = set()
    for who in Customer.objects.filter(numbers__e164=number):
        theirs = {who.pk: campaign} if campaign else {}
        blocks = gate.blocks([who], purpose="sales", at=at, campaigns=theirs)[who.pk]
        found.add(blocks[0].code if blocks else "ok")
    return {one, many} | found


def test_a_promise_to_one_shuts_the_numbers_of_both_until_they_are_two(cast: Cast) -> None:
    assert cast.peeters
    call_and_promise(cast.amina, cast.dupont, at=START)
    assert codes(PEETERS_MOBILE) == {"ok"}
    merge = joined(cast)
    assert codes(PEETERS_MOBILE) == {"open_promise"}
    assert codes(DUPONT_HOME) == {"open_promise"}
    # It was made before the merge: separated again, it is Mme Dupont's alone.
    Merge.objects.update(merged_at=START + MINUTE)
    merge.refresh_from_db()
    assert persons.separate(merge=merge, by=SYSTEM, at=START + HOUR)
    assert codes(PEETERS_MOBILE) == {"ok"}
    assert codes(DUPONT_HOME) == {"open_promise"}


def test_what_was_promised_while_they_were_one_shuts_both_after_the_parting(cast: Cast) -> None:
    merge = joined(cast)
    call_and_promise(cast.amina, cast.dupont, at=START + MINUTE)
    assert persons.separate(merge=merge, by=SYSTEM, at=START + HOUR)
    assert codes(PEETERS_MOBILE) == {"suppressed"}
    row = Suppression.objects.get()
    assert (row.customer, row.kind, row.until_at) == (
        cast.peeters,
        "separated",
        START + HOUR + 30 * DAY,
    )
    assert not persons.separate(merge=merge, by=SYSTEM, at=START + HOUR)


def test_an_allow_leases_every_row_of_the_person(cast: Cast) -> None:
    joined(cast)
    sweeps_alive(LATER)
    question = Question(number=PEETERS_MOBILE, reserve=True)
    allowed = gate.decide(question, by=SYSTEM, at=LATER)
    assert allowed.people == tuple(sorted([cast.dupont.pk, cast.peeters.pk]))
    assert asked(None, at=LATER, number=DUPONT_HOME).code == "leased"
    standing = gate.still_stands(allowed.id, by=SYSTEM, at=LATER)
    assert standing and standing.stands


def test_a_decision_falls_when_its_person_turns_out_to_be_one_who_waits(cast: Cast) -> None:
    assert cast.peeters
    call_and_promise(cast.amina, cast.dupont, at=START)
    sweeps_alive(LATER)
    allowed = gate.decide(Question(number=PEETERS_MOBILE), by=SYSTEM, at=LATER)
    assert allowed.allow
    joined(cast)
    sweeps_alive(LATER + MINUTE)
    standing = gate.still_stands(allowed.id, by=SYSTEM, at=LATER + MINUTE)
    assert standing and (standing.stands, standing.code) == (False, "open_promise")


@limited
def test_calls_to_all_rows_of_a_person_count_together(cast: Cast) -> None:
    belgian = Campaign.objects.create(slug="be", name="BE", policy="be")
    for days, who in ((9, cast.dupont), (8, cast.peeters), (7, cast.dupont)):
        call = call_of(cast.amina, who, at=LATER - days * DAY, number="")
        calls.log(call=call, by=SYSTEM, at=LATER)
    assert codes(DUPONT_HOME, campaign=belgian) == {"ok"}
    joined(cast)
    assert codes(DUPONT_HOME, campaign=belgian) == {"cap_attempts"}
    assert codes(PEETERS_MOBILE, campaign=belgian) == {"cap_attempts"}


def test_one_consent_is_the_persons(cast: Cast) -> None:
    at = START + 3 * DAY
    german = campaign("de")
    consenting(cast.dupont, on=START)
    assert codes(PEETERS_MOBILE, at=at, campaign=german) >= {"no_consent"}
    joined(cast)
    assert "no_consent" not in codes(PEETERS_MOBILE, at=at, campaign=german)


@pytest.mark.django_db(transaction=True)
def test_the_feed_tells_the_numbers_of_every_row(cast: Cast) -> None:
    assert cast.peeters
    joined(cast)
    sweeps_alive(LATER)
    wait_for_strangers()
    page = feed.page(since="", limit=100, by=SYSTEM, at=LATER)
    while page.more:
        page = feed.page(since=str(page.next), limit=100, by=SYSTEM, at=LATER)
    call_and_promise(cast.amina, cast.dupont, at=LATER)
    wait_for_strangers()
    told = feed.page(since=str(page.next), limit=100, by=SYSTEM, at=LATER + MINUTE)
    assert {entry.number for entry in told.entries if entry.blocked} >= {
        PEETERS_MOBILE,
        DUPONT_HOME,
    }


def test_a_third_who_shares_a_number_stays_a_third(cast: Cast) -> None:
    facts = Facts(name="Third", language="nl", team=cast.gent, phones=(PEETERS_MOBILE,))
    third = customers.add(facts=facts, at=START - DAY)
    joined(cast)
    call_and_promise(cast.amina, cast.dupont, at=START)
    sweeps_alive(LATER)
    blocks = gate.blocks([third], purpose="sales", at=LATER)
    assert blocks[third.pk] == ()
    assert asked(None, at=LATER, number=PEETERS_MOBILE).code == "open_promise"
