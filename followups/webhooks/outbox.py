"""The outbox: what has to be told to whom, and what became of it.

The only writer of WebhookMessage and WebhookCursor. The events themselves are the truth: whoever
makes a promise writes nothing here. A sweep reads what was committed since the cursor, stops below
the oldest transaction that still writes, and moves the cursor in the transaction that queues.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, QuerySet

from crm import audit
from crm.actors import Actor
from followups.models import WebhookCursor, WebhookEndpoint, WebhookMessage
from followups.webhooks import endpoints, events
from followups.webhooks.wire import Answer

log = logging.getLogger("kept.webhooks")
Status = WebhookMessage.Status
# The example of Standard Webhooks: what follows the first try, three days in all.
WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
MOST_TRIES = len(WAITS) + 1
JITTER = 0.1
# Longer than one batch: DNS has its own patience, and is not ours to interrupt.
LEASE = timedelta(seconds=120)
LONGEST_ASKED_WAIT = timedelta(hours=24)
# What found no turn for so long, because its endpoint only ever fails, is given up too.
GIVE_UP = timedelta(days=3)
KEPT_FOR = timedelta(days=90)
BATCH = 16
MANY = 10_000
STRETCH = 200_000  # transactions; those of a few hours at most

HERE = """
SELECT system_identifier, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
FROM pg_control_system()
"""
QUEUE = f"""
INSERT INTO followups_webhookmessage (endpoint_id, source, source_id, type, at, queued_at, status,
    token, tries, next_try_at, last_error, replayed_by)
SELECT endpoint.id, found.source, found.source_id, found.type, found.at, %(at)s::timestamptz,
    'pending', 0, 0, %(at)s::timestamptz, '', ''
FROM ({events.COMMITTED}) AS found
JOIN followups_webhookendpoint AS endpoint
    ON endpoint.off_at IS NULL AND found.type = ANY(endpoint.types)
