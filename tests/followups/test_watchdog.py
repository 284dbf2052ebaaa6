"""The watcher finds what must never be, and is quiet when all is well."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from config import clock
from config.timetable import SWEEPS
from crm.models import Heartbeat
from followups import auditing, escalation, items, reconcile, watchdog
from followups.models import Item, Promise
from offers import deliveries, intake, sending
from offers.deliveries import LEASE
from offers.models import IntakeSpan
from tests.cast import (
    DAY,
    HOUR,
    MINUTE,
    SILENCE,
    START,
    SYSTEM,
    Cast,
    Clock,
    Relay,
    delivery_of,
    sweeps_alive,
)
from tests.followups.scenes import accepted, promised, proven

RUNNING = {"sweep_late", "intake_silent"}


def found(at: datetime) -> dict[str, int]:
    """What is wrong besides the sweeps, which nobody runs here."""
    wrong = {code: len(rows) for code, rows in auditing.everything(at=at).items()}
    return {code: rows for code, rows in wrong.items() if code not in RUNNING}


def test_a_house_in_order_is_quiet(cast: Cast, relay: Relay) -> None:
    accepted(cast, relay)
    proven(cast, relay)
    at = START
    while at < START + 8 * DAY:
        escalation.climb(at=at)
        reconcile.run(at=at)
        items.climb(at=at)
        at += HOUR
    assert found(at) == {}
    assert watchdog.look(at=at) > 0, "nobody runs the sweeps"
    sweeps_alive(at)
    intake.seen(name="sink", at=at)
    assert watchdog.look(at=at) == 0


def test_a_promise_that_nobody_serves_is_found(cast: Cast) -> None:
    promise = promised(cast)
    deliveries.cancel(delivery=delivery_of(promise), by=SYSTEM, at=START, cause="test")
    assert found(START + MINUTE) == {}, "the reconcile sweep has its turn first"
    assert found(START + HOUR) == {"unserved_promise": 1}
    reconcile.run(at=START + HOUR)
    assert found(START + HOUR) == {}


def test_a_promise_that_waits_for_no_rung_is_found(cast: Cast) -> None:
    promised(cast)
    Promise.objects.update(next_rung_at=None)
    assert found(START + HOUR) == {"no_next_rung": 1}
    Promise.objects.update(rung=5)
    assert found(START + HOUR) == {}, "all rungs are climbed"


def test_a_delivery_held_past_its_lease_is_found(cast: Cast) -> None:
    promised(cast)
    deliveries.claim(by=SYSTEM, at=START)
    assert found(START + LEASE + MINUTE) == {}
    assert found(START + LEASE + HOUR) == {"lease_overrun": 1}
    deliveries.free_expired(at=START + LEASE + HOUR)
    assert found(START + LEASE + HOUR) == {}


def test_an_unknown_end_that_nobody_was_asked_about_is_found(cast: Cast, relay: Relay) -> None:
    relay.script = [SILENCE]
    promised(cast)
    sending.send_due(clock=Clock())
    assert "unknown_unattended" not in found(START + DAY - MINUTE)
    assert found(START + DAY)["unknown_unattended"] == 1
    reconcile.run(at=START + DAY)
    assert Item.objects.get().kind == "unknown_send"
    assert found(START + DAY) == {}


def test_readiness_says_which_sweep_is_late_and_who_listens(cast: Cast) -> None:
    sweeps_alive(START)
    said = watchdog.ready(at=START)
    assert (said["ready"], said["late"], said["bounce_intake"]) == (True, [], False)
    Heartbeat.objects.filter(pk="tidy").update(beat_at=START - DAY)
    said = watchdog.ready(at=START)
    assert (said["ready"], said["late"]) == (True, ["tidy"]), "nothing is wrong with this host"
    IntakeSpan.objects.create(intake="sink", from_at=START, seen_at=START)
    later = watchdog.ready(at=START + DAY)
    assert not later["ready"] and later["bounce_intake"]
    assert later["late"] == [sweep.name for sweep in SWEEPS if sweep.every < DAY]


def test_the_banner_is_for_people_who_are_logged_in(cast: Cast) -> None:
    request = RequestFactory().get("/")
    assert watchdog.banner(request) == {}
    request.user = AnonymousUser()
    assert watchdog.banner(request) == {}
    request.user = cast.amina
    assert "send" in watchdog.banner(request)["stopped_sweeps"]


def test_the_banner_says_that_nobody_is_called_only_when_that_is_so(cast: Cast) -> None:
    request = RequestFactory().get("/")
    request.user = cast.amina
    sweeps_alive(clock.now())
    Heartbeat.objects.filter(pk="tidy").update(beat_at=START)
    said = watchdog.banner(request)
    assert (said["stopped_sweeps"], said["selling_stopped"]) == (["tidy"], False)
    Heartbeat.objects.filter(pk="settle").update(beat_at=START)
    assert watchdog.banner(request)["selling_stopped"]
