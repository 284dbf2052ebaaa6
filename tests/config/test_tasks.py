"""What wakes a worker, and which turn asks for the next."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
import redis
from django.db import transaction

from config import broker, celery, clock, tasks, timetable
from crm import heartbeats
from crm.models import Heartbeat


@pytest.mark.parametrize(
    ("name", "moved", "asked"),
    [
        ("bill_runs", 1, ["bill_runs"]),
        ("bill_runs", 0, []),
        ("settle", 2, []),
    ],
)
def test_a_sweep_that_goes_on_is_asked_again_at_once_and_no_other(
    name: str, moved: int, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nudged: list[str] = []
    monkeypatch.setattr(timetable, "run", lambda name: moved)
    monkeypatch.setattr(tasks, "nudge", nudged.append)
    tasks.sweep(name=name)
    assert nudged == asked


@pytest.mark.django_db
def test_a_worker_that_comes_up_asks_at_once_for_what_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nudged: list[str] = []
    monkeypatch.setattr(tasks, "nudge", nudged.append)
    at = clock.now()
    for sweep in timetable.SWEEPS:
        heartbeats.beat(name=sweep.name, at=at)
    Heartbeat.objects.filter(pk="tidy").update(beat_at=at - timedelta(hours=2))
    tasks.started()
    assert nudged == ["tidy"]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The nudges that went to the broker; no other test's is still on its way."""
    told: list[str] = []

    def send(task: str, *, kwargs: dict[str, str], **more: object) -> None:
        told.append(kwargs["name"])

    monkeypatch.setattr(celery.app, "send_task", send)
    for name in ("send", "intake"):
        celery.heard(name)
    return told


def test_a_burst_wakes_the_worker_once_and_again_once_its_turn_has_begun(
    sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("send", "send", "intake", "send"):
        celery._publish(name)
    assert sent == ["send", "intake"]
    # A row committed while the turn runs was perhaps not seen by it.
    monkeypatch.setattr(timetable, "run", lambda name: celery._publish(name) or 0)
    tasks.sweep(name="send")
    assert sent == ["send", "intake", "send"]


@pytest.mark.django_db(transaction=True)
def test_a_nudge_goes_out_after_the_commit_or_not_at_all(sent: list[str]) -> None:
    with transaction.atomic():
        celery.nudge("send")
        assert sent == []
    assert sent == ["send"]
    with contextlib.suppress(LookupError), transaction.atomic():
        celery.nudge("intake")
        raise LookupError
    assert sent == ["send"]


def test_a_worker_that_never_answered_silences_nobody_for_long(sent: list[str]) -> None:
    celery._publish("send")
    left = broker.client().pttl(celery._mark("send"))
    assert 0 < left <= celery.SPEAKS_FOR_ALL < 5_000  # less than until the beat's own turn


def test_without_redis_each_nudge_is_tried(
    sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    away = redis.Redis(port=1, socket_connect_timeout=0.05)
    monkeypatch.setattr(broker, "client", lambda: away)
    for _time in range(2):
        celery._publish("send")
    celery.heard("send")
    assert sent == ["send", "send"]
