"""Overrides: who may ask, grant and sign; what gives way; one person's, once, short."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from crm import calls, customers, keys, suppressions
from crm.actors import Actor
from crm.models import AuditEntry, Campaign, Customer, User
from followups import dossier, gate, overridable, override_lists, overrides, timeline
from followups.gate import Decision, Question
from followups.models import GateCheck, Notice, Override, OverrideText
from followups.terms import Refused
from tests.cast import (
    DAY,
    DUPONT_HOME,
    DUPONT_MOBILE,
    HOUR,
    MINUTE,
    START,
    SYSTEM,
    Cast,
    Relay,
    call_and_promise,
    call_of,
    person,
    sweeps_alive,
)
from tests.followups.scenes import promised, proven

LATER = START + 5 * HOUR  # the gap after the call of nine o'clock is over
WHY = "She rang the shop and wants it today."


@pytest.fixture
def waiting(cast: Cast) -> Cast:
    """Mme Dupont waits for a document; the sweeps run."""
    promised(cast)
    sweeps_alive(LATER + DAY)
    return cast


def ask(cast: Cast, *, at: datetime = LATER, by: User | None = None, why: str = "x") -> Override:
    by = by or cast.amina
    return overrides.ask(customer=cast.dupont, reason=why, by=person(by), at=at)


def grant(cast: Cast, request: Override | None = None, **more: Any) -> Override:
    """Chloé allows Amina one call."""
    facts: dict[str, Any] = {"reason": WHY, "by": person(cast.chloe), "at": LATER, **more}
    if request:
        return overrides.grant(request=request, **facts)
    who = {"customer": cast.dupont, "agent": cast.amina}
    return overrides.let_through(**{**who, **facts})


def call(cast: Cast, *, at: datetime = LATER, by: Actor | None = None, **more: Any) -> Decision:
    """Amina asks the gate for her call, as the sheet does."""
    facts: dict[str, Any] = {
        "number": DUPONT_HOME,
        "customer": cast.dupont,
        "agent": cast.amina,
        "reserve": True,
        **more,
    }
    return gate.decide(Question(**facts), by=by or person(cast.amina), at=at)


def refusal(act: Any, *args: Any, **more: Any) -> str:
    with pytest.raises(Refused) as found:
        act(*args, **more)
    return str(found.value)


# --- one call ---------------------------------------------------------------------------------


def test_a_granted_call_is_allowed_once_and_says_so(waiting: Cast) -> None:
    row = grant(waiting)
    decision = call(waiting)
    assert (decision.allow, decision.code) == (True, "override")
    assert decision.reason == "May be called once: a supervisor allowed it."
    row.refresh_from_db()
    assert (row.used_at, row.used_by) == (LATER, f"user:{waiting.amina.pk}")
    assert row.decision_id == decision.id
    assert GateCheck.objects.get(pk=decision.id).answer["override"] == row.pk
    again = call(waiting, at=LATER + MINUTE)
    assert (again.allow, again.code) == (False, "open_promise")


def test_the_decision_stands_in_spite_of_what_was_set_aside(waiting: Cast) -> None:
    grant(waiting)
    decision = call(waiting)
    at = LATER + MINUTE
    found = gate.still_stands(decision.id, by=person(waiting.amina), at=at)
    assert found is not None
    assert found.stands
    permit = dossier.permit(decision.id, user=waiting.amina, at=at)
    campaign = dossier.campaign(waiting.dupont, waiting.amina, permit)
    live = dossier.live(waiting.dupont, user=waiting.amina, at=at, permit=permit, campaign=campaign)
    assert live["lamp"].shape == "open"
    assert {row.e164: row.dial for row in live["numbers"]} == {
        DUPONT_HOME: True,
        DUPONT_MOBILE: False,
    }


def test_a_promise_made_after_the_grant_denies_again(waiting: Cast) -> None:
    grant(waiting)
    later = call_and_promise(waiting.chloe, waiting.dupont, at=LATER + MINUTE)
    decision = call(waiting, at=LATER + 2 * MINUTE)
    assert not decision.allow
    assert later.reference in {block.promise for block in decision.blocks}
    assert Override.objects.get().used_at is None


def test_a_wish_never_to_be_called_after_the_grant_denies_again(waiting: Cast) -> None:
    grant(waiting)
    never_again(waiting)
    assert call(waiting, at=LATER + MINUTE).code == "dnc_company"


def test_it_is_over_after_half_an_hour(waiting: Cast) -> None:
    row = grant(waiting)
    assert row.until_at == LATER + timedelta(minutes=30)
    assert not call(waiting, at=LATER + 30 * MINUTE).allow
    assert call(waiting, at=LATER + 30 * MINUTE - timedelta(seconds=1)).code == "override"


def test_advice_uses_nothing(waiting: Cast) -> None:
    grant(waiting)
    assert not call(waiting, reserve=False).allow
    assert call(waiting).allow


def test_nobody_else_can_use_it(waiting: Cast) -> None:
    grant(waiting)
    other = call(waiting, agent=waiting.chloe, by=person(waiting.chloe))
    assert (other.allow, other.code) == (False, "open_promise")


def test_it_is_for_one_customer(waiting: Cast) -> None:
    call_and_promise(waiting.bram, waiting.peeters, address="peeters@post.example")
    grant(waiting)
    assert not call(waiting, customer=waiting.peeters, number=None).allow


def test_it_is_for_one_purpose(waiting: Cast) -> None:
    grant(waiting)
    assert not call(waiting, purpose="survey").allow
    assert call(waiting).allow


def test_a_key_uses_none_even_when_it_names_the_agent(waiting: Cast) -> None:
    grant(waiting)
    issued = keys.issue(name="dialer", scopes=["gate:read"], by=SYSTEM, at=START)
    decision = call(waiting, by=Actor.machine(issued.key))
    assert (decision.allow, decision.code) == (False, "open_promise")


def test_a_number_that_others_share_is_not_let_through(waiting: Cast) -> None:
    customers.add_number(customer=waiting.peeters, e164=DUPONT_HOME, position=3, at=START)
    grant(waiting)
    assert not call(waiting).allow
    assert call(waiting, number=DUPONT_MOBILE).code == "override"


def test_who_shares_every_number_cannot_be_let_through(waiting: Cast) -> None:
    for position, number in enumerate((DUPONT_HOME, DUPONT_MOBILE), start=3):
        customers.add_number(customer=waiting.peeters, e164=number, position=position, at=START)
    assert "somebody else's too" in refusal(grant, waiting)


# --- what gives way ---------------------------------------------------------------------------


def never_again(cast: Cast, kind: str = "dnc_company") -> None:
    suppressions.add(customer=cast.dupont, kind=kind, origin="call", by=SYSTEM, at=START)


def test_a_do_not_call_cannot_be_overridden(waiting: Cast) -> None:
    never_again(waiting)
    said = "Nobody can allow this call. The customer asked never to be called."
    assert refusal(grant, waiting) == said
    assert refusal(ask, waiting) == said
    assert not Override.objects.exists()


def test_a_pause_that_the_customer_asked_for_cannot_be_overridden(waiting: Cast) -> None:
    never_again(waiting, "customer_pause")
    assert refusal(grant, waiting).startswith("Nobody can allow this call.")


def test_somebody_who_is_being_called_by_another_cannot_be_let_through(cast: Cast) -> None:
    assert cast.dupont
    sweeps_alive(LATER)
    gate.decide(Question(number=DUPONT_HOME), by=SYSTEM, at=LATER)
    assert "Somebody else was just allowed" in refusal(grant, cast)


def test_nothing_is_let_through_while_kept_is_not_sure_of_itself(cast: Cast) -> None:
    promised(cast)
    assert "cannot be sure" in refusal(grant, cast)


def test_where_nothing_stands_no_permission_is_needed(cast: Cast) -> None:
    assert cast.dupont
    sweeps_alive(LATER)
    assert "needs no permission" in refusal(grant, cast)
    assert "needs no permission" in refusal(ask, cast)


def test_reading_time_and_a_call_just_before_give_way(cast: Cast, relay: Relay) -> None:
    proven(cast, relay)
    at = START + DAY + HOUR
    sweeps_alive(at + HOUR)
    calls.log(call=call_of(cast.chloe, cast.dupont, at=at), by=SYSTEM, at=at)
    row = grant(cast, at=at + MINUTE)
    assert [text.partition(":")[0] for text in row.blocks] == ["min_gap", "reading_time"]
    assert call(cast, at=at + 2 * MINUTE).code == "override"


def called_often(cast: Cast, *, policy: str) -> Campaign:
    for days in (1, 2, 3, 4, 5):
        at = LATER - days * DAY
        calls.log(call=call_of(cast.amina, cast.dupont, at=at), by=SYSTEM, at=at)
    sweeps_alive(LATER)
    return Campaign.objects.create(slug=policy, name=policy, purpose="sales", policy=policy)


def stubborn(cast: Cast, campaign: Campaign) -> set[str]:
    found = overridable.against(customer=cast.dupont, agent=cast.amina, campaign=campaign, at=LATER)
    assert "cap_attempts" in {block.code for block in found.blocks}
    return {block.code for block in found.stubborn}


@pytest.mark.usefixtures("unlisted")
def test_a_cap_of_our_own_gives_way_and_one_of_the_law_does_not(cast: Cast) -> None:
    assert stubborn(cast, called_often(cast, policy="be")) == set()
    assert stubborn(cast, called_often(cast, policy="fr")) == {"cap_attempts"}


@pytest.mark.usefixtures("unlisted")
def test_the_law_of_the_customers_country_counts_too(cast: Cast) -> None:
    Customer.objects.filter(pk=cast.dupont.pk).update(country="FR")
    cast.dupont.refresh_from_db()
    assert stubborn(cast, called_often(cast, policy="be")) == {"cap_attempts"}


def test_a_no_gives_way_where_no_law_says_how_long_it_counts(cast: Cast) -> None:
    never_again(cast, "refusal_cooloff")
    sweeps_alive(LATER)
    assert grant(cast).blocks == ["refusal_cooloff:"]
    Customer.objects.filter(pk=cast.dupont.pk).update(country="FR")
    cast.dupont.refresh_from_db()
    assert "Nobody can allow this call." in refusal(grant, cast, agent=cast.amina)


# --- asking and deciding ----------------------------------------------------------------------


def told(user: User) -> list[str]:
    return list(Notice.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))


def test_an_agent_asks_and_the_teams_supervisor_is_told(waiting: Cast) -> None:
    row = ask(waiting, why="  She   rang. ")
    assert (row.asked_by, row.text.asked_for) == (f"user:{waiting.amina.pk}", "She rang.")
    assert told(waiting.chloe)[-1] == "override_asked"
    assert not call(waiting).allow
    (found,) = override_lists.waiting(user=waiting.chloe, at=LATER)
    assert found.row.override == row
    assert [block.code for block in found.blocks] == ["open_promise"]


def test_asking_twice_is_asking_once(waiting: Cast) -> None:
    assert ask(waiting) == ask(waiting, at=LATER + MINUTE)
    assert told(waiting.chloe).count("override_asked") == 1


def test_the_database_keeps_one_open_request_of_an_agent_for_a_customer(waiting: Cast) -> None:
    row = ask(waiting)
    row.pk = None
    with pytest.raises(IntegrityError, match="override_asked_once"), transaction.atomic():
        row.save(force_insert=True)


def test_a_request_is_answered_with_one_call_for_what_stands_now(waiting: Cast) -> None:
    request = ask(waiting)
    later = call_and_promise(waiting.chloe, waiting.dupont, at=LATER + MINUTE)
    row = grant(waiting, request, at=LATER + 2 * MINUTE)
    assert row.pk == request.pk
    assert f"open_promise:{later.reference}" in row.blocks
    assert told(waiting.amina)[-1] == "override_granted"
    assert call(waiting, at=LATER + 3 * MINUTE).code == "override"


def test_a_call_that_is_let_through_unasked_answers_the_request(waiting: Cast) -> None:
    request = ask(waiting)
    assert grant(waiting).pk == request.pk


def test_a_no_is_said_to_the_agent_and_stands(waiting: Cast) -> None:
    request = ask(waiting)
    overrides.refuse(request=request, by=person(waiting.chloe), at=LATER)
    assert told(waiting.amina)[-1] == "override_refused"
    assert "decided this already" in refusal(grant, waiting, request)
    assert not call(waiting).allow


def test_what_was_granted_cannot_be_refused_or_granted_again(waiting: Cast) -> None:
    request = ask(waiting)
    grant(waiting, request)
    again = {"request": request, "by": person(waiting.chloe), "at": LATER}
    assert "already" in refusal(overrides.refuse, **again)
    assert "allowed already, until" in refusal(grant, waiting, request)
    assert "allowed already, until" in refusal(grant, waiting)


def test_something_new_in_the_way_can_be_let_through_as_well(waiting: Cast) -> None:
    grant(waiting)
    call_and_promise(waiting.chloe, waiting.dupont, at=LATER + MINUTE)
    grant(waiting, at=LATER + 2 * MINUTE)
    assert call(waiting, at=LATER + 3 * MINUTE).code == "override"


@pytest.mark.parametrize("why", ["", "   ", "because", "a  b  c  d  e  f  g", "14 characters."])
def test_a_reason_has_fifteen_characters(waiting: Cast, why: str) -> None:
    assert "Say why" in refusal(grant, waiting, reason=why)
    assert not Override.objects.exists()


def test_a_request_says_something(waiting: Cast) -> None:
    assert "Say why" in refusal(ask, waiting, why=" ")


def test_nobody_lets_their_own_call_through(waiting: Cast) -> None:
    assert "their own call" in refusal(grant, waiting, agent=waiting.chloe)
    second = colleague(waiting)
    assert grant(waiting, agent=waiting.chloe, by=person(second)).granted_by == actor(second)


def colleague(cast: Cast, role: str = User.Role.SUPERVISOR, team: Any = None) -> User:
    return User.objects.create(username=f"{role}2", role=role, team=team or cast.liege)


def actor(user: User) -> str:
    return person(user).code


@pytest.mark.parametrize("name", ["amina", "bram", "dirk", "eva"])
def test_only_supervisors_decide(waiting: Cast, name: str) -> None:
    by = person(getattr(waiting, name))
    request = ask(waiting)
    assert "not yours" in refusal(grant, waiting, by=by)
    assert "not yours" in refusal(grant, waiting, request, by=by)
    assert "not yours" in refusal(overrides.refuse, request=request, by=by, at=LATER)


def test_a_supervisor_of_another_team_decides_nothing(waiting: Cast) -> None:
    by = person(colleague(waiting, team=waiting.gent))
    request = ask(waiting)
    assert "agent's team" in refusal(grant, waiting, by=by)
    assert "agent's team" in refusal(grant, waiting, request, by=by)
    assert "agent's team" in refusal(overrides.refuse, request=request, by=by, at=LATER)
    assert override_lists.waiting(user=by.user or waiting.chloe, at=LATER) == []


def test_who_has_left_decides_nothing_and_is_not_let_through(waiting: Cast) -> None:
    waiting.amina.is_active = False
    waiting.amina.save(update_fields=["is_active"])
    assert "agent's team" in refusal(grant, waiting)
    waiting.chloe.is_active = False
    assert "not yours" in refusal(grant, waiting)


def test_a_key_neither_asks_nor_grants(waiting: Cast) -> None:
    issued = keys.issue(name="dialer", scopes=["gate:read"], by=SYSTEM, at=START)
    key = Actor.machine(issued.key)
    request = ask(waiting)
    assert "not yours" in refusal(grant, waiting, request, by=key)
    assert "not yours" in refusal(
        overrides.ask, customer=waiting.dupont, reason=WHY, by=key, at=LATER
    )


def test_without_a_supervisor_there_is_nobody_to_ask(waiting: Cast) -> None:
    User.objects.filter(pk=waiting.chloe.pk).update(is_active=False)
    assert "no supervisor" in refusal(ask, waiting)


def test_the_database_refuses_a_grant_by_the_one_who_asked(waiting: Cast) -> None:
    request = ask(waiting)
    with pytest.raises(IntegrityError, match="granted_by_another"), transaction.atomic():
        Override.objects.filter(pk=request.pk).update(
            granted_at=LATER, granted_by=request.asked_by, until_at=LATER + HOUR
        )


# --- the quota --------------------------------------------------------------------------------


def quota_used(cast: Cast, *, at: datetime = LATER - DAY) -> None:
    """Chloé let ten calls through, all of them used or over."""
    rows = Override.objects.bulk_create(
        Override(
            customer=cast.dupont,
            agent=cast.amina,
            purpose="sales",
            blocks=["min_gap:"],
            granted_at=at,
            granted_by=person(cast.chloe).code,
            until_at=at + 30 * MINUTE,
        )
        for _ in range(overrides.QUOTA)
    )
    OverrideText.objects.bulk_create(OverrideText(override=row, reason=WHY) for row in rows)


def test_the_tenth_of_a_week_holds_by_itself_and_the_eleventh_needs_operations(
    waiting: Cast,
) -> None:
    quota_used(waiting)
    Override.objects.latest("pk").delete()
    assert not grant(waiting).needs_second
    assert call(waiting).allow
    row = grant(waiting, at=LATER + MINUTE)
    assert row.needs_second
    assert told(waiting.dirk)[-1] == "override_to_sign"
    assert told(waiting.amina).count("override_granted") == 1


def test_the_week_rolls(waiting: Cast) -> None:
    quota_used(waiting, at=LATER - 7 * DAY)
    assert not grant(waiting).needs_second


def test_it_holds_for_half_an_hour_from_the_second_signature(waiting: Cast) -> None:
    quota_used(waiting)
    row = grant(waiting)
    assert not call(waiting).allow
    at = LATER + 20 * MINUTE
    signed = overrides.second(override=row, by=person(waiting.dirk), at=at)
    assert signed.until_at == at + timedelta(minutes=30)
    assert told(waiting.amina)[-1] == "override_granted"
    assert call(waiting, at=LATER + 45 * MINUTE).code == "override"


def test_what_nobody_signed_in_half_an_hour_is_over(waiting: Cast) -> None:
    quota_used(waiting)
    row = grant(waiting)
    assert [w.row.override for w in override_lists.waiting(user=waiting.dirk, at=LATER)] == [row]
    late = LATER + 30 * MINUTE
    assert "nothing to sign" in refusal(
        overrides.second, override=row, by=person(waiting.dirk), at=late
    )
    assert override_lists.waiting(user=waiting.dirk, at=late) == []


@pytest.mark.parametrize("name", ["amina", "chloe", "eva"])
def test_only_operations_sign(waiting: Cast, name: str) -> None:
    quota_used(waiting)
    row, by = grant(waiting), person(getattr(waiting, name))
    assert "not yours" in refusal(overrides.second, override=row, by=by, at=LATER)


def test_what_needs_no_second_signature_gets_none(waiting: Cast) -> None:
    row, by = grant(waiting), person(waiting.dirk)
    assert "nothing to sign" in refusal(overrides.second, override=row, by=by, at=LATER)


# --- what is kept of it -----------------------------------------------------------------------


def test_every_move_is_in_the_audit_the_use_as_well(waiting: Cast) -> None:
    quota_used(waiting)
    request = ask(waiting)
    grant(waiting, request)
    overrides.second(override=request, by=person(waiting.dirk), at=LATER)
    decision = call(waiting)
    rows = AuditEntry.objects.filter(subject=f"override:{request.pk}").order_by("pk")
    assert [(row.action, row.by) for row in rows] == [
        ("override_asked", actor(waiting.amina)),
        ("override_granted", actor(waiting.chloe)),
        ("override_seconded", actor(waiting.dirk)),
        ("override_used", actor(waiting.amina)),
    ]
    assert rows.last().data["decision"] == str(decision.id)  # type: ignore[union-attr]
    assert WHY not in str([row.data for row in rows])


def test_the_timeline_tells_the_request_the_grant_and_the_use(waiting: Cast) -> None:
    request = ask(waiting, why="She rang the shop.")
    grant(waiting, request, at=LATER + MINUTE)
    call(waiting, at=LATER + 2 * MINUTE)
    found = [e for e in timeline.of(waiting.dupont) if e.kind == "override"]
    assert [(entry.title, entry.detail, entry.who) for entry in found] == [
        ("Took the call that was allowed", "", "Amina"),
        ("Allowed Amina one call", f"“{WHY}”", "Chloé"),
        ("Asked to call all the same", "“She rang the shop.”", "Amina"),
    ]


def test_what_was_let_through_stands_in_the_list_of_the_week(waiting: Cast) -> None:
    grant(waiting)
    assert states(waiting, LATER) == ["stands"]
    assert states(waiting, LATER + HOUR) == ["over"]
    call(waiting)
    assert states(waiting, LATER + HOUR) == ["used"]
    assert states(waiting, LATER + 8 * DAY) == []


def states(cast: Cast, at: datetime) -> list[str]:
    teams = type(cast.liege).objects.filter(pk=cast.liege.pk)
    return [row.state for row in override_lists.week(teams=teams, at=at)]
