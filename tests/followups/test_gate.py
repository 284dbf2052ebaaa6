"""The gate: each reason, their order, whom they stop, and what an answer is good for."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from crm import calls, customers, keys, policies, suppressions
from crm.actors import Actor
from crm.models import Campaign, Heartbeat
from followups import facts, gate
from followups.gate import Decision, OtherQuestion, Question
from followups.models import GateCheck, Lease
from followups.reasons import ROWS
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
    call_of,
    person,
    sweeps_alive,
)
from tests.followups.scenes import Kind, promised, proven, report

LATER = START + 5 * HOUR  # the gap after the call of nine o'clock is over
NOBODY = "+32471000000"


def ask(
    cast: Cast,
    number: str | None = DUPONT_HOME,
    *,
    at: datetime = LATER,
    alive: bool = True,
    by: Actor = SYSTEM,
    **more: Any,
) -> Decision:
    if alive:
        sweeps_alive(at)
    return gate.decide(Question(number=number, **more), by=by, at=at)


def codes(decision: Decision) -> list[str]:
    return [block.code for block in decision.blocks]


def wish(cast: Cast, kind: str = "dnc_company") -> None:
    suppressions.add(customer=cast.dupont, kind=kind, origin="call", by=SYSTEM, at=START)


def service(cast: Cast, **more: Any) -> Decision:
    return ask(cast, purpose="service", reference="T-1", **more)


def test_nothing_stands_in_the_way(cast: Cast) -> None:
    assert cast.dupont
    decision = ask(cast)
    assert (decision.allow, decision.code, decision.blocks) == (True, "ok", ())
    assert decision.valid_until == LATER + timedelta(seconds=120)
    assert decision.reason == "May be called."


# --- each reason ------------------------------------------------------------------------------


def test_a_promise_shuts_the_gate_for_the_persons_other_number_too(cast: Cast) -> None:
    promise = promised(cast)
    decision = ask(cast, DUPONT_HOME)
    assert (decision.allow, decision.code, decision.not_before) == (False, "open_promise", None)
    assert decision.blocks[0].promise == promise.reference
    assert "promised" in decision.reason


def test_a_mail_that_only_left_keeps_it_shut(cast: Cast, relay: Relay) -> None:
    promise = promised(cast)
    for kind in (Kind.RELAY_ACCEPTED, Kind.DELIVERED):
        report(promise, kind, at=START + HOUR)
        assert ask(cast).code == "open_promise"


def test_after_the_proof_the_customer_reads_for_three_days(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay)
    ends = START + timedelta(hours=72)
    decision = ask(cast, at=ends - MINUTE)
    assert (decision.code, decision.not_before) == ("reading_time", ends)
    assert decision.blocks[0].promise == promise.reference
    assert ask(cast, at=ends).allow


def test_a_late_bounce_shuts_it_again(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay)
    assert ask(cast, at=START + 4 * DAY).allow
    Lease.objects.all().delete()
    report(promise, Kind.FAILED, at=START + 4 * DAY)
    assert ask(cast, at=START + 4 * DAY).code == "open_promise"


def test_a_slow_proof_shuts_it_past_the_reading_period(cast: Cast, relay: Relay) -> None:
    promise = promised(cast)
    report(promise, Kind.RELAY_ACCEPTED, at=START)
    late = START + 10 * DAY
    report(promise, Kind.DELIVERED, at=late)
    assert ask(cast, at=late + HOUR).code == "open_promise"
    report(promise, Kind.CONFIRMED, at=late + HOUR)
    assert ask(cast, at=late + HOUR).allow


@pytest.mark.parametrize(
    ("kind", "code"),
    [("dnc_company", "dnc_company"), ("complaint", "suppressed"), ("bereavement", "suppressed")],
)
def test_a_wish_shuts_it_until_it_is_lifted(cast: Cast, kind: str, code: str) -> None:
    wish(cast, kind)
    decision = ask(cast)
    assert decision.code == code
    assert (decision.not_before is None) == (kind == "dnc_company")
    row = cast.dupont.suppressions.get()
    suppressions.lift(suppression=row, by=SYSTEM, at=LATER)
    assert ask(cast).allow


def test_somebody_called_a_short_while_ago(cast: Cast) -> None:
    calls.log(call=call_of(cast.bram, cast.dupont), by=SYSTEM, at=START)
    decision = ask(cast, at=START + 3 * HOUR)
    assert (decision.code, decision.not_before) == ("min_gap", START + 4 * HOUR)
    assert ask(cast, at=START + 4 * HOUR).allow


def test_an_attempt_of_a_clock_that_runs_ahead_counts_as_well(cast: Cast) -> None:
    call = call_of(cast.bram, cast.dupont, at=LATER + MINUTE)
    calls.log(call=call, by=SYSTEM, at=LATER)
    assert ask(cast, at=LATER).code == "min_gap"


def test_who_rang_us_may_be_called_back_at_once(cast: Cast) -> None:
    call = call_of(cast.bram, cast.dupont, direction="inbound")
    calls.log(call=call, by=SYSTEM, at=START)
    assert ask(cast, at=START + MINUTE).allow


def test_the_gap_counts_for_a_number_that_nobody_has(cast: Cast) -> None:
    call = call_of(cast.bram, None, number=NOBODY)
    calls.log(call=call, by=SYSTEM, at=START)
    assert ask(cast, NOBODY, at=START + HOUR).code == "min_gap"
    assert ask(cast, "+32471000001", at=START + HOUR).allow


def test_an_allow_is_a_lease_for_two_minutes(cast: Cast) -> None:
    assert cast.dupont
    assert ask(cast).allow
    second = ask(cast, DUPONT_MOBILE)
    assert (second.code, second.not_before) == ("leased", LATER + 2 * MINUTE)
    assert service(cast).code == "leased", "it stops every purpose"
    assert ask(cast, at=LATER + 2 * MINUTE).allow


def test_the_agent_who_holds_it_is_not_stopped_by_it(cast: Cast) -> None:
    assert cast.dupont
    assert ask(cast, agent=cast.amina).allow
    assert ask(cast, agent=cast.amina, at=LATER + MINUTE).allow
    assert ask(cast, agent=cast.chloe, at=LATER + MINUTE).code == "leased"


def test_a_number_that_nobody_has_is_leased_too(cast: Cast) -> None:
    first = ask(cast, NOBODY)
    assert (first.allow, first.code, first.people) == (True, "unknown_number", ())
    assert ask(cast, NOBODY).code == "leased"


def test_advice_takes_no_lease(cast: Cast) -> None:
    assert cast.dupont
    assert ask(cast, reserve=False).allow and service(cast).allow
    assert not Lease.objects.exists()


@pytest.mark.parametrize("number", ["", "12", "not a number", "+32", "++", "0" * 40, "\0"])
def test_what_is_no_number_is_denied(cast: Cast, number: str) -> None:
    for decision in (ask(cast, number), service(cast, number=number)):
        assert (decision.allow, decision.code, decision.people) == (False, "number_invalid", ())


def test_a_question_about_nobody_is_denied(cast: Cast) -> None:
    assert ask(cast, None).code == "number_invalid"


@pytest.mark.parametrize("number", ["0470/12.34.56", " 32470123456", "tel:+32-470-12-34-56"])
def test_every_spelling_meets_the_same_gate(cast: Cast, number: str) -> None:
    promised(cast)
    assert ask(cast, number).code == "open_promise"


def test_an_unknown_number_is_denied_where_the_setting_says_so(cast: Cast, settings: Any) -> None:
    settings.GATE_UNKNOWN_NUMBER = "deny"
    assert (ask(cast, NOBODY).allow, ask(cast, NOBODY).code) == (False, "unknown_number")
    assert service(cast, number=NOBODY).allow
    assert cast.dupont and ask(cast).allow


@pytest.mark.parametrize("name", facts.GUARDS)
def test_when_a_guarding_sweep_stops_nothing_is_sold(cast: Cast, name: str) -> None:
    assert cast.dupont
    sweeps_alive(LATER)
    Heartbeat.objects.filter(pk=name).update(beat_at=LATER - timedelta(minutes=10))
    assert ask(cast, alive=False).code == "clock_unsafe"
    assert ask(cast, alive=False, purpose="survey").code == "clock_unsafe"
    assert service(cast, alive=False).allow
    Heartbeat.objects.filter(pk=name).update(grace_until_at=LATER + MINUTE)
    assert ask(cast, alive=False).allow


def test_what_never_ran_is_unsafe(cast: Cast) -> None:
    assert ask(cast, alive=False).code == "clock_unsafe"
    assert set(facts.GUARDS) == {"send", "settle", "reconcile", "intake"}


# --- order, purposes, people ------------------------------------------------------------------


def test_the_strictest_reason_is_the_first_and_all_are_said(cast: Cast) -> None:
    promised(cast)
    wish(cast)
    wish(cast, "complaint")
    decision = ask(cast, at=START + HOUR, alive=False)
    expected = ["clock_unsafe", "dnc_company", "suppressed", "open_promise", "min_gap"]
    assert codes(decision) == expected
    order = [row.code for row in ROWS]
    assert codes(decision) == sorted(codes(decision), key=order.index)
    assert decision.not_before is None


def test_among_timed_reasons_the_last_one_counts(cast: Cast, relay: Relay) -> None:
    proven(cast, relay)
    calls.log(call=call_of(cast.bram, cast.dupont, at=START + 2 * DAY), by=SYSTEM, at=START)
    decision = ask(cast, at=START + 2 * DAY + HOUR)
    assert codes(decision) == ["reading_time", "min_gap"]
    assert decision.not_before == START + 3 * DAY


def test_a_service_call_is_let_through_where_a_sale_is_not(cast: Cast) -> None:
    promised(cast)
    wish(cast)
    assert not ask(cast, purpose="survey").allow
    assert service(cast).allow


def test_without_a_reference_a_service_call_is_judged_like_a_sale(cast: Cast) -> None:
    promised(cast)
    for reference in ("", "  "):
        decision = ask(cast, purpose="service", reference=reference)
        assert decision.code == "open_promise"
        assert GateCheck.objects.get(pk=decision.id).purpose == "sales"


def test_a_call_back_that_nobody_promised_is_judged_like_a_sale(cast: Cast) -> None:
    promised(cast)
    assert ask(cast, purpose="callback", reference="T-1").code == "open_promise"


def test_the_campaign_limits_the_purpose(cast: Cast) -> None:
    promised(cast)
    assert service(cast, campaign=cast.sales).code == "open_promise"


def test_the_key_limits_the_purpose(cast: Cast) -> None:
    promised(cast)
    key = keys.issue(
        name="dialer", scopes=["gate:read"], purposes=["sales"], by=SYSTEM, at=START
    ).key
    assert service(cast, by=Actor.machine(key)).code == "open_promise"


def test_a_campaign_with_a_policy_that_is_not_installed_is_refused(cast: Cast) -> None:
    campaign = Campaign.objects.create(slug="x", name="x", policy="mars")
    with pytest.raises(policies.UnknownPolicy, match="mars"):
        ask(cast, campaign=campaign)


def test_a_shared_number_is_denied_when_one_of_them_is_blocked_and_names_no_one(
    cast: Cast,
) -> None:
    promised(cast)
    customers.add_number(customer=cast.peeters, e164=DUPONT_HOME, position=1, at=START)
    decision = ask(cast, DUPONT_HOME)
    assert decision.code == "open_promise"
    assert set(decision.people) == {cast.dupont.pk, cast.peeters.pk}
    assert "Dupont" not in decision.reason and cast.dupont.reference not in decision.reason
    assert ask(cast, PEETERS_MOBILE).allow


def test_a_question_without_a_number_covers_everybody_who_shares_one(cast: Cast) -> None:
    promised(cast)
    customers.add_number(customer=cast.peeters, e164=DUPONT_HOME, position=1, at=START)
    assert ask(cast, None, customer=cast.peeters).code == "open_promise"


def test_an_allow_for_a_shared_number_leases_everybody(cast: Cast) -> None:
    for customer in (cast.dupont, cast.peeters):
        customers.add_number(customer=customer, e164=DUPONT_HOME, position=1, at=START)
    assert ask(cast, DUPONT_HOME).allow
    assert ask(cast, PEETERS_MOBILE).code == "leased"


def test_the_lists_agree_with_the_gate(cast: Cast) -> None:
    promised(cast)
    sweeps_alive(LATER)
    everybody = [cast.dupont, cast.peeters]
    listed = gate.blocks(everybody, purpose="sales", at=LATER)
    assert [b.code for b in listed[cast.dupont.pk]] == codes(ask(cast)) == ["open_promise"]
    assert listed[cast.peeters.pk] == ()
    assert not Lease.objects.exists(), "asking for a list touches nothing"


@pytest.mark.parametrize("many", [1, 30])
def test_a_list_of_any_length_is_two_queries(
    cast: Cast, many: int, django_assert_num_queries: Any
) -> None:
    everybody = [cast.dupont, cast.peeters] * many
    with django_assert_num_queries(2):  # the policies, and the list
        gate.blocks(everybody, purpose="sales", at=LATER)


# --- what is written down, and how long it is good for ----------------------------------------


def test_what_was_answered_is_written_down_without_the_number(cast: Cast) -> None:
    promised(cast)
    decision = ask(cast, agent=cast.amina, campaign=cast.sales, by=person(cast.amina))
    row = GateCheck.objects.get(pk=decision.id)
    assert (row.decision, row.code, row.codes) == ("deny", "open_promise", ["open_promise"])
    assert (row.by, row.agent_id, row.campaign_id) == (
        f"user:{cast.amina.pk}",
        cast.amina.pk,
        cast.sales.pk,
    )
    assert (row.policy, row.customer_ids) == ("none@2026-01-01", [cast.dupont.pk])
    assert bytes(row.number_hash) == facts.hash_number(DUPONT_HOME)
    assert DUPONT_HOME.removeprefix("+") not in str(GateCheck.objects.values().get(pk=decision.id))


def test_the_same_request_gets_the_same_decision(cast: Cast) -> None:
    assert cast.dupont
    request = uuid.uuid4().hex
    first = ask(cast, request_id=request)
    again = ask(cast, request_id=request, at=LATER + MINUTE)
    assert first.allow and (again.id, again.allow, again.code) == (first.id, True, "ok")
    assert again.valid_until == first.valid_until
    assert Lease.objects.count() == 1
    other = ask(cast, request_id=request, by=person(cast.amina))
    assert other.id != first.id, "a request id belongs to its actor"


def test_a_request_id_is_free_again_after_a_week(cast: Cast) -> None:
    wish(cast)
    first = ask(cast, request_id="r")
    assert ask(cast, request_id="r", at=LATER + 7 * DAY - MINUTE).id == first.id
    assert ask(cast, request_id="r", at=LATER + 8 * DAY).id != first.id


def test_a_denied_request_stays_denied(cast: Cast) -> None:
    wish(cast)
    request = uuid.uuid4().hex
    first = ask(cast, request_id=request)
    suppressions.lift(suppression=cast.dupont.suppressions.get(), by=SYSTEM, at=LATER)
    again = ask(cast, request_id=request)
    assert (again.id, again.allow, again.code) == (first.id, False, "dnc_company")


def test_an_allow_is_not_repeated_over_a_promise(cast: Cast) -> None:
    assert cast.dupont
    request = uuid.uuid4().hex
    first = ask(cast, request_id=request)
    assert first.allow
    promised(cast, at=LATER + MINUTE / 2)
    again = ask(cast, request_id=request, at=LATER + MINUTE)
    assert (again.id, again.allow, again.code) == (first.id, False, "open_promise")


def test_an_allow_that_is_over_is_not_given_again(cast: Cast) -> None:
    """Else a dialer that names its leads in its requests gets last week's allow."""
    first = ask(cast, request_id="lead 7")
    assert first.allow
    last = first.valid_until - timedelta(seconds=1)
    assert ask(cast, request_id="lead 7", at=last).id == first.id
    with pytest.raises(OtherQuestion, match="expired"):
        ask(cast, request_id="lead 7", at=first.valid_until)


