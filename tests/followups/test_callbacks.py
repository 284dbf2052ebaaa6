"""Call-backs: the slots that are offered, and which call keeps the promise of one."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from crm import workdays
from crm.models import Campaign, User
from crm.workdays import Calendar
from followups import (
    callbacks,
    conversations,
    escalation,
    next_calls,
    promises,
    reconcile,
)
from followups.models import Promise
from followups.terms import Refused, Terms
from tests.cast import (
    BRUSSELS,
    DAY,
    HOUR,
    MINUTE,
    START,
    SYSTEM,
    Cast,
    brussels,
    call_of,
    person,
    sweeps_alive,
)
from tests.followups.scenes import causes, fresh
from tests.followups.test_watchdog import found as wrong

SLOT = brussels("2026-03-03 14:00")
CALENDAR = Calendar.from_dict(workdays.DEFAULT.to_dict())


def asked(cast: Cast, *, slot: datetime = SLOT, campaign: str = "") -> Promise:
    """Amina promises Mme Dupont to call her back, for a campaign or for none."""
    slug = {"slug": campaign, "name": campaign}
    why = Campaign.objects.get_or_create(**slug)[0] if campaign else None
    terms = Terms(kind="callback", words="I call you back.", plan=(), due_at=slot)
    recorded = conversations.record(
        call=call_of(cast.amina, cast.dupont, campaign=why),
        terms=[terms],
        by=person(cast.amina),
        at=START,
    )
    return recorded.promises[0]


def rings(cast: Cast, agent: User, *, at: datetime, result: str, **more: Any) -> None:
    """A call of this agent to Mme Dupont, and how it ended."""
    answered = at if result == "answered" else None
    facts = {"answered_at": answered, "ended_at": at + MINUTE, "result": result, **more}
    call = call_of(agent, cast.dupont, at=at, **facts)
    conversations.record(call=call, by=person(agent), at=at + MINUTE)


def test_it_has_no_document_no_channel_and_nothing_to_read(cast: Cast) -> None:
    promise = asked(cast)
    assert (promise.plan, promise.required_grade, promise.reading_hours) == ([], 1, 0)
    assert (promise.due_at, promise.late_at) == (SLOT, SLOT + HOUR)
    assert not promise.attached.exists()


def test_one_without_a_slot_is_refused(cast: Cast) -> None:
    terms = Terms(kind="callback", words="Soon.", plan=())
    with pytest.raises(Refused) as refused:
        conversations.record(
            call=call_of(cast.amina, cast.dupont), terms=[terms], by=SYSTEM, at=START
        )
    assert refused.value.field == "promises.0.due_at"


def test_two_slots_promised_in_one_call_are_one_too_many(cast: Cast) -> None:
    terms = [
        Terms(kind="callback", words="I call.", plan=(), due_at=SLOT + n * HOUR) for n in (0, 1)
    ]
    call = call_of(cast.amina, cast.dupont)
    with pytest.raises(Refused, match="promised already") as refusal:
        conversations.record(call=call, terms=terms, by=SYSTEM, at=START)
    assert refusal.value.field == "promises.1.move"
    assert not Promise.objects.exists()


@pytest.mark.parametrize(
    ("who", "minutes", "kept"),
    [
        ("amina", -16, False),
        ("amina", -15, True),
        ("amina", 0, True),
        ("amina", 300, True),
        ("chloe", 0, True),  # supervisor of the team
        ("bram", 0, False),  # somebody else's call does not count
        ("dirk", 0, False),
    ],
)
def test_an_answered_call_of_the_owner_from_a_quarter_before_keeps_it(
    cast: Cast, who: str, minutes: int, kept: bool
) -> None:
    promise = asked(cast)
    at = SLOT + minutes * MINUTE
    rings(cast, getattr(cast, who), at=at, result="answered")
    promise = fresh(promise)
    assert promise.status == ("kept" if kept else "open")
    if kept:
        assert (promise.kept_at, causes(promise)[-1]) == (at, "called_back")


@pytest.mark.parametrize(
    ("results", "kept"),
    [
        (["no_answer"], False),
        (["voicemail"], False),
        (["no_answer", "no_answer"], False),
        (["no_answer", "voicemail"], True),
        (["voicemail", "busy"], True),
        (["failed", "voicemail"], False),
    ],
)
def test_one_unanswered_ring_keeps_nothing_two_and_a_message_do(
    cast: Cast, results: list[str], kept: bool
) -> None:
    promise = asked(cast)
    for n, result in enumerate(results):
        rings(cast, cast.amina, at=SLOT + n * 20 * MINUTE, result=result)
    assert (fresh(promise).status == "kept") is kept


def test_a_result_that_is_told_later_keeps_it_too(cast: Cast) -> None:
    promise = asked(cast)
    facts = {"source": "dialer", "external_id": "77", "answered_at": None}
    rings(cast, cast.amina, at=SLOT, result="", **facts)
    assert fresh(promise).status == "open"
    rings(cast, cast.amina, at=SLOT, result="answered", **facts)
    assert fresh(promise).status == "kept"


def test_the_call_in_which_it_was_promised_does_not_keep_it(cast: Cast) -> None:
    promise = asked(cast, slot=START + 10 * MINUTE)
    assert fresh(promise).status == "open"


def test_another_customers_call_does_not_keep_it(cast: Cast) -> None:
    promise = asked(cast)
    call = call_of(cast.amina, cast.peeters, at=SLOT)
    conversations.record(call=call, by=SYSTEM, at=SLOT)
    assert fresh(promise).status == "open"


def test_after_an_hour_it_is_late_and_still_to_be_called(cast: Cast) -> None:
    promise = asked(cast)
    patient, late = SLOT + 59 * MINUTE, SLOT + 60 * MINUTE
    assert not Promise.objects.broken(patient).exists()
    assert not promises.mark_broken(promise=promise, by=SYSTEM, at=patient)
    assert list(Promise.objects.broken(late)) == [promise]
    escalation.climb(at=late)
    escalation.climb(at=late)
    assert fresh(promise).broken_at == late
    rings(cast, cast.amina, at=late, result="answered")
    promise = fresh(promise)
    assert (promise.status, promise.broken_at) == ("kept", late)


def test_sweeps_take_it_for_no_document(cast: Cast) -> None:
    """Nothing is queued for it, nobody misses its delivery, and no proof opens it again."""
    promise = asked(cast)
    reconcile.run(at=START + HOUR)
    assert wrong(at=START + HOUR) == {}
    rings(cast, cast.amina, at=SLOT, result="answered")
    reconcile.run(at=SLOT + HOUR)
    assert fresh(promise).status == "kept"
    asked(cast, slot=SLOT + 3 * DAY)
    for day in range(12):
        escalation.climb(at=SLOT + day * DAY)
    assert not promise.customer.deliveries.exists()


def test_a_call_that_was_made_is_no_follow_up(cast: Cast) -> None:
    asked(cast)
    rings(cast, cast.amina, at=SLOT, result="answered")
    later = SLOT + DAY
    sweeps_alive(later)
    assert next_calls.next_to_call(user=cast.amina, at=later).calls == ()


def test_slots_are_full_hours_of_work_on_the_next_five_days_with_one() -> None:
    found = callbacks.slots(calendar=CALENDAR, at=brussels("2026-03-06 15:30"))  # a Friday
    local = [slot.astimezone(BRUSSELS) for slot in found]
    assert all(slot.minute == 0 and CALENDAR.is_open(slot) for slot in found)
    days = sorted({slot.date().isoformat() for slot in local})
    assert days == ["2026-03-06", "2026-03-09", "2026-03-10", "2026-03-11", "2026-03-12"]
    assert found[0] == brussels("2026-03-06 17:00")
    assert found[0] - brussels("2026-03-06 15:30") >= callbacks.NOTICE


def test_no_slot_is_lost_or_doubled_when_the_clocks_change() -> None:
    found = callbacks.slots(calendar=CALENDAR, at=brussels("2026-03-27 12:00"))
    assert len(set(found)) == len(found)
    monday = [slot for slot in found if slot.date().isoformat() == "2026-03-30"]
    assert monday[0] == brussels("2026-03-30 09:00")


def test_a_team_that_never_works_offers_none() -> None:
    closed = Calendar(
        zone="Europe/Brussels",
        hours={0: ((time(9), time(9, 20)),)},
    )
    assert callbacks.slots(calendar=closed, at=START + timedelta(days=1)) == []
