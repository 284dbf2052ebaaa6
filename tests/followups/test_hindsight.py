"""What stood against a call when it started, and whether anybody had asked before it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from crm import calls, consents, customers, suppressions
from crm.actors import Actor
from crm.consents import Given
from crm.models import Attempt, Campaign, Customer, Disposition, NationalList, User
from followups import conduct, gate, promises, scrub, verdicts
from followups.gate import Decision, Question
from followups.hindsight import COMMITTED, TOLERANCE
from followups.models import Conduct, Override, Promise
from tests.cast import (
    DAY,
    DUPONT_HOME,
    DUPONT_MOBILE,
    HOUR,
    MINUTE,
    PEETERS_MOBILE,
    START,
    SYSTEM,
    Cast,
    Relay,
    brussels,
    call_of,
    person,
    sweeps_alive,
)
from tests.followups.scenes import Kind, promised, proven, report
from tests.followups.test_callbacks import asked as asked_back

TUESDAY = brussels("2026-03-03 11:00")
INSTANT = timedelta(microseconds=1)
limited = pytest.mark.usefixtures("unlisted")


def rang(cast: Cast, *, at: datetime, logged: timedelta = MINUTE, **more: Any) -> Attempt:
    """Bram calls Mme Dupont; the call is known a minute later."""
    facts: dict[str, Any] = {"agent": cast.bram, "customer": cast.dupont} | more
    call = call_of(facts.pop("agent"), facts.pop("customer"), at=at, **facts)
    return calls.log(call=call, by=SYSTEM, at=at + logged).attempt


def judged(attempt: Attempt) -> Conduct:
    conduct.judge(at=attempt.logged_at)
    return Conduct.objects.get(attempt=attempt)


def spite(attempt: Attempt) -> list[str]:
    return judged(attempt).in_spite


def calling_for(policy: str) -> Campaign:
    return Campaign.objects.create(slug=policy, name=policy, policy=policy)


# --- promises ---------------------------------------------------------------------------------


def test_a_call_that_started_before_the_promise_was_made_is_not_in_spite(cast: Cast) -> None:
    promised(cast)
    assert spite(rang(cast, at=START - timedelta(seconds=1))) == []


def test_what_was_being_committed_when_the_call_started_did_not_stand_yet(cast: Cast) -> None:
    promised(cast)
    assert spite(rang(cast, at=START + COMMITTED - INSTANT)) == []
    assert "open_promise" in spite(rang(cast, at=START + COMMITTED))


def test_a_call_while_a_promise_was_open_is_in_spite_although_it_was_proven_later(
    cast: Cast, relay: Relay
) -> None:
    proven(cast, relay)
    assert spite(rang(cast, at=START + 5 * HOUR)) == ["open_promise"]


def test_a_call_is_in_spite_although_the_promise_was_withdrawn_later(cast: Cast) -> None:
    promise = promised(cast)
    moved = {"by": SYSTEM, "at": START + 10 * HOUR, "cause": "withdrawn"}
    assert promises._move(promise, "open", "withdrawn", **moved)
    assert spite(rang(cast, at=START + 5 * HOUR)) == ["open_promise"]
    assert spite(rang(cast, at=START + 10 * HOUR)) == []


def test_after_the_proof_it_is_the_reading_time_that_stands(cast: Cast, relay: Relay) -> None:
    proven(cast, relay)
    assert spite(rang(cast, at=START + 2 * DAY)) == ["reading_time"]
    assert spite(rang(cast, at=START + 3 * DAY)) == []


def test_a_proof_that_is_taken_back_does_not_blame_who_called_before(
    cast: Cast, relay: Relay
) -> None:
    promise = proven(cast, relay)
    report(promise, Kind.FAILED, at=START + 5 * DAY)
    promises.weigh(promise=promise, by=SYSTEM, at=START + 5 * DAY)
    assert Promise.objects.get().status == "open"
    assert spite(rang(cast, at=START + 4 * DAY, logged=3 * DAY)) == []
    assert spite(rang(cast, at=START + 6 * DAY)) == ["open_promise"]


def test_the_call_in_which_something_was_promised_is_not_in_spite_of_it(cast: Cast) -> None:
    assert spite(promised(cast).attempt) == []


def test_the_promised_call_back_is_not_in_spite_and_any_other_call_is(cast: Cast) -> None:
    slot = START + DAY
    asked_back(cast, slot=slot)
    assert spite(rang(cast, at=slot)) == ["callback_pending"]
    assert spite(rang(cast, at=slot - 16 * MINUTE, agent=cast.amina)) == ["callback_pending"]
    assert spite(rang(cast, at=slot - 15 * MINUTE, agent=cast.amina)) == []
    assert spite(rang(cast, at=slot + 5 * HOUR, agent=cast.chloe)) == []


def test_who_shares_the_number_shares_what_stands_against_it(cast: Cast) -> None:
    promised(cast)
    customers.add_number(customer=cast.peeters, e164=DUPONT_HOME, position=1, at=START)
    later = START + 5 * HOUR
    assert spite(rang(cast, at=later, customer=cast.peeters, number=PEETERS_MOBILE)) == []
    for who in (cast.peeters, None):
        attempt = rang(cast, at=later, customer=who, number=DUPONT_HOME, logged=DAY)
        assert spite(attempt) == ["open_promise"]


# --- wishes and consents ----------------------------------------------------------------------


def wish(cast: Cast, kind: str = "dnc_company", at: datetime = START) -> Any:
    return suppressions.add(customer=cast.dupont, kind=kind, origin="call", by=SYSTEM, at=at)


def test_a_wish_counts_from_when_it_was_written_until_it_was_lifted(cast: Cast) -> None:
    row = wish(cast)
    suppressions.lift(suppression=row, by=SYSTEM, at=START + DAY)
    assert spite(rang(cast, at=START)) == []
    assert spite(rang(cast, at=START + 5 * HOUR)) == ["dnc_company"]
    assert spite(rang(cast, at=START + DAY)) == []


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("complaint", "suppressed"),
        ("customer_pause", "customer_pause"),
        ("refusal_cooloff", "refusal_cooloff"),
    ],
)
def test_what_ends_by_itself_stands_until_then(cast: Cast, kind: str, code: str) -> None:
    until = wish(cast, kind).until_at
    assert spite(rang(cast, at=until - INSTANT)) == [code]
    assert spite(rang(cast, at=until, logged=5 * HOUR)) == []


def consent(cast: Cast, *, given: datetime, at: datetime) -> Any:
    words = Given(origin="form", proof="form 7", given_at=given)
    return consents.record(customer=cast.dupont, given=words, by=SYSTEM, at=at)


def test_a_consent_counts_while_it_was_on_file(cast: Cast) -> None:
    german = calling_for("de")
    row = consent(cast, given=TUESDAY - DAY, at=TUESDAY)
    consents.withdraw(consent=row, by=SYSTEM, at=TUESDAY + DAY)
    before = rang(cast, at=TUESDAY - 5 * HOUR, campaign=german)
    within = rang(cast, at=TUESDAY + 5 * HOUR, campaign=german)
    after = rang(cast, at=TUESDAY + 2 * DAY, campaign=german)
    assert ["no_consent" in spite(call) for call in (before, within, after)] == [True, False, True]


def test_a_policy_that_asks_for_no_consent_misses_none(cast: Cast) -> None:
    assert "no_consent" not in spite(rang(cast, at=TUESDAY))
    nobody = rang(cast, at=TUESDAY, customer=None, number="+32470999998")
    assert spite(nobody) == []
    german = rang(
        cast, at=TUESDAY, customer=None, number="+32470999997", campaign=calling_for("de")
    )
    assert "no_consent" in spite(german)


def test_a_list_counts_when_its_copy_was_at_hand_before_the_call(cast: Cast) -> None:
    belgian = calling_for("be")
    assert "dnc_national" in spite(rang(cast, at=TUESDAY, campaign=belgian)), "no list at all"
    listed = NationalList.objects.create(
        name="dncm",
        as_of_date=TUESDAY.date(),
        numbers=1,
        sha256="",
        imported_at=TUESDAY + DAY,
        imported_by="test",
    )
    listed.entries.create(e164=DUPONT_HOME)
    at = TUESDAY + timedelta(days=1, hours=1)
    assert "dnc_national" in spite(rang(cast, at=at, campaign=belgian))
    peeters = rang(cast, at=at, campaign=belgian, customer=cast.peeters, number=PEETERS_MOBILE)
    assert "dnc_national" not in spite(peeters)
    earlier = rang(cast, at=TUESDAY + HOUR, campaign=belgian, logged=2 * DAY)
    assert "dnc_national" not in spite(earlier), "an older copy is not kept"


# --- other calls, and hours -------------------------------------------------------------------


def test_a_call_is_too_soon_after_another_and_not_after_itself(cast: Cast) -> None:
    first = rang(cast, at=TUESDAY)
    assert spite(first) == []
    assert spite(rang(cast, at=TUESDAY + 4 * HOUR - INSTANT)) == ["min_gap"]
    assert spite(rang(cast, at=TUESDAY + 9 * HOUR)) == []


def test_a_call_is_not_too_soon_after_itself_when_the_clock_of_its_dialer_is_ahead(
    cast: Cast,
) -> None:
    assert spite(rang(cast, at=TUESDAY, logged=-MINUTE)) == []


def test_a_call_that_nobody_had_logged_yet_was_not_known(cast: Cast) -> None:
    rang(cast, at=TUESDAY, logged=2 * HOUR)
    assert spite(rang(cast, at=TUESDAY + HOUR)) == []


def test_a_call_to_the_same_number_counts_when_nobody_has_it(cast: Cast) -> None:
    for expected in ([], ["min_gap"]):
        at = TUESDAY + (HOUR if expected else 0 * HOUR)
        assert spite(rang(cast, at=at, customer=None, number="+32470999998")) == expected


@limited
def test_one_call_more_than_the_policy_lets_is_in_spite(cast: Cast) -> None:
    belgian = calling_for("be")
    days = [rang(cast, at=TUESDAY + n * DAY, campaign=belgian) for n in range(4)]
    assert [spite(call) for call in days] == [[], [], [], ["cap_attempts"]]


@limited
def test_calls_of_two_people_who_share_a_number_are_not_added_up(cast: Cast) -> None:
    belgian = calling_for("be")
    customers.add_number(customer=cast.peeters, e164=DUPONT_HOME, position=1, at=START)
    for n in range(2):
        rang(cast, at=TUESDAY + n * DAY, number=DUPONT_MOBILE)
        rang(cast, at=TUESDAY + n * DAY, customer=cast.peeters, number=PEETERS_MOBILE)
    at = TUESDAY + 2 * DAY
    assert spite(rang(cast, at=at, number=DUPONT_HOME, campaign=belgian)) == []


@limited
def test_who_said_no_rests_once_that_was_known(cast: Cast) -> None:
    french = calling_for("fr")
    no = Disposition.objects.get(code="declined")
    rang(cast, at=TUESDAY, disposition=no, logged=5 * DAY)
    unknown = rang(cast, at=TUESDAY + 2 * DAY, campaign=french)
    known = rang(cast, at=TUESDAY + 9 * DAY, campaign=french)
    assert [spite(call) for call in (unknown, known)] == [[], ["refusal_cooloff"]]


@limited
def test_a_call_outside_the_hours_of_the_customer_is_in_spite(cast: Cast) -> None:
    belgian = calling_for("be")
    assert spite(rang(cast, at=brussels("2026-03-01 11:00"), campaign=belgian)) == ["calling_hours"]
    assert spite(rang(cast, at=TUESDAY, campaign=belgian)) == []


# --- asked ------------------------------------------------------------------------------------


def allowed(
    cast: Cast, *, at: datetime, agent: User | None = None, who: Customer | None = None, **more: Any
) -> Decision:
    sweeps_alive(at)
    facts: dict[str, Any] = {"customer": who or cast.dupont, "agent": agent or cast.bram} | more
    return gate.decide(Question(**facts), by=person(facts["agent"]), at=at)


def asked(cast: Cast, decision: Decision, *, at: datetime, **more: Any) -> str:
    return judged(rang(cast, at=at, decision_id=decision.id, **more)).asked


def test_a_decision_covers_the_call_that_it_was_asked_for(cast: Cast) -> None:
    decision = allowed(cast, at=TUESDAY)
    assert asked(cast, decision, at=TUESDAY + MINUTE) == "decision"


def test_a_decision_is_asked_for_a_number_that_nobody_has(cast: Cast) -> None:
    number = "+32470999998"
    decision = allowed(cast, at=TUESDAY, customer=None, number=number)
    who: dict[str, Any] = {"customer": None, "number": number}
    assert asked(cast, decision, at=TUESDAY, **who) == "decision"
    who["number"] = "+32470999997"
    assert asked(cast, decision, at=TUESDAY, **who) == "none"


def test_a_decision_is_valid_for_its_two_minutes_and_some_seconds(cast: Cast) -> None:
    decision = allowed(cast, at=TUESDAY)
    last = decision.valid_until + TOLERANCE
    assert asked(cast, decision, at=TUESDAY - TOLERANCE) == "decision"
    assert asked(cast, decision, at=TUESDAY - TOLERANCE - INSTANT) == "none"
    assert asked(cast, decision, at=last) == "decision"
    assert asked(cast, decision, at=last + INSTANT) == "none"


def test_the_decision_about_somebody_else_covers_nothing(cast: Cast) -> None:
    decision = allowed(cast, at=TUESDAY, who=cast.peeters)
    assert asked(cast, decision, at=TUESDAY) == "none"


def test_a_deny_covers_nothing_and_nor_does_a_decision_that_never_was(cast: Cast) -> None:
    wish(cast)
    decision = allowed(cast, at=TUESDAY)
    assert not decision.allow
    assert asked(cast, decision, at=TUESDAY) == "none"
    unknown = rang(cast, at=TUESDAY, decision_id=uuid.uuid4())
    assert judged(unknown).asked == "none"


def test_a_service_call_that_turns_into_a_sale_was_not_asked_for(cast: Cast) -> None:
    decision = allowed(cast, at=TUESDAY, purpose="service", reference="T-1")
    assert decision.allow
    assert asked(cast, decision, at=TUESDAY) == "none"


def test_a_call_that_the_gate_allowed_as_a_call_back_is_judged_as_one(cast: Cast) -> None:
    slot = START + DAY
    promise = asked_back(cast, slot=slot)
    promised(cast)
    question = {"purpose": "callback", "reference": promise.reference}
    decision = allowed(cast, at=slot, agent=cast.amina, **question)
    assert decision.allow
    call = rang(cast, at=slot, agent=cast.amina, decision_id=decision.id)
    assert (judged(call).asked, spite(call)) == ("decision", [])


def overridden(cast: Cast, promise: Promise) -> Decision:
    at = START + 5 * HOUR
    Override.objects.create(
        customer=cast.dupont,
        agent=cast.bram,
        purpose="sales",
        blocks=[f"open_promise:{promise.reference}"],
        granted_at=at,
        granted_by=person(cast.chloe).code,
        until_at=at + 30 * MINUTE,
    )
    decision = allowed(cast, at=at)
    assert decision.code == "override"
    return decision


def test_what_an_override_left_aside_is_not_in_spite(cast: Cast) -> None:
    decision = overridden(cast, promised(cast))
    call = rang(cast, at=decision.checked_at + MINUTE, decision_id=decision.id)
    assert (judged(call).asked, spite(call)) == ("decision", [])


def test_a_promise_made_after_the_override_still_stands(cast: Cast) -> None:
    decision = overridden(cast, promised(cast))
    promised(cast, at=decision.checked_at + timedelta(seconds=5), call={"number": ""})
    call = rang(cast, at=decision.checked_at + MINUTE, decision_id=decision.id)
    assert "open_promise" in spite(call)


def test_an_override_whose_decision_had_run_out_excuses_nothing(cast: Cast) -> None:
    decision = overridden(cast, promised(cast))
    call = rang(cast, at=decision.valid_until + MINUTE, decision_id=decision.id)
    assert (judged(call).asked, spite(call)) == ("none", ["open_promise"])


def test_a_list_covers_the_calls_of_its_day(cast: Cast) -> None:
    by = Actor("key:dialer")
    sweeps_alive(TUESDAY)
    terms = verdicts.terms(by=by, at=TUESDAY)
    run, _answers = scrub.batch([DUPONT_MOBILE], terms=terms, by=by)
    midnight = scrub.valid_until(at=TUESDAY)

    def covered(at: datetime, scrub_id: uuid.UUID = run) -> str:
        return judged(rang(cast, at=at, scrub_id=scrub_id)).asked

    assert covered(TUESDAY + HOUR) == "scrub"
    assert covered(midnight - INSTANT) == "scrub"
    assert covered(midnight) == "none"
    assert covered(TUESDAY - MINUTE) == "none"
    assert covered(TUESDAY, uuid.uuid4()) == "none"


def test_nobody_asked_before_a_call_with_neither(cast: Cast) -> None:
    found = judged(rang(cast, at=TUESDAY))
    assert (found.asked, found.policy, found.source) == ("none", "none@2026-01-01", "desk")