@pytest.mark.parametrize("other", [{"purpose": "survey"}, {"campaign": True}])
def test_a_request_id_is_not_used_for_another_purpose_or_campaign(
    cast: Cast, other: dict[str, Any]
) -> None:
    if "campaign" in other:
        other = {"campaign": cast.sales}
    ask(cast, request_id="r")
    with pytest.raises(OtherQuestion):
        ask(cast, request_id="r", **other)


def test_a_request_id_is_not_used_for_somebody_else(cast: Cast) -> None:
    assert cast.dupont and cast.peeters
    request = uuid.uuid4().hex
    ask(cast, request_id=request)
    with pytest.raises(OtherQuestion):
        ask(cast, PEETERS_MOBILE, request_id=request)


def test_a_decision_stands_for_two_minutes(cast: Cast) -> None:
    assert cast.dupont
    decision = ask(cast)
    at = LATER + timedelta(seconds=119)
    sweeps_alive(at)
    standing = gate.still_stands(decision.id, by=SYSTEM, at=at)
    assert standing and (standing.stands, standing.code) == (True, "ok")
    late = gate.still_stands(decision.id, by=SYSTEM, at=decision.valid_until)
    assert late and (late.stands, late.code) == (False, "expired")


def test_a_promise_logged_meanwhile_revokes_it(cast: Cast) -> None:
    assert cast.dupont
    decision = ask(cast)
    promised(cast, at=LATER + MINUTE)
    sweeps_alive(LATER + MINUTE)
    standing = gate.still_stands(decision.id, by=SYSTEM, at=LATER + MINUTE)
    assert standing and (standing.stands, standing.code) == (False, "open_promise")


