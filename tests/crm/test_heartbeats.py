"""A sweep that stops is noticed; a worker that starts gets one interval of grace, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from config.timetable import BY_NAME, SWEEPS
from crm import heartbeats
from crm.models import Heartbeat
from tests.cast import DAY, HOUR, MINUTE, START, sweeps_alive

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
NAMES = [sweep.name for sweep in SWEEPS]


def test_what_never_ran_is_late() -> None:
    assert heartbeats.stale(at=START) == NAMES


def test_what_just_ran_is_not() -> None:
    sweeps_alive(START)
    assert heartbeats.stale(at=START) == []


@pytest.mark.parametrize("name", ["send", "settle", "intake"])
def test_three_intervals_and_never_less_than_a_minute_are_allowed(name: str) -> None:
    sweeps_alive(START)
    allowed = max(3 * BY_NAME[name].every, MINUTE)
    assert name not in heartbeats.stale(at=START + allowed - SECOND)
    assert name in heartbeats.stale(at=START + allowed)


def test_a_heartbeat_never_goes_back() -> None:
    heartbeats.beat(name="send", at=START)
    heartbeats.beat(name="send", at=START - MINUTE)
    assert Heartbeat.objects.get(pk="send").beat_at == START


def test_a_fresh_house_has_its_grace_and_no_more() -> None:
    heartbeats.started(at=START, names=NAMES)
    assert heartbeats.stale(at=START + SECOND) == []
    assert "send" in heartbeats.stale(at=START + 15 * SECOND)


def test_a_worker_that_only_starts_and_dies_gets_no_second_grace() -> None:
    heartbeats.started(at=START, names=NAMES)
    heartbeats.started(at=START + MINUTE, names=NAMES)
    assert "send" in heartbeats.stale(at=START + MINUTE + SECOND)


def test_after_it_has_run_a_restart_gets_grace_again() -> None:
    heartbeats.started(at=START, names=NAMES)
    sweeps_alive(START + 2 * HOUR)
    heartbeats.started(at=START + DAY, names=NAMES)
    assert heartbeats.stale(at=START + DAY + SECOND) == []


def test_due_is_what_never_ran_and_what_ran_an_interval_ago() -> None:
    assert heartbeats.due(at=START) == NAMES
    sweeps_alive(START)
    assert heartbeats.due(at=START) == []
    found = heartbeats.due(at=START + MINUTE)
    assert "send" in found and "intake" in found and "tidy" not in found
    assert "tidy" in heartbeats.due(at=START + BY_NAME["tidy"].every)


def test_the_demo_clock_takes_the_heartbeats_with_it() -> None:
    sweeps_alive(START)
    heartbeats.shift(by=DAY)
    assert heartbeats.stale(at=START + DAY) == []
