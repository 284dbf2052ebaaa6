"""What happened to a promise, one row an event: the only writer of PromiseEvent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from crm.actors import Actor
from followups.models import Promise, PromiseEvent

PLAIN = """
INSERT INTO followups_promiseevent (promise_id, from_status, to_status, at, by, cause, data)
SELECT p.id, 'open', 'open', %(at)s::timestamptz, %(by)s::text, %(cause)s::text, '{}'
FROM unnest(%(promises)s::bigint[]) AS p (id)
"""
CLIMBS = """
INSERT INTO followups_promiseevent (promise_id, from_status, to_status, at, by, cause, data)
SELECT p.id, 'open', 'open', %(at)s::timestamptz, %(by)s::text, 'rung_' || p.role,
    jsonb_build_object('rung', p.rung, 'told', p.told)
FROM unnest(%(promises)s::bigint[], %(rungs)s::int[], %(roles)s::text[], %(told)s::int[])
    AS p (id, rung, role, told)
"""


def write(
    promise: Promise,
    source: str,
    to: str,
    *,
    by: Actor,
    at: datetime,
    cause: str,
    data: dict[str, object] | None = None,
) -> None:
    """A move, in the transaction that makes it. `data` holds ids and codes, nothing personal."""
    PromiseEvent.objects.create(
        promise=promise,
        from_status=source,
        to_status=to,
        at=at,
        by=by.code,
        cause=cause,
        data=data or {},
    )


def note(*, promise: Promise, cause: str, by: Actor, at: datetime, **data: object) -> None:
    """Something happened that does not change the status."""
    write(promise, promise.status, promise.status, by=by, at=at, cause=cause, data=data)


def note_many(promises: list[int], *, cause: str, by: Actor, at: datetime) -> None:
    """note() for many open promises at once, without data."""
    _insert(PLAIN, {"promises": promises, "cause": cause, "by": by.code, "at": at})


def note_climbs(
    promises: str, rungs: str, roles: str, told: str, *, by: Actor, at: datetime
) -> None:
    """For each of these open promises: a rung was climbed, and so many people were told.

    The four come as PostgreSQL writes arrays, and go back to it unread.
    """
    values = {"promises": promises, "rungs": rungs, "roles": roles, "told": told}
    _insert(CLIMBS, values | {"by": by.code, "at": at})


def _insert(statement: str, values: dict[str, Any]) -> None:
    if values["promises"]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
