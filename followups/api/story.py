"""A promise as other systems may see it: codes, instants and references, nothing personal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from config.problems import Problem
from crm.api import Caller
from followups.models import Promise, PromiseEvent
from followups.models.promises import Promises
from offers.models import Delivery, Evidence


class Shown(BaseModel):
    """A promise in a list. `broken`: due has passed and nothing stands, just now."""

    reference: str
    kind: str
    status: str
    broken: bool
    made_at: datetime
    due_at: datetime
    kept_at: datetime | None
    settled_at: datetime | None
    readable_at: datetime | None
    closed_at: datetime | None
    broken_at: datetime | None
    owner: str
    team: str
    channels: list[str]
    offer: str | None
    customer: str | None
    replaces: str | None
    after: str | None  # a call-back waits, or waited, for that one


class Proof(BaseModel):
    """An event that proves something about a delivery, with its grade E0 to E5."""

    kind: str
    grade: int
    hard: bool
    status_code: str
    source: str
    occurred_at: datetime
    received_at: datetime


class Journey(BaseModel):
    """One delivery: how, where it stands, and what is proven."""

    id: int
    channel: str
    status: str
    why: str
    queued_at: datetime
    sending_at: datetime | None
    settled_at: datetime | None
    reply_code: int | None
    reply_status: str
    evidence: list[Proof]


class Event(BaseModel):
    """A move of the promise, or something that happened to it."""

    at: datetime
    by: str
    cause: str
    from_status: str
    to_status: str
    data: dict[str, Any]


class Told(Shown):
    """A promise with its whole story."""

    call: dict[str, Any]
    events: list[Event]
    deliveries: list[Journey]


def with_names(rows: Promises) -> Promises:
    """Joined to what is shown beside a promise, so that a page costs one query."""
    return rows.select_related("customer", "owner", "team", "version__offer", "replaces", "after")


def mine(caller: Caller) -> Promises:
    """A supplier's key sees the promises of its own team."""
    rows = Promise.objects.all()
    return rows.filter(team=caller.key.team_id) if caller.key.team_id else rows


def one(reference: str, caller: Caller) -> Promise:
    """The promise of this reference. Raises Problem when it is not there for this key."""
    rows = with_names(mine(caller))
    found = None if "\x00" in reference else rows.filter(reference=reference.upper()).first()
    if found is None:
        raise Problem("not_found")
    return found


def shown(promise: Promise, caller: Caller) -> Shown:
    return Shown(**_columns(promise, caller))


def told(promise: Promise, caller: Caller) -> Told:
    attached = promise.attached.select_related("delivery").order_by("pk")
    journeys = [row.delivery for row in attached.prefetch_related("delivery__evidence")]
    return Told(
        **_columns(promise, caller),
        call={"source": promise.attempt.source, "external_id": promise.attempt.external_id},
        events=[_event(event) for event in promise.events.order_by("pk")],
        deliveries=[_journey(delivery) for delivery in journeys],
    )


def _columns(promise: Promise, caller: Caller) -> dict[str, Any]:
    version = promise.version
    late = promise.late_at <= caller.at and promise.track == Promise.Track.LATENESS
    return {
        "reference": promise.reference,
        "kind": promise.kind,
        "status": promise.status,
        "broken": promise.status == Promise.Status.OPEN and late,
        "made_at": promise.made_at,
        "due_at": promise.due_at,
        "kept_at": promise.kept_at,
        "settled_at": promise.settled_at,
        "readable_at": promise.readable_at,
        "closed_at": promise.closed_at,
        "broken_at": promise.broken_at,
        "owner": promise.owner.external_id or promise.owner.username,
        "team": promise.team.slug,
        "channels": promise.plan,
        "offer": f"{version.offer.reference}/{version.number}" if version else None,
        "replaces": promise.replaces.reference if promise.replaces else None,
        "after": promise.after.reference if promise.after else None,
        "customer": promise.customer.reference if caller.may("customers:read") else None,
    }


def _event(event: PromiseEvent) -> Event:
    return Event(
        at=event.at,
        by=event.by,
        cause=event.cause,
        from_status=event.from_status,
        to_status=event.to_status,
        data=event.data,
    )


def _journey(delivery: Delivery) -> Journey:
    return Journey(
        id=delivery.pk,
        channel=delivery.channel,
        status=delivery.status,
        why=delivery.why,
        queued_at=delivery.queued_at,
        sending_at=delivery.sending_at,
        settled_at=delivery.settled_at,
        reply_code=delivery.reply_code,
        reply_status=delivery.reply_status,
        evidence=[_proof(row) for row in sorted(delivery.evidence.all(), key=lambda e: e.pk)],
    )


def _proof(row: Evidence) -> Proof:
    return Proof(
        kind=row.kind,
        grade=row.grade,
        hard=row.hard,
        status_code=row.status_code,
        source=row.source,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
    )
