"""Leases: who was just allowed to call, or is in the call. Taken with the allow (rulings.py)."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from crm.actors import Actor
from crm.models import User
from followups.models import Lease

LONGEST = timedelta(minutes=60)
# By so much a page that is open renews it.
RENEWED_FOR = LONGEST / 30


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


def held(*, user: User, at: datetime) -> QuerySet[Lease]:
    """Whom this person holds just now, the newest first; of several who share a number, those of
    the person's own team before others."""
    rows = Lease.objects.filter(
        holder=f"user:{user.pk}", released_at=None, until_at__gt=at, customer__isnull=False
    )
    rows = rows.select_related("customer__text").alias(own=Q(customer__team=user.team_id))
    return rows.order_by("-own", "-taken_at", "-pk")


def let_go(*, decision_id: uuid.UUID, user: User, by: Actor, at: datetime) -> int:
    """The call will not be made, or was not: only by whose it is or was, and once."""
    rows = Lease.objects.filter(decision_id=decision_id, holder=f"user:{user.pk}", released_at=None)
    return rows.update(released_at=at, released_by=by.code)


def in_the_way(*, user: User, people: Collection[int], at: datetime) -> Lease | None:
    """Whom this person holds apart from these people; until the transaction ends no other page of
    theirs takes anybody, so that two presses at once give one call."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    return held(user=user, at=at).exclude(customer__in=people).first()


def release(*, decision_id: uuid.UUID, by: Actor, at: datetime) -> int:
    """The call is over (or will not be made)."""
    return Lease.objects.filter(decision_id=decision_id, released_at=None).update(
        released_at=at, released_by=by.code
    )


def shift(*, by: timedelta) -> None:
    """The demo's clock jumped: who was in a call a moment ago still is."""
    Lease.objects.filter(released_at=None).update(until_at=F("until_at") + by)
