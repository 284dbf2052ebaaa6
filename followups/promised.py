""" "What you promised me": every promise to a customer and how it stands, in the customer's words.

Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch

from crm.models import Customer
from followups import answering
from followups.models import Promise, PromiseDelivery

Status, Track = Promise.Status, Promise.Track
LONGEST_LIST = 100


@dataclass(frozen=True)
class Line:
    """One promise. `state` is a text of page_texts, `at` the instant that stands in it."""

    promise: Promise
    state: str
    at: datetime
    deniable: bool  # something was sent, so the customer may say that it never came


def lines(customer: Customer, *, at: datetime) -> list[Line]:
    """The newest promise first. The same number of queries for one and for a hundred."""
    attached = PromiseDelivery.objects.select_related("delivery__proof").order_by("delivery_id")
    rows = (
        Promise.objects.filter(customer=customer)
        .exclude(status=Status.ERASED)
        .select_related("text")
        .prefetch_related(Prefetch("attached", attached))
        .order_by("-made_at", "-pk")
    )
    return [_line(promise, at) for promise in rows[:LONGEST_LIST]]


def _line(promise: Promise, at: datetime) -> Line:
    state, instant = _state(promise, at)
    sent = any(answering.left(row.delivery) for row in promise.attached.all())
    standing = promise.status in (Status.OPEN, Status.KEPT)
    return Line(promise, state, instant, deniable=sent and standing)


def _state(promise: Promise, at: datetime) -> tuple[str, datetime]:
    call = "call_" if promise.kind == Promise.Kind.CALLBACK else ""
    closed_at = promise.closed_at or at
    if promise.status == Status.KEPT:
        return f"state_{call}kept", promise.readable_at or closed_at
    if promise.status != Status.OPEN:
        return f"state_{promise.status}", closed_at
    if promise.track == Track.PROOF:
        return "state_on_its_way", promise.due_at
    if promise.waits:
        return "state_call_after", promise.due_at
    late = "late" if promise.late_at <= at else "waiting"
    return f"state_{call}{late}", promise.due_at