WHERE %(since)s::timestamptz IS NULL OR found.at >= %(since)s::timestamptz
ORDER BY found.at, found.source_id
ON CONFLICT (endpoint_id, source, source_id) DO NOTHING
"""  # noqa: S608 (words of ours, no input)


@transaction.atomic
def collect(*, at: datetime) -> int:
    """Queues what was committed since the last time; returns how many messages that were.

    One sweeper at a time: another one finds the cursor taken and leaves it.
    """
    cursor = WebhookCursor.objects.select_for_update(skip_locked=True).first()
    # Asked behind the lock: whoever had it before us read no further than this.
    house, oldest = _here()
    if cursor is None:
        fresh = WebhookCursor(house=house, xact=oldest)
        WebhookCursor.objects.bulk_create([fresh], ignore_conflicts=True)
        return 0
    # After a restore transactions are counted anew: nothing that was told before is told again.
    elsewhere = cursor.house != house or cursor.xact > oldest
    if elsewhere:
        log.warning("webhooks begin anew after a restore")
    since = at if elsewhere else cursor.since_at
    idle = elsewhere or not WebhookEndpoint.objects.filter(off_at=None).exists()
    until = oldest if idle else min(oldest, cursor.xact + STRETCH)
    if until == cursor.xact and not elsewhere:
        return 0
    queued = 0 if idle else _queue(cursor.xact, until, since, at)
    WebhookCursor.objects.filter(pk=cursor.pk).update(house=house, xact=until, since_at=since)
    return queued


def _here() -> tuple[int, int]:
    """Which cluster this is, and the oldest transaction that is still writing.

    What is asked in a later statement sees all that was committed below it.
    """
    with connection.cursor() as reader:
        reader.execute(HERE)
        house, oldest = reader.fetchone()
    return house, oldest


def _queue(begin: int, until: int, since: datetime | None, at: datetime) -> int:
    values = {"from": begin, "until": until, "since": since, "at": at}
    with connection.cursor() as writer:
        writer.execute(QUEUE, values)
        return writer.rowcount


@transaction.atomic
def test(*, endpoint: WebhookEndpoint, by: Actor, at: datetime) -> WebhookMessage:
    """A message of which nothing happened, for whoever connects a receiver."""
    audit.write(action="webhook_tested", subject=f"webhook:{endpoint.pk}", by=by, at=at)
    return WebhookMessage.objects.create(
        endpoint=endpoint,
        source=WebhookMessage.Source.TEST,
        source_id=int(at.timestamp() * 1_000_000),
        type=events.TEST,
        at=at,
        queued_at=at,
        next_try_at=at,
    )


@transaction.atomic
def claim(*, at: datetime) -> list[WebhookMessage]:
    """Takes what is due, for LEASE, with new fencing tokens; a fair share for each endpoint.

    One that failed last time gets a single message, to see whether it is back. Committed before any
    network is touched.
    """
    awake = list(endpoints.ready(at=at))
    waiting = WebhookMessage.objects.filter(
        status__in=(Status.PENDING, Status.CLAIMED), next_try_at__lte=at
    )
    found: list[WebhookMessage] = []
    for endpoint in awake:
        share = 1 if endpoint.failures else max(1, BATCH // len(awake))
        due = waiting.filter(endpoint=endpoint).order_by("next_try_at", "pk")
        for row in due.select_for_update(skip_locked=True)[:share]:
            row.endpoint = endpoint
            found.append(row)
    WebhookMessage.objects.filter(pk__in=[row.pk for row in found]).update(
        status=Status.CLAIMED,
        token=F("token") + 1,
        tries=F("tries") + 1,
        next_try_at=at + LEASE,
    )
    for row in found:
        row.token, row.tries, row.status = row.token + 1, row.tries + 1, Status.CLAIMED
    return found


def settle(*, message: WebhookMessage, answer: Answer, at: datetime) -> str | None:
    """How a try ended: the state it is in now, or None when somebody else holds it by now."""
    if answer.ok:
        to, when = Status.DELIVERED, None
    elif answer.gone or message.tries >= MOST_TRIES:
        to, when = Status.DEAD, None
    else:
        to, when = Status.PENDING, at + _wait(message, answer.retry_after)
    held = WebhookMessage.objects.filter(pk=message.pk, token=message.token, status=Status.CLAIMED)
    won = held.update(
        status=to,
        next_try_at=when,
        settled_at=at if when is None else None,
        last_status=answer.status,
        last_error=answer.error,
    )
    return to if won else None


def _wait(message: WebhookMessage, asked: int | None) -> timedelta:
    """The wait after this try, a tenth longer or shorter so that not all come back at once."""
    wait = WAITS[min(message.tries, len(WAITS)) - 1]
    chance = zlib.crc32(f"{message.pk}:{message.tries}".encode()) / 2**32
    wait *= 1 - JITTER + 2 * JITTER * chance
    if asked is not None:
        wait = max(wait, min(timedelta(seconds=asked), LONGEST_ASKED_WAIT))
    return wait


def replay(
    *, endpoint: WebhookEndpoint, rows: QuerySet[WebhookMessage], by: Actor, at: datetime
) -> int:
    """Sends settled messages again, under the ids they had; returns how many.

    Their tries are counted anew. What waits already is left alone.
    """
    settled = rows.filter(endpoint=endpoint, status__in=(Status.DELIVERED, Status.DEAD))
    with transaction.atomic():
        count = settled.update(
            status=Status.PENDING,
            tries=0,
            next_try_at=at,
            settled_at=None,
            replayed_at=at,
            replayed_by=by.code,
        )
        if count:
            data = {"messages": count}
            subject = f"webhook:{endpoint.pk}"
            audit.write(action="webhook_replayed", subject=subject, by=by, at=at, data=data)
    return count


def dead(endpoint: WebhookEndpoint) -> QuerySet[WebhookMessage]:
    """Its dead letters."""
    return WebhookMessage.objects.filter(endpoint=endpoint, status=Status.DEAD)


def since(endpoint: WebhookEndpoint, *, at: datetime) -> QuerySet[WebhookMessage]:
    """Everything about events since then, for a receiver that lost what it had."""
    return WebhookMessage.objects.filter(endpoint=endpoint, at__gte=at)


def give_up(*, at: datetime) -> list[WebhookEndpoint]:
    """What found no turn for GIVE_UP while its endpoint was on is a dead letter; whose it was."""
    late = WebhookMessage.objects.filter(
        status=Status.PENDING, next_try_at__lte=at - GIVE_UP, endpoint__off_at=None
    )
    pks = list(late.values_list("pk", flat=True)[:MANY])
    gone = late.filter(pk__in=pks).select_related("endpoint")
    owners = {row.endpoint_id: row.endpoint for row in gone}
    gone.update(status=Status.DEAD, next_try_at=None, settled_at=at, last_error="waited")
    return list(owners.values())


def forget(*, at: datetime) -> int:
    """Deletes what was settled KEPT_FOR ago; returns how many rows. Its events are not touched."""
    old = WebhookMessage.objects.filter(settled_at__lte=at - KEPT_FOR)
    return _delete(old.values_list("pk", flat=True)[:MANY])


def _delete(pks: Iterable[int]) -> int:
    return WebhookMessage.objects.filter(pk__in=list(pks)).delete()[0]


def shift(*, by: timedelta) -> None:
    """The demo's clock jumped: what is being sent is still being sent."""
    WebhookMessage.objects.filter(status=Status.CLAIMED).update(next_try_at=F("next_try_at") + by)
