"""All is well: somebody outside hears it. Something is wrong: nobody does, and that alarms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from config import ping
from crm.models import Heartbeat
from followups import outside, watchdog
from followups.models import OutsidePing, Promise
from offers import intake
from tests.cast import DAY, HOUR, MINUTE, START, Cast, sweeps_alive
from tests.followups.scenes import promised
from tests.followups.webhooks.receiver import Receiver


@pytest.fixture
def monitor(cast: Cast, settings: Any) -> Iterator[Receiver]:
    sweeps_alive(START + DAY)
    with Receiver() as server:
        settings.HEARTBEAT_URL = server.url
        yield server


def look(at: datetime) -> None:
    intake.seen(name="sink", at=at)
    watchdog.look(at=at)


def test_when_all_is_well_it_is_heard(monitor: Receiver) -> None:
    look(START)
    look(START + MINUTE)
    assert len(monitor.heard) == 2
    row = OutsidePing.objects.get()
    assert (row.ok_at, row.error, row.failing_since_at) == (START + MINUTE, "", None)


def test_a_finding_keeps_it_back(monitor: Receiver, cast: Cast) -> None:
    promised(cast)
    Promise.objects.update(next_rung_at=None)
    look(START + HOUR)
    assert monitor.heard == []


def test_a_sweep_that_stopped_keeps_it_back(monitor: Receiver) -> None:
    Heartbeat.objects.filter(pk="settle").update(beat_at=START - HOUR)
    look(START)
    assert monitor.heard == []


def test_a_monitor_that_fails_disturbs_nothing_and_is_shown(monitor: Receiver) -> None:
    look(START)
    monitor.always = 500
    look(START + MINUTE)
    look(START + 2 * MINUTE)
    row = OutsidePing.objects.get()
    assert (row.ok_at, row.error) == (START, "HTTP 500")
    assert row.failing_since_at == START + MINUTE
    monitor.always = 200
    look(START + 3 * MINUTE)
    row.refresh_from_db()
    assert (row.ok_at, row.error, row.failing_since_at) == (START + 3 * MINUTE, "", None)


def test_without_an_address_nothing_leaves(monitor: Receiver, settings: Any) -> None:
    settings.HEARTBEAT_URL = ""
    look(START)
    assert monitor.heard == [] and not OutsidePing.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_no_transaction_waits_for_the_network(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HEARTBEAT_URL = "https://monitor.example/"
    seen: list[bool] = []

    def get(url: str) -> str:
        seen.append(connection.in_atomic_block)
        return ""

    monkeypatch.setattr(ping, "get", get)
    sweeps_alive(START)
    look(START)
    assert outside.last() and seen == [False]
