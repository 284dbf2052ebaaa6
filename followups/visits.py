"""Who stands at the customer's door: the delivery that a link names, and what it is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from crm.actors import Actor
from crm.models import Customer
from followups.models import Promise
from offers import links
from offers.models import Delivery, OfferVersion

# A link lives so long from when its document could be read; before that it is valid.
LIFE = timedelta(days=30)
Status = Promise.Status


@dataclass(frozen=True)
class Visit:
    """A customer at the door, by the link of a delivery; the promise that it serves."""

    delivery: Delivery
    promise: Promise
    token: str

    @property
    def customer(self) -> Customer:
        return self.delivery.customer

    @property
    def version(self) -> OfferVersion | None:
        return self.delivery.version

    @property
    def by(self) -> Actor:
        return Actor.customer(self.customer)

    def local(self, at: datetime) -> datetime:
        """An instant on the clock of the team that promised."""
        return at.astimezone(ZoneInfo(self.promise.calendar["zone"]))


def arrive(token: str, *, at: datetime, expired: bool = False) -> Visit | None:
    """Opens a link. None when it is unknown, revoked or expired, after the same work for each.

    `expired` lets an old link in: a wish to be left alone is heard for ever.
    """
    delivery = links.delivery_of(token)
    served, about = _served(delivery).first(), _about(delivery).first()
    promise = served or about
    if delivery is None or promise is None:
        return None
    if not expired and _over(delivery, promise, at):
        return None
    return Visit(delivery=delivery, promise=promise, token=token)


def _served(delivery: Delivery | None) -> QuerySet[Promise]:
    """The promises that it is attached to, the newest one first that still stands."""
    pk = delivery.pk if delivery else 0
    return _standing(Promise.objects.filter(attached__delivery=pk))


def _about(delivery: Delivery | None) -> QuerySet[Promise]:
    """A confirmation serves no promise: then the one of the offer that was accepted."""
    version = delivery.version_id if delivery else 0
    return _standing(Promise.objects.filter(version=version, version__isnull=False))


def _standing(rows: QuerySet[Promise]) -> QuerySet[Promise]:
    rows = rows.exclude(status=Status.ERASED).select_related("customer", "owner__team", "text")
    # "kept" and "open" sort before "replaced" and "withdrawn".
    return rows.order_by("status", "-pk")


def _over(delivery: Delivery, promise: Promise, at: datetime) -> bool:
    if promise.readable_at is None:
        return False
    return at >= max(promise.readable_at, delivery.queued_at) + LIFE


def valid_until(visit: Visit, *, at: datetime) -> date | None:
    """The last day of the offer, counted from when it could be read; None for what is no offer."""
    if visit.version is None:
        return None
    read = visit.local(visit.promise.readable_at or at).date()
    return read + timedelta(days=visit.version.valid_days)
