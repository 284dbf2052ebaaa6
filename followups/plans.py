"""The way a promise's document goes: first channel, next channel, or a person's item."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm import customers
from crm.actors import Actor
from followups import items, promises
from followups.models import Item, Promise
from followups.terms import Refused
from offers import deliveries
from offers.channels import CHANNELS
from offers.models import Delivery

Status = Delivery.Status
IN_DOUBT = timedelta(hours=24)
UNDERWAY = (Status.QUEUED, Status.CLAIMED, Status.SENDING, Status.RETRY)


def attached(promise: Promise) -> QuerySet[Delivery]:
    """The deliveries that serve this promise."""
    return Delivery.objects.filter(attached__promise=promise)


def live(promise: Promise) -> QuerySet[Delivery]:
    """Those that may still prove it: under way, or sent and not failed."""
    rows = attached(promise)
    return rows.filter(status__in=UNDERWAY) | rows.filter(status=Status.SENT, proof__failed=False)


@transaction.atomic
def start(*, promise: Promise, by: Actor, at: datetime) -> Delivery | None:
    """The first journey, queued in the promise's own transaction.

    The same document on its way to the same address for an earlier promise is not sent twice:
    one delivery serves both.
    """
    same = _shared(promise)
    if same:
        promises.attach(promise=promise, delivery=same, by=by, at=at)
        return same
    return _along(promise, step=0, why="promised", by=by, at=at)


def _shared(promise: Promise) -> Delivery | None:
    if not promise.text.address:
        return None
    return (
        Delivery.objects.filter(
            customer=promise.customer,
            version=promise.version,
            document=promise.document if promise.document_id else None,
            channel=promise.plan[0],
            text__address=promise.text.address,
            status__in=(Status.QUEUED, Status.RETRY),
        )
        .order_by("pk")
        .first()
    )


@transaction.atomic
def advance(*, promise: Promise, by: Actor, at: datetime) -> Delivery | None:
    """Starts the next channel of the plan, or opens an item when there is none."""
    customers.hold([promise.customer_id])
    promise.refresh_from_db()
    if promise.status != Promise.Status.OPEN:
        return None
    if _in_doubt(promise, at=at):
        # It may have left: a person looks first, and another channel may go a day later.
        _nobody_left(promise, by=by, at=at)
        return None
    return _along(promise, step=promise.plan_step + 1, why="next_channel", by=by, at=at)


def _in_doubt(promise: Promise, *, at: datetime) -> bool:
    newest = attached(promise).order_by("-pk").first()
    return (
        newest is not None
        and newest.status == Status.UNKNOWN
        and newest.settled_at is not None
        and newest.settled_at > at - IN_DOUBT
    )


def _along(promise: Promise, *, step: int, why: str, by: Actor, at: datetime) -> Delivery | None:
    for place in range(step, len(promise.plan)):
        channel = promise.plan[place]
        address = promise.text.address if place == 0 else ""
        address = address or CHANNELS[channel].address_of(promise.customer) or ""
        if not address:
            continue
        if place != promise.plan_step and not promises.take_step(promise=promise, step=place):
            return None
        return _queue(promise, channel, address, why=why, by=by, at=at)
    _nobody_left(promise, by=by, at=at)
    return None


def _nobody_left(promise: Promise, *, by: Actor, at: datetime) -> None:
    """No channel is left: a named person decides, and the promise stays open."""
    failed = attached(promise).order_by("-pk").first()
    bad = failed is None or (hasattr(failed, "proof") and failed.proof.hard)
    kind = Item.Kind.ADDRESS_TO_FIX if bad else Item.Kind.PLAN_EXHAUSTED
    if failed and failed.status == Status.UNKNOWN:
        kind = Item.Kind.UNKNOWN_SEND
    items.open_for(promise=promise, kind=kind, delivery=failed, by=by, at=at)


def _queue(
    promise: Promise, channel: str, address: str, *, why: str, by: Actor, at: datetime
) -> Delivery:
    zone = ZoneInfo(promise.calendar["zone"])
    parcel = deliveries.Parcel(
        customer=promise.customer,
        channel=channel,
        language=promise.customer.language,
        to_name=promise.customer.text.name,
        address=address,
        reference=promise.reference,
        words=promise.text.words,
        promised_date=promise.made_at.astimezone(zone).date(),
        reading_days=max(1, promise.reading_hours // 24),
        version=promise.version,
        document=promise.document if promise.version is None else None,
    )
    delivery = deliveries.queue(parcel=parcel, why=why, by=by, at=at)
    promises.attach(promise=promise, delivery=delivery, by=by, at=at)
    return delivery


@transaction.atomic
def resend(*, promise: Promise, address: str, by: Actor, at: datetime) -> Delivery:
    """A person mends the address: a new delivery, and the items about the old one are closed.

    Raises Refused when the promise is not open.
    """
    customers.hold([promise.customer_id])
    promise.refresh_from_db()
    if promise.status != Promise.Status.OPEN:
        raise Refused("address", _("This promise is not open any more."))
    for delivery in attached(promise).filter(status__in=(Status.QUEUED, Status.RETRY)):
        deliveries.cancel(delivery=delivery, by=by, at=at, cause="resend")
    customers.add_email(customer=promise.customer, address=address)
    delivery = _queue(promise, "email", address, why="resend", by=by, at=at)
    items.close_about(promise=promise, cause="resent", by=by, at=at)
    return delivery
