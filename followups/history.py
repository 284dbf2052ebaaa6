"""What happened to a promise, one row an event: the only writer of PromiseEvent."""

from __future__ import annotations

from datetime import datetime

from crm.actors import Actor
from followups.models import Promise, PromiseEvent


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
