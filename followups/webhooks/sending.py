"""Sending webhooks: reads what happened, signs it, posts it, writes down how that ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from datetime import datetime, timedelta

from django.db import transaction

from config import stopping
from crm.actors import Actor
from crm.models import User
from followups import notices
from followups.models import WebhookEndpoint, WebhookMessage
from followups.webhooks import endpoints, events, outbox, signing, wire
from followups.webhooks.wire import Answer

log = logging.getLogger("kept.webhooks")
Clock = Callable[[], datetime]
BY = Actor.sweep("webhooks")
Status = WebhookMessage.Status
# One sweep's share: the other sweeps wait for the same workers.
SHARE = timedelta(seconds=5)
# What is no fault of the endpoint.
OUR_OWN = frozenset({"compose", "crash"})
CONTENT = "application/cloudevents+json"


def run(*, clock: Clock) -> int:
    """The webhooks sweep: queues what happened, sends what is due, or as much as its time allows.

    Ten workers may run it at once: each claims rows that no other holds.
    """
    started = clock()
    moved = outbox.collect(at=started)
    while clock() < started + SHARE and not stopping.asked():
        batch = outbox.claim(at=clock())
        if not batch:
            break
        moved += len(batch)
        _send(batch, clock)
    return moved


def _send(batch: list[WebhookMessage], clock: Clock) -> None:
    """All of them side by side, so that a slow receiver holds nobody up; only this thread touches
    the database, and no transaction is open while the network is touched."""
    began_at = clock()
    with ThreadPoolExecutor(outbox.BATCH) as pool:
        underway: dict[Future[Answer], WebhookMessage] = {}
        for message in batch:
            underway[pool.submit(_post(message, at=began_at))] = message
        for future in as_completed(underway):
            try:
                settle(underway[future], future.result(), began_at=began_at, at=clock())
            except Exception:  # its lease ends, and it is tried again under the same id
                log.exception("webhook not settled", extra={"webhook": underway[future].pk})


def _post(message: WebhookMessage, *, at: datetime) -> Callable[[], Answer]:
    """What is left to do without the database."""
    if message.tries > outbox.MOST_TRIES:
        # Whoever had it before never came back to say how it ended.
        return lambda: Answer(None, "crash")
    try:
        body = events.body(message)
        headers = _headers(message, body, at=at)
    except Exception:  # one event that cannot be told must not silence the others
        log.exception("webhook could not be written", extra={"webhook": message.pk})
        return lambda: Answer(None, "compose")
    url = message.endpoint.url
    return lambda: wire.post(url, headers=headers, body=body)


def _headers(message: WebhookMessage, body: bytes, *, at: datetime) -> dict[str, str]:
    stamp = int(at.timestamp())
    keys = endpoints.keys(message.endpoint, at=at)
    return {
        "Content-Type": CONTENT,
        "webhook-id": message.webhook_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": signing.signature(
            keys, message_id=message.webhook_id, timestamp=stamp, body=body
        ),
    }


@transaction.atomic
def settle(message: WebhookMessage, answer: Answer, *, began_at: datetime, at: datetime) -> None:
    """The end of a try: the message, its endpoint, and whoever has to know."""
    first = not outbox.dead(message.endpoint).exists()
    to = outbox.settle(message=message, answer=answer, at=at)
    if to is None:
        return
    endpoint = message.endpoint
    if to == Status.DELIVERED:
        endpoints.took(endpoint=endpoint, at=at)
    elif answer.error not in OUR_OWN:
        asked = answer.retry_after
        endpoints.failed(endpoint=endpoint, began_at=began_at, at=at, asked=asked)
    if answer.gone:
        if endpoints.switch_off(endpoint=endpoint, by=BY, at=at, cause=endpoints.GONE):
            _tell([endpoint], "webhook_gone", at)
    elif to == Status.DEAD and first:
        _tell([endpoint], "webhook_dead", at)


def _tell(whose: Iterable[WebhookEndpoint], kind: str, at: datetime) -> None:
    """A word to operations; of many dead letters one."""
    people = User.objects.filter(role=User.Role.OPERATIONS, is_active=True).order_by("pk")
    for endpoint in whose:
        data: dict[str, str | int] = {"webhook": endpoint.name, "endpoint": endpoint.pk}
        for user in people:
            notices.tell(user=user, kind=kind, at=at, data=data)


@transaction.atomic
def tidy(*, at: datetime) -> int:
    """The webhooks_tidy sweep: gives up what nobody took, forgets what is long settled."""
    silent = [row for row in WebhookEndpoint.objects.all() if not outbox.dead(row).exists()]
    given_up = outbox.give_up(at=at)
    _tell([row for row in given_up if row in silent], "webhook_dead", at)
    return len(given_up) + outbox.forget(at=at)
