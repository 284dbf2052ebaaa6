"""A retry gets the first answer: the only writer of IdempotentAnswer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from crm import forgotten
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
    # A key is whatever the caller likes: only its hash is kept.
    hashed = forgotten.keyed(f"idempotency\n{key}").hex()
    known = IdempotentAnswer.objects.filter(actor=actor, key__in=[hashed, key]).first()
    if known and known.created_at + KEPT_FOR > at:
        if bytes(known.fingerprint) != print_:
            raise OtherBody
        return known.status or 200, known.answer or {}
    if known:
        known.delete()
    status, answer = act()
    IdempotentAnswer.objects.create(
        actor=actor, key=hashed, fingerprint=print_, status=status, answer=answer, created_at=at
    )
    return status, answer


def forget_about(references: Iterable[str]) -> int:
    """Answers that name one of these (a customer, a promise) say no more than that it is gone; the
    same request again still does nothing twice."""
    rows = IdempotentAnswer.objects.annotate(said=Cast("answer", TextField()))
    named = [Q(said__contains=f'"{one}"') for one in references]
    gone = rows.filter(reduce(or_, named)) if named else rows.none()
    return gone.update(status=410, answer={"code": "erased"})


def forget_old(*, at: datetime) -> int:
    """Drops answers older than seven days."""
    return IdempotentAnswer.objects.filter(created_at__lt=at - KEPT_FOR).delete()[0]
