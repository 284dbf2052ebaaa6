"""Sending: signed, at least once under one id, patient with who is away, and told to operations."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connections
from standardwebhooks.webhooks import Webhook

from config import clock as product_clock
from followups import notice_words
from followups.models import Notice, WebhookEndpoint, WebhookMessage
from followups.webhooks import endpoints, outbox, sending, wire
from tests.cast import DAY, HOUR, MINUTE, START, SYSTEM, Cast, Clock, assemble, call_and_promise
from tests.followups.test_feed import wait_for_strangers
from tests.followups.webhooks.conftest import opened
from tests.followups.webhooks.receiver import Receiver
from tests.races import Thread

Status = WebhookMessage.Status


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "SECONDS", 2.0)


def queue(endpoint: WebhookEndpoint, count: int = 1) -> None:
    for number in range(count):
        at = START - number * timedelta(milliseconds=1)
        outbox.test(endpoint=endpoint, by=SYSTEM, at=at)


def states() -> list[tuple[str, int, int | None, str]]:
    rows = WebhookMessage.objects.order_by("pk")
    return list(rows.values_list("status", "tries", "last_status", "last_error"))


def send(clock: Clock) -> int:
    """The part of the sweep that sends; what is collected stands in test_outbox.py."""
    batch = outbox.claim(at=clock())
    if batch:
        sending._send(batch, clock)
    return len(batch)


def test_what_is_taken_is_delivered_and_verifies(db: None, receiver: Receiver) -> None:
    told = opened(receiver.url)
    at = product_clock.now()  # libraries look at the timestamp
    outbox.test(endpoint=told.endpoint, by=SYSTEM, at=at)
    assert send(Clock(at)) == 1
    (heard,) = receiver.heard
    event = Webhook(told.secret).verify(heard.body, heard.headers)
    assert event["type"] == "kept.test" and event["id"] == heard.id
    assert heard.headers["content-type"] == "application/cloudevents+json"
    assert states() == [("delivered", 1, 200, "")]


def test_during_a_rotation_the_receiver_may_hold_either_secret(
    db: None, receiver: Receiver
) -> None:
    old = opened(receiver.url)
    at = product_clock.now()
    new = endpoints.rotate(endpoint=old.endpoint, by=SYSTEM, at=at)
    outbox.test(endpoint=old.endpoint, by=SYSTEM, at=at)
    send(Clock(at))
    (heard,) = receiver.heard
    for secret in (old.secret, new.secret):
        Webhook(secret).verify(heard.body, heard.headers)


def test_what_is_not_taken_comes_again_under_its_id_until_it_is(
    endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.script = [500, "redirect", "garbled", "slow", 200]
    queue(endpoint)
    clock = Clock()
    for _ in range(5):
        assert send(clock) == 1
        assert send(clock) == 0
        clock.turn(6 * HOUR)
    assert len(receiver.heard) == 5 and len(set(receiver.ids)) == 1
    assert len({heard.body for heard in receiver.heard}) == 1
    assert len({heard.headers["webhook-signature"] for heard in receiver.heard}) == 5
    assert states() == [("delivered", 5, 200, "")]
    assert Notice.objects.count() == 0


def test_the_first_retry_comes_after_five_seconds(
    endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.script = [503]
    queue(endpoint)
    clock = Clock()
    send(clock)
    clock.turn(timedelta(seconds=4))
    assert send(clock) == 0
    clock.turn(timedelta(seconds=2))
    assert send(clock) == 1
    assert states() == [("delivered", 2, 200, "")]


def test_who_is_gone_is_switched_off_and_operations_hear_of_it(
    cast: Cast, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.always = 410
    queue(endpoint, 3)
    clock = Clock()
    send(clock)
    endpoint.refresh_from_db()
    assert (endpoint.off_by, endpoint.off_cause) == ("sweep:webhooks", "gone")
    notice = Notice.objects.get()
    assert (notice.user, notice.kind) == (cast.dirk, "webhook_gone")
    assert "crm" in notice_words.sentence(notice)
    clock.turn(DAY)
    assert send(clock) == 0
    assert len(receiver.heard) == 3


def test_after_three_days_it_is_a_dead_letter_and_operations_hear_of_the_first(
    cast: Cast, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.always = 500
    queue(endpoint, 2)
    clock = Clock()
    while clock() < START + 6 * DAY:
        send(clock)
        clock.turn(HOUR / 4)
    assert states() == [("dead", 10, 500, "")] * 2
    assert len(receiver.heard) == 20
    notice = Notice.objects.get()
    assert (notice.user, notice.kind) == (cast.dirk, "webhook_dead")
    # Sent again when the receiver is well, under the ids of then.
    receiver.always = 200
    outbox.replay(endpoint=endpoint, rows=outbox.dead(endpoint), by=SYSTEM, at=clock())
    endpoint.refresh_from_db()
    clock.turn(HOUR)
    while send(clock):
        pass
    assert states() == [("delivered", 1, 200, "")] * 2
    assert set(Counter(receiver.ids).values()) == {11}


def test_one_that_is_away_is_knocked_at_by_one_message_only(
    endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.always = 500
    queue(endpoint, 40)
    clock = Clock()
    send(clock)
    assert len(receiver.heard) == outbox.BATCH
    for knocks in range(1, 4):
        clock.turn(MINUTE * 6)
        assert send(clock) == 1
        assert send(clock) == 0
        assert len(receiver.heard) == outbox.BATCH + knocks
    receiver.always = 200
    clock.turn(DAY)
    while send(clock):
        pass
    assert Counter(status for status, *_rest in states()) == {"delivered": 40}


def test_a_slow_receiver_does_not_hold_up_the_others(
    endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.always = "slow"
    with Receiver() as quick:
        second = opened(quick.url, "second").endpoint
        queue(endpoint, 8)
        queue(second, 8)
        begun = time.monotonic()
        send(Clock())
        assert time.monotonic() - begun < 5
        assert len(quick.heard) == 8


def test_an_event_that_cannot_be_written_silences_no_other(
    endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    WebhookMessage.objects.create(
        endpoint=endpoint,
        source="promise",
        source_id=404,
        type="kept.promise.made",
        at=START,
        queued_at=START,
        next_try_at=START,
    )
    queue(endpoint)
    send(Clock())
    assert states() == [("pending", 1, None, "compose"), ("delivered", 1, 200, "")]
    endpoint.refresh_from_db()
    assert endpoint.failures == 0


def test_an_address_inside_the_house_gets_nothing(
    endpoint: WebhookEndpoint, receiver: Receiver, settings: Any
) -> None:
    """Also when it was allowed while the endpoint was made, or when its name moved there."""
    settings.WEBHOOK_PRIVATE_NETWORKS = []
    queue(endpoint)
    send(Clock())
    assert receiver.heard == []
    assert states() == [("pending", 1, None, "address")]


def test_one_that_kills_every_worker_is_given_up_and_not_tried_for_ever(
    endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    queue(endpoint)
    clock = Clock()
    for _ in range(outbox.MOST_TRIES):
        assert outbox.claim(at=clock())  # and nobody ever says how it ended
        clock.turn(outbox.LEASE)
    assert send(clock) == 1
    assert states() == [("dead", 11, None, "crash")]
    assert receiver.heard == []


def test_tidying_tells_operations_what_was_given_up(cast: Cast, endpoint: WebhookEndpoint) -> None:
    queue(endpoint, 2)
    assert sending.tidy(at=START + 4 * DAY) == 1
    assert Notice.objects.get().kind == "webhook_dead"
    assert sending.tidy(at=START + 95 * DAY) == 2
    assert WebhookMessage.objects.count() == 0


# --- committed, by several, and killed --------------------------------------------------------


@pytest.fixture
def lasting(transactional_db: None, receiver: Receiver) -> WebhookEndpoint:
    return opened(receiver.url).endpoint


def test_the_sweep_reads_what_happened_and_sends_it(
    lasting: WebhookEndpoint, receiver: Receiver
) -> None:
    cast = assemble()
    assert cast.dupont
    clock = Clock()
    wait_for_strangers()
    sending.run(clock=clock)
    promise = call_and_promise(cast.amina, cast.dupont)
    wait_for_strangers()
    assert sending.run(clock=clock) == 4
    types = Counter(heard.body.split(b'"type":"')[1].split(b'"')[0] for heard in receiver.heard)
    assert types == {b"kept.promise.made": 1, b"kept.gate.changed": 1}
    assert any(promise.reference.encode() in heard.body for heard in receiver.heard)
    assert sending.run(clock=clock) == 0


def test_many_sweepers_at_once_send_each_message_once(
    lasting: WebhookEndpoint, receiver: Receiver
) -> None:
    queue(lasting, 60)
    sweepers = [Thread(lambda: sending.run(clock=Clock(START + MINUTE))) for _ in range(4)]
    # Each goes on until nothing is due; the clock stands, so none gives up for want of time.
    assert sum(sweeper.answer() for sweeper in sweepers) == 60
    assert Counter(receiver.ids) == dict.fromkeys(set(receiver.ids), 1)
    assert len(receiver.heard) == 60
    assert Counter(status for status, *_rest in states()) == {"delivered": 60}


def killed(act: Callable[[], object], owner: object, name: str) -> None:
    """Runs `act` in a child that kills itself with SIGKILL where it would call `name`."""

    def die(*args: object, **kwargs: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    connections.close_all()
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        with mock.patch.object(owner, name, die):
            act()
        os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.parametrize(("owner", "name"), [(outbox, "settle"), (endpoints, "took")])
def test_killed_between_sent_and_settled_it_is_sent_again_under_the_same_id(
    lasting: WebhookEndpoint, receiver: Receiver, owner: object, name: str
) -> None:
    queue(lasting)
    killed(lambda: sending.run(clock=Clock()), owner, name)
    assert states() == [("claimed", 1, None, "")]
    assert sending.run(clock=Clock(START + MINUTE)) == 0
    assert sending.run(clock=Clock(START + outbox.LEASE)) == 1
    assert len(receiver.heard) == 2 and len(set(receiver.ids)) == 1
    assert states() == [("delivered", 2, 200, "")]


def test_killed_before_it_was_sent_it_is_sent_once(
    lasting: WebhookEndpoint, receiver: Receiver
) -> None:
    queue(lasting)
    killed(lambda: sending.run(clock=Clock()), sending, "_post")
    assert receiver.heard == []
    sending.run(clock=Clock(START + outbox.LEASE))
    assert len(receiver.heard) == 1


def test_a_worker_that_wakes_too_late_changes_nothing(
    lasting: WebhookEndpoint, receiver: Receiver
) -> None:
    queue(lasting)
    zombie = outbox.claim(at=START)
    assert sending.run(clock=Clock(START + outbox.LEASE)) == 1
    receiver.always = 500
    sending._send(zombie, Clock(START + outbox.LEASE))
    assert states() == [("delivered", 2, 200, "")]
    lasting.refresh_from_db()
    assert lasting.failures == 0
