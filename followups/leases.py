"""Leases: who was just allowed to call, or is in the call. Taken with the allow (rulings.py)."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db.models import F

from crm.actors import Actor
from followups.models import Lease

LONGEST = timedelta(minutes=60)


def renew(*, decision_id: uuid.UUID, holder: str, until: datetime, at: datetime) -> int:
    """Still in the call: the holder's own lease lasts on, an hour from its start at most.

    0 when it had run out: then somebody else may have been allowed to call.
    """
    rows = Lease.objects.filter(
        decision_id=decision_id,
        holder=holder,
        released_at=None,
        until_at__gt=at,
        until_at__lt=until,
        taken_at__gt=at - LONGEST,
    )
    return rows.update(until_at=until)


def release(*, decision_id: uuid.UUID, by: Actor, at: datetime) -> int:
    """The call is over (or will not be made)."""
    return Lease.objects.filter(decision_id=decision_id, released_at=None).update(
        released_at=at, released_by=by.code
    )


def shift(*, by: timedelta) -> None:
    """The demo's clock jumped: who was in a call a moment ago still is."""
    Lease.objects.filter(released_at=None).update(until_at=F("until_at") + by)
