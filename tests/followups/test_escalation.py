"""The ladder climbed: each rung once a cycle, in order, in working time, never after the proof."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest
from django.db import IntegrityError, connection, transaction

from crm import absences, workdays
from crm.models import User
from followups import escalation, notice_words, notices
from followups.escalation import Audience
from followups.ladder import DEFAULT
from followups.models import Escalation, Notice, Promise
from tests.cast import DAY, HOUR, MINUTE, START, Cast, Relay, brussels, call_and_promise
from tests.followups.scenes import Kind, accepted, fresh, promised, report

PLAIN = escalation.PLAIN
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
    assert {n.kind for n in told} <= set(notice_words.SENTENCES)


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
    assert Audience(absences.rota(at=START)).of(promise.owner, "supervisor") == [cast.chloe]


def test_one_row_that_throws_delays_nobody_else(cast: Cast) -> None:
    poison, good = promised(cast), promised(cast)
    Promise.objects.filter(pk=poison.pk).update(ladder={"steps": "of another house"})
    first = good.next_rung_at
    assert first
    assert escalation.climb(at=first) == 1
    assert climbed(good) and not climbed(poison)
    assert fresh(poison).next_rung_at == first + HOUR
    for hours in range(1, 8):
        escalation.climb(at=first + hours * HOUR)
    assert Notice.objects.filter(kind="poison").values_list("user__username").get() == ("dirk",)


def test_a_batch_that_throws_is_climbed_one_by_one(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [promised(cast) for _ in range(3)]

    def broken(*_args: object, **values: object) -> int:
        raise RuntimeError("the batch is at fault")

    monkeypatch.setattr(notices, "tell_many", broken)
    first = made[0].next_rung_at
    assert first
    assert escalation.climb(at=first) == 3
    assert [climbed(promise) for promise in made] == [[(1, "lateness", "owner")]] * 3
    assert Notice.objects.filter(kind="lateness_owner").count() == 3


def test_what_only_tells_somebody_is_climbed_together(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [promised(cast) for _ in range(3)]
    monkeypatch.delattr(escalation, "_climb_one")
    first = made[0].next_rung_at
    assert first
    assert escalation.climb(at=first) == 3
    assert {promise.failures for promise in Promise.objects.all()} == {0}


def test_a_rung_that_is_on_record_already_is_poison_and_holds_up_no_batch(cast: Cast) -> None:
    odd, good = promised(cast), promised(cast)
    first = good.next_rung_at
    assert first
    Escalation.objects.create(
        promise=odd, cycle=1, track="lateness", rung=0, role="owner", due_at=first, at=first, by="x"
    )
    assert escalation.climb(at=first) == 1
    assert climbed(good)
    assert (fresh(odd).rung, fresh(odd).failures) == (0, 1)


@pytest.mark.parametrize("together", [True, False])
def test_together_or_alone_the_same_is_written(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, together: bool
) -> None:
    """The batch and the single climb are two hands of one rule."""
    if not together:
        monkeypatch.setattr(escalation, "PLAIN", "false")
        for name in ("DUE", "SINGLES"):
            told = getattr(escalation, name).replace(PLAIN, "false")
            monkeypatch.setattr(escalation, name, told)
    without = User.objects.create(username="solo", team=cast.liege, role="agent", email="")
    promise, mailless = promised(cast), call_and_promise(without, cast.dupont)
    climb_until(START + 10 * DAY, step=60)
    for made in (promise, mailless):
        row = fresh(made)
        told = made.events.exclude(cause__in=("made", "delivery_attached")).order_by("pk")
        assert list(told.values_list("cause", "by", "from_status", "to_status")) == [
            (cause, "sweep:escalate", "open", "open")
            for cause in (
                "rung_owner",
                "rung_owner_and_team",
                "broken",
                "rung_supervisor",
                "rung_operations",
                "rung_management",
            )
        ]
        assert [event.data for event in told if event.cause != "broken"] == [
            {"rung": rung, "told": 1} for rung in range(5)
        ]
        assert (row.rung, row.next_rung_at, row.broken_by) == (5, None, "sweep:escalate")
        assert row.broken_at and row.broken_at >= made.due_at
    said = Notice.objects.filter(promise=mailless, user=without)
    assert {(n.status, n.next_try_at, n.sent_at is not None) for n in said} == {
        ("sent", None, True)
    }
    owners = Notice.objects.filter(promise=promise, user=cast.amina)
    due = {n.pk: notices.when(user=cast.amina, kind=n.kind, at=n.at) for n in owners}
    assert {(n.status, n.next_try_at == due[n.pk]) for n in owners} == {("queued", True)}


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
            # What the other one holds is passed by, and is still due when it looks again.
            while Promise.objects.open().filter(next_rung_at__lte=at).exists():
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
