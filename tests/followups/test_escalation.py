"""The ladder climbed: each rung once a cycle, in order, in working time, never after the proof."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest
from django.db import IntegrityError, connection, transaction

from crm import workdays
from crm.models import User
from followups import escalation, notices
from followups.ladder import DEFAULT
from followups.models import Escalation, Notice, Promise
from tests.cast import DAY, HOUR, MINUTE, START, Cast, Relay, brussels
from tests.followups.scenes import Kind, accepted, fresh, promised, report

ROLES = [rung.role.value for rung in DEFAULT.lateness]


def climb_until(end: datetime, start: datetime = START, step: int = 15) -> None:
    at = start
    while at <= end:
        escalation.climb(at=at)
        at += step * MINUTE


def climbed(promise: Promise) -> list[tuple[int, str, str]]:
    rows = Escalation.objects.filter(promise=promise).order_by("pk")
    return list(rows.values_list("cycle", "track", "role"))


def test_each_rung_once_and_in_order(cast: Cast) -> None:
    promise = promised(cast)
    climb_until(START + 10 * DAY, step=60)
    assert climbed(promise) == [(1, "lateness", role) for role in ROLES]
    rows = Escalation.objects.order_by("pk")
    assert [row.rung for row in rows] == list(range(len(ROLES)))
    assert all(row.at >= row.due_at for row in rows)
    assert fresh(promise).next_rung_at is None
    assert fresh(promise).broken_at is not None


def test_the_rungs_fire_in_working_hours_only(cast: Cast) -> None:
    promised(cast, at=brussels("2026-03-06 16:00"))
    climb_until(START + 14 * DAY, step=15)
    calendar = workdays.DEFAULT
    assert Escalation.objects.count() == len(ROLES)
    for row in Escalation.objects.all():
        closing = calendar.is_open(row.due_at - MINUTE)
        assert calendar.is_open(row.due_at) or closing, row.due_at


def test_a_rung_is_late_by_one_sweep_at_most(cast: Cast) -> None:
    promise = promised(cast)
    first = promise.next_rung_at
    assert first
    assert escalation.climb(at=first - MINUTE) == 0
    assert escalation.climb(at=first) == 1
    assert escalation.climb(at=first) == 0


def test_none_after_the_proof(cast: Cast, relay: Relay) -> None:
    promise = promised(cast)
    report(promise, Kind.CONFIRMED, at=START + HOUR)
    climb_until(START + 10 * DAY, step=60)
    assert climbed(promise) == []


def test_a_mail_that_left_bothers_nobody_until_its_proof_is_overdue(
    cast: Cast, relay: Relay
) -> None:
    promise = accepted(cast, relay)
    climb_until(brussels("2026-03-05 08:45"), step=60)
    assert climbed(promise) == []
    climb_until(START + 12 * DAY, start=brussels("2026-03-05 09:00"), step=60)
    assert climbed(promise) == [(1, "proof", "owner"), (1, "proof", "supervisor")]
    assert fresh(promise).broken_at is None


def test_a_new_cycle_climbs_again_from_the_first_rung(cast: Cast, relay: Relay) -> None:
    promise = promised(cast)
    climb_until(promise.due_at, step=15)
    report(promise, Kind.CONFIRMED, at=promise.due_at + HOUR)
    later = promise.due_at + DAY
    report(promise, Kind.NEVER_RECEIVED, at=later)
    climb_until(later + 10 * DAY, start=later, step=60)
    rungs = [role for cycle, _track, role in climbed(promise) if cycle == 2]
    assert rungs == ROLES


def test_a_bounce_back_to_lateness_repeats_no_rung(cast: Cast, relay: Relay) -> None:
    promise = promised(cast)
    first = promise.next_rung_at
    assert first
    escalation.climb(at=first)
    report(promise, Kind.RELAY_ACCEPTED, at=first + MINUTE)
    report(promise, Kind.FAILED, at=first + 2 * MINUTE)
    climb_until(START + 10 * DAY, start=first, step=60)
    assert climbed(promise) == [(1, "lateness", role) for role in ROLES]


def test_everybody_who_must_know_is_told_once(cast: Cast) -> None:
    promised(cast)
    climb_until(START + 10 * DAY, step=60)
    told = Notice.objects.exclude(escalation=None).order_by("pk")
    assert [(n.user.username, n.kind) for n in told] == [
        ("amina", "lateness_owner"),
        ("amina", "lateness_owner_and_team"),
        ("chloe", "lateness_supervisor"),
        ("dirk", "lateness_operations"),
        ("dirk", "lateness_management"),
    ]
    assert {n.kind for n in told} <= set(notices.SENTENCES)


def test_without_a_supervisor_the_next_rung_comes_at_once(cast: Cast) -> None:
    User.objects.filter(pk=cast.chloe.pk).update(is_active=False)
    promise = promised(cast)
    at = brussels("2026-03-04 13:00")
    climb_until(at, step=60)
    escalation.climb(at=at)
    escalation.climb(at=at)
    assert [role for _c, _t, role in climbed(promise)][:4] == ROLES[:4]
    assert Notice.objects.filter(user=cast.dirk).exists()


def test_another_supervisor_of_the_team_stands_in(cast: Cast) -> None:
    User.objects.filter(pk=cast.amina.pk).update(supervisor=None)
    promise = promised(cast)
    promise.owner.refresh_from_db()
    assert escalation.recipients(promise, "supervisor") == [cast.chloe]


def test_one_row_that_throws_delays_nobody_else(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, good = promised(cast), promised(cast)
    real = escalation.recipients

    def recipients(promise: Promise, role: str) -> list[User]:
        if promise.pk == poison.pk:
            raise ValueError("poison")
        return real(promise, role)

    monkeypatch.setattr(escalation, "recipients", recipients)
    first = good.next_rung_at
    assert first
    assert escalation.climb(at=first) == 1
    assert climbed(good) and not climbed(poison)
    assert fresh(poison).next_rung_at == first + HOUR
    for hours in range(1, 8):
        escalation.climb(at=first + hours * HOUR)
    assert Notice.objects.filter(kind="poison").values_list("user__username").get() == ("dirk",)


def test_the_database_refuses_the_same_rung_twice(cast: Cast) -> None:
    promise = promised(cast)
    first = promise.next_rung_at
    assert first
    escalation.climb(at=first)
    row = Escalation.objects.get()
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


@pytest.mark.django_db(transaction=True)
def test_two_sweepers_at_once_climb_each_rung_once(cast: Cast) -> None:
    made = [promised(cast) for _ in range(5)]
    at = made[0].due_at + 5 * DAY
    barrier = threading.Barrier(2)
    failed: list[Exception] = []

    def sweep() -> None:
        try:
            barrier.wait(30)
            for _ in range(8):
                escalation.climb(at=at)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=sweep) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    for promise in made:
        assert climbed(promise) == [(1, "lateness", role) for role in ROLES]
        assert fresh(promise).failures == 0
