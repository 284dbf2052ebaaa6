"""`manage.py sweep`: the timetable without Celery."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from config import timetable
from crm.models import Heartbeat


@pytest.fixture
def quiet_sink(settings: Any) -> None:
    """A port at which nobody listens."""
    settings.EMAIL_URL = "smtp://127.0.0.1:9"


@pytest.mark.django_db(transaction=True)
def test_every_sweep_runs_once_and_says_what_it_moved(
    quiet_sink: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("sweep")
    said = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert said == [sweep.name for sweep in timetable.SWEEPS]
    assert set(Heartbeat.objects.values_list("name", flat=True)) >= set(said)


@pytest.mark.django_db(transaction=True)
def test_one_that_throws_does_not_stop_the_others_and_the_exit_says_so(
    quiet_sink: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**kwargs: object) -> int:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("followups.items.climb", broken)
    with pytest.raises(CommandError, match="failed"):
        call_command("sweep")
    said = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert said["items"] == "failed"
    assert int(said["watchdog"]) >= 1, "it found that nobody ran that one"
    assert not Heartbeat.objects.filter(name="items").exists()


@pytest.mark.django_db(transaction=True)
def test_the_loop_gives_each_its_turn_survives_a_fault_and_ends_when_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def run(name: str) -> int:
        ran.append(name)
        if len(ran) == len(timetable.SWEEPS):
            os.kill(os.getpid(), signal.SIGTERM)
        if name == "send":
            raise RuntimeError("broken on purpose")
        return 3 if name == "items" else 0

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(timetable, "run", run)
    monkeypatch.setattr("config.management.commands.sweep.connections.close_all", lambda: None)
    watch = threading.Timer(20, os._exit, [1])
    watch.start()
    try:
        call_command("sweep", "--loop")
    finally:
        watch.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
    assert sorted(ran) == sorted(timetable.BY_NAME)
    assert capsys.readouterr().out.split() == ["send", "failed", "items", "3"]
