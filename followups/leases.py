"""Leases: who was just allowed to call, or is in the call. The only writer of Lease."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import F

from config import prepared
from config.prepared import Statement
from crm.actors import Actor
from followups.models import Lease

TAKE = Statement(
    "gate_lease",
    """
INSERT INTO followups_lease (customer_id, number_hash, decision_id, holder, taken_at, taken_by,
    until_at, released_by)
SELECT person, CASE WHEN person IS NULL THEN %(number_hash)s::bytea END, %(decision_id)s::uuid,
    %(holder)s, %(taken_at)s::timestamptz, %(taken_by)s, %(until_at)s::timestamptz, ''
FROM unnest(coalesce(nullif(%(people)s::bigint[], '{}'), ARRAY[NULL::bigint])) AS person
""",
)
LONGEST = timedelta(minutes=60)


def take(
    *,
    people: Iterable[int],
    number_hash: bytes | None,
    decision_id: uuid.UUID,
    holder: str,
    until: datetime,
    by: Actor,
    at: datetime,
) -> None:
    """One row for each person, or for the number that nobody has."""
    prepared.run(
        TAKE,
        {
            "people": list(people),
            "number_hash": number_hash,
            "decision_id": decision_id,
            "holder": holder,
            "taken_at": at,
            "taken_by": by.code,
            "until_at": until,
        },
    )


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
