"""Findings have a history: opened, told once, gone, told once; a round meets every promise."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from crm.models import Heartbeat
from followups import auditing, digests, findings, notice_words, promises, watch_words, watchdog
from followups.models import AuditRound, Finding, Notice, Promise
from offers import intake
from tests.cast import DAY, HOUR, MINUTE, START, Cast, sweeps_alive
from tests.followups.scenes import promised

LATER = START + HOUR


@pytest.fixture
def house(cast: Cast) -> Cast:
    """Everything runs, at whatever hour these tests look."""
    Heartbeat.objects.all().delete()
    sweeps_alive(START + 30 * DAY)
    return cast


def look(at: datetime) -> int | None:
    intake.seen(name="sink", at=at)
    return findings.look(at=at)


def told() -> list[tuple[str, str, int]]:
    rows = Notice.objects.filter(kind__startswith="finding").order_by("pk")
    return [(row.user.username, row.kind, row.data["rows"]) for row in rows]


def unplanned(cast: Cast, *, count: int = 1) -> list[Promise]:
    """Promises of which nobody will hear that they are late."""
    rows = [promised(cast) for _ in range(count)]
    Promise.objects.filter(pk__in=[row.pk for row in rows]).update(next_rung_at=None)
    return rows


def test_what_is_found_is_told_once_and_once_when_it_has_gone(house: Cast) -> None:
    (promise,) = unplanned(house)
    assert look(LATER) == 1 and told() == [], "somebody may just be at it"
    for minute in range(1, 4):
        assert look(LATER + minute * MINUTE) == 1
    assert told() == [("dirk", "finding", 1)]
    Promise.objects.filter(pk=promise.pk).update(next_rung_at=promise.rungs[0])
    assert look(LATER + HOUR) == 0
    assert told() == [("dirk", "finding", 1), ("dirk", "finding_gone", 1)]
    row = Finding.objects.get()
    assert (row.opened_at, row.closed_at) == (LATER, LATER + HOUR)
    assert row.subjects == [str(promise.pk)]


def test_what_a_first_look_saw_and_the_next_does_not_is_not_told(house: Cast) -> None:
    (promise,) = unplanned(house)
    look(LATER)
    Promise.objects.filter(pk=promise.pk).update(next_rung_at=promise.rungs[0])
    look(LATER + MINUTE)
    assert told() == [] and Finding.objects.get().closed_at == LATER + MINUTE


def test_what_comes_back_is_a_new_finding(house: Cast) -> None:
    (promise,) = unplanned(house)
    for hour in range(2):
        Promise.objects.filter(pk=promise.pk).update(next_rung_at=None)
        look(LATER + hour * HOUR)
        Promise.objects.filter(pk=promise.pk).update(next_rung_at=promise.rungs[0])
        look(LATER + hour * HOUR + MINUTE)
    assert Finding.objects.exclude(closed_at=None).count() == 2


def test_a_round_meets_every_promise_whatever_the_size_of_its_turns(
    house: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditing, "STRETCH", 2)
    first, *_between, last = unplanned(house, count=5)
    for minute in range(3):
        look(LATER + minute * MINUTE)
    assert Finding.objects.get().rows == 5
    state = AuditRound.objects.get()
    assert (state.last_looked, state.finished_at) == (5, LATER + 2 * MINUTE)
    Promise.objects.exclude(pk=last.pk).update(next_rung_at=first.rungs[0])
    look(LATER + 3 * MINUTE)
    assert Finding.objects.get().subjects == [str(last.pk)]
    Promise.objects.filter(pk=last.pk).update(next_rung_at=last.rungs[0])
    look(LATER + 4 * MINUTE)
    assert Finding.objects.get().closed_at is None, "a whole round has to miss it"
    for minute in range(5, 10):
        look(LATER + minute * MINUTE)
    assert Finding.objects.get().closed_at


def test_the_next_rung_is_the_one_that_was_planned(house: Cast) -> None:
    promise = promised(house)
    rows = Promise.objects.filter(pk=promise.pk)
    rows.update(next_rung_at=promise.rungs[0] + HOUR)
    assert "rung_out_of_order" in auditing.everything(at=START)
    rows.update(failures=1)
    assert "rung_out_of_order" not in auditing.everything(at=START), "it was pushed away"
    rows.update(next_rung_at=promise.rungs[0], failures=0)
    assert "rung_out_of_order" not in auditing.everything(at=START)
    rows.update(rungs=list(reversed(promise.rungs)), next_rung_at=promise.rungs[-1])
    assert "rung_out_of_order" in auditing.everything(at=START), "they fall"


def test_after_a_rung_that_reached_nobody_the_next_at_once_is_in_order(house: Cast) -> None:
    promise = promised(house)
    at = promise.rungs[0]
    promise.escalations.create(
        cycle=1, track="lateness", rung=0, role="owner", due_at=at, at=at, by="sweep:escalate"
    )
    promises.climbed(promise=promise, next_rung_at=at)
    assert "rung_out_of_order" not in auditing.everything(at=at)
    Promise.objects.filter(pk=promise.pk).update(next_rung_at=at + MINUTE)
    assert "rung_out_of_order" in auditing.everything(at=at)


def test_a_rung_that_nobody_climbs_is_found(house: Cast) -> None:
    promise = promised(house)
    assert "rung_overdue" not in auditing.everything(at=promise.rungs[0] + MINUTE)
    found = auditing.everything(at=promise.rungs[0] + 3 * MINUTE)
    assert found["rung_overdue"] == [str(promise.pk)]


def test_a_sweep_that_stopped_is_found_by_the_others(house: Cast) -> None:
    Heartbeat.objects.filter(pk="notices").update(beat_at=START - HOUR)
    look(START)
    row = Finding.objects.get(code="sweep_late")
    assert row.subjects == ["notices"]


def test_an_intake_that_went_silent_is_found(house: Cast, settings: Any) -> None:
    settings.BOUNCE_INTAKE = "imap"
    intake.seen(name="imap", at=START)
    assert "intake_silent" not in auditing.everywhere(at=START + MINUTE)
    assert auditing.everywhere(at=LATER)["intake_silent"] == ["imap"]
    settings.BOUNCE_INTAKE = "none"
    assert "intake_silent" not in auditing.everywhere(at=LATER), "nobody is meant to listen"


def test_while_one_watchdog_looks_another_does_not(house: Cast) -> None:
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(findings.ALONE)
            assert look(START) is None
            cursor.execute("ROLLBACK")
        assert look(START) == 0
    finally:
        other.close()


def test_each_finding_and_each_sweep_has_its_words() -> None:
    codes = {"unserved_promise", "no_next_rung", "rung_out_of_order", "rung_overdue"}
    codes |= {"lease_overrun", "unknown_unattended", "unjudged_call", "sweep_late"}
    assert set(watch_words.FINDINGS) == codes | {
        "intake_silent",
        "canary_lost",
        "audit_unsealed",
        "audit_altered",
    }
    assert all(words.title and words.todo for words in watch_words.FINDINGS.values())
    assert set(watch_words.SWEEPS) == set(watchdog.BY_NAME)


def test_a_notice_says_what_was_found_and_what_has_gone(house: Cast) -> None:
    unplanned(house)
    look(LATER)
    look(LATER + MINUTE)
    Promise.objects.update(next_rung_at=START + timedelta(days=1), failures=1)
    look(LATER + HOUR)
    said = [notice_words.sentence(row) for row in Notice.objects.order_by("pk")]
    title = watch_words.title("no_next_rung")
    assert said[-2:] == [
        f"The watchdog found something: {title} (1).",
        f"What the watchdog found has gone: {title}.",
    ]
    kinds = {"finding", "finding_gone"}
    assert kinds <= digests.GROUPED
