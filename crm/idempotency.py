"""A retry gets the first answer: the only writer of IdempotentAnswer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from crm.models import IdempotentAnswer

KEPT_FOR = timedelta(days=7)
Answer = tuple[int, dict[str, Any]]
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext(%s), hashtext(%s))"


class StillRunning(Exception):
    """The first request with this key has not been answered yet."""


class OtherBody(ValueError):
    """The key was used before with another request."""


@transaction.atomic
def once(*, actor: str, key: str, body: Any, at: datetime, act: Callable[[], Answer]) -> Answer:
    """Runs `act` once for (actor, key) and answers the same for seven days.

    The act and its stored answer are one transaction. Raises StillRunning while another
    request holds the key, OtherBody when the same key comes with a different body.
    """
    print_ = hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute(TRY_LOCK, [f"idempotency {actor}", key])
        (mine,) = cursor.fetchone()
    if not mine:
        raise StillRunning
    known = IdempotentAnswer.objects.filter(actor=actor, key=key).first()
    if known and known.created_at + KEPT_FOR > at:
        if bytes(known.fingerprint) != print_:
            raise OtherBody
        return known.status or 200, known.answer or {}
    if known:
        known.delete()
    status, answer = act()
    IdempotentAnswer.objects.create(
        actor=actor, key=key, fingerprint=print_, status=status, answer=answer, created_at=at
    )
    return status, answer


def forget_old(*, at: datetime) -> int:
    """Drops answers older than seven days."""
    return IdempotentAnswer.objects.filter(created_at__lt=at - KEPT_FOR).delete()[0]
