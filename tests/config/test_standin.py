"""Beat stands in when nobody takes the sweeps, and steps back as soon as somebody does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from config import clock, lineup, standin, timetable
from config.standin import StandIn
from crm import heartbeats
from crm.models import Heartbeat
from tests.live import until
from tests.servers import with_database

NAMES = [sweep.name for sweep in timetable.SWEEPS]
QUIET = timedelta(seconds=8)


@pytest.fixture
def at(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Eight seconds are silence; the sweeps themselves do nothing here."""
    settings.STAND_IN_AFTER = QUIET.total_seconds()
    monkeypatch.setattr(timetable, "run", beat)
    return clock.now()


def beat(name: str) -> int:
    heartbeats.beat(name=name, at=clock.now())
    return 0


def all_beat(at: datetime) -> None:
    """Each of them ran at that instant, and none later."""
    for name in NAMES:
        heartbeats.beat(name=name, at=at)
        Heartbeat.objects.filter(pk=name).update(beat_at=at)


def test_while_everybody_is_in_time_beat_only_beats(at: datetime) -> None:
    all_beat(at)
    assert StandIn().look() == []


def test_what_is_late_while_every_worker_is_busy_is_run_unless_it_takes_others_time(
    at: datetime,
) -> None:
    all_beat(at)
    escalate = timetable.BY_NAME["escalate"]
    for late in ("escalate", "send"):
        Heartbeat.objects.filter(pk=late).update(beat_at=at - escalate.every - standin.LATE)
    mine = StandIn()
    assert mine.look() == ["escalate"]
    assert not mine.alone
    Heartbeat.objects.filter(pk="escalate").update(beat_at=at - escalate.every)
    mine.tried.clear()
    assert mine.look() == [], "five seconds are left to whoever is slow"


def test_the_long_ones_have_a_thread_of_their_own_and_none_is_left_out() -> None:
    assert {*standin.QUICK, *standin.LONG} == {*timetable.SWEEPS}
    assert timetable.BY_NAME["escalate"] in standin.QUICK
    assert {timetable.BY_NAME[name] for name in ("send", "notices", "imports")} <= {*standin.LONG}


def test_what_one_thread_ran_is_nobody_else_to_the_other(at: datetime) -> None:
    all_beat(at - timedelta(days=1))
    ours: dict[str, datetime] = {}
    quick, long = StandIn(standin.QUICK, ours), StandIn(standin.LONG, ours)
    assert quick.look() == [sweep.name for sweep in standin.QUICK]
    assert long.look() == [sweep.name for sweep in standin.LONG]


def test_after_a_silence_it_runs_what_is_due_and_nothing_else(at: datetime) -> None:
    all_beat(at - timedelta(seconds=20))
    due = [sweep.name for sweep in timetable.SWEEPS if sweep.every <= timedelta(seconds=20)]
    assert 0 < len(due) < len(NAMES)
    mine = StandIn()
    assert mine.look() == due
    assert mine.look() == [], "just done"
    assert set(mine.ours) == set(due)


def test_its_own_heartbeats_are_not_somebody_else(at: datetime) -> None:
    all_beat(at - timedelta(days=1))
    mine = StandIn()
    assert mine.look() == NAMES
    for name in NAMES:  # a minute goes by, in which nobody came
        mine.ours[name] = mine.tried[name] = at - timedelta(minutes=1)
    Heartbeat.objects.update(beat_at=at - timedelta(minutes=1))
    assert "send" in mine.look()


def test_it_steps_back_when_somebody_works_again(at: datetime) -> None:
    all_beat(at - timedelta(days=1))
    mine = StandIn()
    mine.look()
    assert mine.alone
    heartbeats.beat(name="leases", at=clock.now() + timedelta(seconds=1))
    Heartbeat.objects.filter(pk="send").update(beat_at=at - timedelta(minutes=1))
    mine.tried.clear()
    assert mine.look() == []
    assert not mine.alone


def test_a_sweep_that_throws_waits_for_its_next_turn_and_holds_up_no_other(
    at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_beat(at - timedelta(days=1))
    tries: list[str] = []

    def run(name: str) -> int:
        tries.append(name)
        if name == "send":
            raise RuntimeError("broken")
        return beat(name)

    monkeypatch.setattr(timetable, "run", run)
    monkeypatch.setattr(standin.connections, "close_all", lambda: None)
    mine = StandIn()
    assert mine.look() == [name for name in NAMES if name != "send"]
    mine.look()
    assert tries.count("send") == 1


@pytest.fixture
def orphan(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """A real beat on this database, whose Redis is not there."""
    env = {
        **os.environ,
        "DATABASE_URL": with_database(os.environ["DATABASE_URL"], connection.settings_dict["NAME"]),
        "REDIS_URL": f"unix://{tmp_path}/nobody.sock",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "STAND_IN_AFTER": "2",
    }
    member = lineup.beat(env, schedule=tmp_path / "beat")
    member.start()
    yield
    member.stop()


def test_without_redis_the_sweeps_run_all_the_same(orphan: None) -> None:
    until(lambda: not heartbeats.stale(at=clock.now()), limit=60, what="every sweep to run")
    first = heartbeats.last()["send"]
    until(lambda: heartbeats.last()["send"] > first, limit=30, what="the next turn of send")
