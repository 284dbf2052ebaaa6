"""`manage.py sweep --loop` alone: no Redis, no worker, no beat, and every promise goes its way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from config import clock, lineup, sink, stopping, timetable
from config.processes import Process
from crm import heartbeats
from followups import checks, conversations, demo_clock
from followups.models import Escalation, Promise, Slip
from offers import bounces, deliveries, sending
from offers.channels.smtp import Outcome
from offers.models import Delivery, Evidence
from tests.cast import (
    DUPONT_MAIL,
    SENT,
    START,
    SYSTEM,
    Cast,
    Clock,
    assemble,
    call_of,
    offer_for,
    person,
    terms_for,
)
from tests.live import until
from tests.offers.journeys import queued
from tests.servers import with_database


@pytest.fixture
def mail(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A real mail server; the loop and we ourselves know it by the same address."""
    folder = tmp_path / "mail"
    with sink.running(folder) as url:
        settings.EMAIL_URL, settings.SINK_DIR = url, folder
        yield folder


@pytest.fixture
def surroundings(transactional_db: None, mail: Path, settings: Any, tmp_path: Path) -> Any:
    """This database, that mail server, and a Redis that is not there."""
    return {
        **os.environ,
        "DATABASE_URL": with_database(os.environ["DATABASE_URL"], connection.settings_dict["NAME"]),
        "REDIS_URL": f"unix://{tmp_path}/nobody.sock",
        "EMAIL_URL": settings.EMAIL_URL,
        "SINK_DIR": str(mail),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


@contextmanager
def loops(surroundings: Any, count: int = 1) -> Iterator[list[Process]]:
    words = ["manage.py", "sweep", "--loop"]
    found = [lineup.python(f"loop{n}", words, surroundings) for n in range(count)]
    for process in found:
        process.start()
    try:
        until(all_ran, limit=60, what="every sweep to run")
        yield found
    finally:
        for process in found:
            process.kill()


def all_ran() -> bool:
    return set(heartbeats.last()) >= set(timetable.BY_NAME)


def stopped(process: Process) -> str:
    process.send(signal.SIGTERM)
    assert process.wait(25), "it stops after the row in hand"
    return process.ended()


def promised(cast: Cast) -> Promise:
    """A call with a promise, by the code that the desk and the dialers use."""
    at = clock.now()
    terms = terms_for(offer_for(cast.dupont, at=at))
    call = call_of(cast.amina, cast.dupont, at=at)
    done = conversations.record(call=call, terms=[terms], by=person(cast.amina), at=at)
    return done.promises[0]


def test_a_promise_is_sent_proven_reopened_and_told_late_by_the_loop_alone(
    surroundings: Any, mail: Path
) -> None:
    checks.keep_partitions(at=clock.now())
    with loops(surroundings) as (process,):
        promise = promised(assemble())
        rows = Promise.objects.filter(pk=promise.pk)
        until(rows.filter(track="proof").exists, limit=40, what="the relay to take the mail")
        demo_clock.shift(by=timedelta(hours=49))
        until(rows.filter(status="kept").exists, limit=60, what="the proof")
        (letter,) = _to(mail, DUPONT_MAIL)
        raw = sink.message(mail, letter.number)
        bounce = sink.dsn("failed", raw, DUPONT_MAIL, letter.envelope_from, clock.now())
        assert bounces.receive(raw=bounce, by=SYSTEM, at=clock.now())
        assert rows.filter(status="open", cycle=2).exists()
        demo_clock.shift(by=timedelta(days=4))
        until(Escalation.objects.exists, limit=40, what="the first rung")
        assert stopped(process) == "ended with exit code 0"
    rungs = list(Escalation.objects.order_by("pk").values_list("rung", flat=True))
    assert rungs and rungs == sorted(set(rungs)), "each once, in order"
    assert Evidence.objects.filter(kind="quiet").count() == 1


def test_two_loops_at_once_send_and_tell_once(surroundings: Any, mail: Path) -> None:
    checks.keep_partitions(at=clock.now())
    with loops(surroundings, 2) as both:
        cast = assemble()
        made = [promised(cast) for _ in range(3)]
        until(lambda: len(_to(mail, DUPONT_MAIL)) >= 3, limit=40, what="the mails")
        demo_clock.shift(by=timedelta(hours=49))
        kept = Promise.objects.filter(status="kept")
        until(lambda: kept.count() == len(made), limit=60, what="the proofs")
        assert [stopped(process) for process in both] == ["ended with exit code 0"] * 2
    assert len(_to(mail, DUPONT_MAIL)) == 3
    assert Evidence.objects.filter(kind="quiet").count() == 3
    assert not Slip.objects.exists()


def _to(mail: Path, address: str) -> list[sink.SinkMail]:
    return [one for one in sink.messages(mail) if one.envelope_to == address]


@pytest.mark.django_db
def test_who_is_asked_to_stop_ends_after_the_row_in_hand(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        queued(cast, at=START)
    carried: list[int] = []

    def send(*, delivery: Delivery, **more: Any) -> Outcome:
        carried.append(delivery.pk)
        stopping.ask()
        deliveries.begin_body(delivery=delivery, by=SYSTEM, at=START)
        sending.settle(delivery=delivery, outcome=SENT, by=SYSTEM, at=START)
        return SENT

    monkeypatch.setattr(sending, "send", send)
    try:
        assert sending.send_due(clock=Clock()) == 1
    finally:
        stopping.forget()
    assert len(carried) == 1
    assert Delivery.objects.filter(status="queued").count() == 2, "the rest stays due"
    assert sending.send_due(clock=Clock()) >= 1
    stopping.forget()