def test_an_agents_second_question_does_not_revoke_the_first(cast: Cast) -> None:
    assert cast.dupont
    amina = person(cast.amina)
    first = ask(cast, agent=cast.amina, by=amina)
    second = ask(cast, agent=cast.amina, by=amina, at=LATER + MINUTE / 2)
    sweeps_alive(LATER + MINUTE)
    for decision in (first, second):
        standing = gate.still_stands(decision.id, by=amina, at=LATER + MINUTE)
        assert standing and standing.stands, standing


def test_a_deny_never_stands(cast: Cast) -> None:
    wish(cast)
    decision = ask(cast)
    standing = gate.still_stands(decision.id, by=SYSTEM, at=LATER)
    assert standing and (standing.stands, standing.code) == (False, "dnc_company")


def test_somebody_elses_decision_is_not_shown(cast: Cast) -> None:
    decision = ask(cast)
    assert gate.still_stands(decision.id, by=person(cast.amina), at=LATER) is None
    assert gate.still_stands(uuid.uuid4(), by=SYSTEM, at=LATER) is None
    assert gate.still_stands(uuid.UUID(int=decision.id.int ^ 1), by=SYSTEM, at=LATER) is None


def test_without_an_instant_the_database_tells_the_time(cast: Cast) -> None:
    assert cast.dupont
    decision = gate.decide(Question(number=DUPONT_HOME), by=SYSTEM)
    assert decision.checked_at.tzinfo is not None
    assert decision.code == "clock_unsafe", "no sweep has beaten at the database's own time"
