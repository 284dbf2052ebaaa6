"""The way a promise's document goes: first channel, next channel, or a person's item."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from config.transactions import joined
from crm import customers
from crm.actors import Actor
from crm.workdays import Calendar
from followups import items, promises
from followups.models import Item, Promise, PromiseDelivery
from followups.terms import NotOpen, Refused, due
from offers import deliveries, postal
from offers.channels import CHANNELS
from offers.models import Delivery, PrintLine
from offers.models.deliveries import PAPER

Status = Delivery.Status
IN_DOUBT = timedelta(hours=24)
WAITING = (Status.QUEUED, Status.RETRY)
LEFT = (Status.CLAIMED, Status.SENDING, Status.SENT, Status.UNKNOWN)
UNDERWAY = (Status.QUEUED, Status.CLAIMED, Status.SENDING, Status.RETRY)


def attached(promise: Promise) -> QuerySet[Delivery]:
    """The deliveries that serve this promise."""
    return Delivery.objects.filter(attached__promise=promise)


def live(promise: Promise) -> QuerySet[Delivery]:
    """Those that may still prove it: under way, or sent and not failed."""
    rows = attached(promise)
    return rows.filter(status__in=UNDERWAY) | rows.filter(status=Status.SENT, proof__failed=False)


@joined()
def start(*, promise: Promise, by: Actor, at: datetime) -> Delivery | None:
    """The first journey, queued in the promise's own transaction.

    The same document on its way to the same address for an earlier promise is not sent twice:
    one delivery serves both. A call-back sends nothing; a written answer is first written.
    """
    if not _sends(promise, by=by, at=at):
        return None
    same = _shared(promise)
    if same:
        promises.attach(promise=promise, delivery=same, by=by, at=at)
        return same
    return _along(promise, step=0, why="promised", by=by, at=at)


def _sends(promise: Promise, *, by: Actor, at: datetime) -> bool:
    """Whether there is something to send; the answer that nobody wrote yet is the owner's item."""
    if promise.kind == Promise.Kind.WRITTEN_ANSWER and promise.document_id is None:
        items.open_for(promise=promise, kind=Item.Kind.ANSWER_TO_WRITE, delivery=None, by=by, at=at)
        return False
    return promise.kind != Promise.Kind.CALLBACK


def _shared(promise: Promise) -> Delivery | None:
    address = promise.text.address or CHANNELS[promise.plan[0]].address_of(promise.customer)
    if not address:
        return None
    return (
        Delivery.objects.filter(
            customer=promise.customer,
            version=promise.version,
            document=promise.document if promise.document_id else None,
            channel=promise.plan[0],
            text__address=address,
            status__in=WAITING,
        )
        .order_by("pk")
        .first()
    )


@transaction.atomic
def advance(*, promise: Promise, by: Actor, at: datetime) -> Delivery | None:
    """Starts the next channel of the plan, or opens an item when there is none."""
    customers.hold([promise.customer_id])
    promise.refresh_from_db()
    if promise.status != Promise.Status.OPEN or not _sends(promise, by=by, at=at):
        return None
    if in_doubt(promise, at=at):
        # It may have left: a person looks first, and another channel may go a day later.
        _nobody_left(promise, by=by, at=at)
        return None
    spoiled = _spoiled(promise)
    if spoiled:
        where = spoiled.text.address
        return _queue(promise, spoiled.channel, where, why="reprint", by=by, at=at)
    return _along(promise, step=promise.plan_step + 1, why="next_channel", by=by, at=at)


@transaction.atomic
def into_the_bill(*, promise: Promise, by: Actor, at: datetime) -> Delivery | None:
    """A last way that nobody has to think of: the document also joins the next paper bill.

    None where there is no paper bill in time, nothing to send, or an insert is on its way already.
    """
    customers.hold([promise.customer_id])
    promise.refresh_from_db()
    if promise.status != Promise.Status.OPEN or not _sends(promise, by=by, at=at):
        return None
    if live(promise).filter(channel="bill_insert").exists():
        return None
    address = CHANNELS["bill_insert"].address_of(promise.customer)
    calendar = Calendar.from_dict(promise.calendar)
    try:
        due(channel="bill_insert", calendar=calendar, at=at, customer=promise.customer)
    except Refused:
        return None
    if not address:
        return None
    return _queue(promise, "bill_insert", address, why="escalated", by=by, at=at)


def _spoiled(promise: Promise) -> Delivery | None:
    """A spoiled or missing sheet is printed once more: the address is good, the paper was not.

    A letter in the next batch, tomorrow; an insert only when no other channel is left, because
    the next bill is a month away.
    """
    newest = attached(promise).select_related("text").order_by("-pk").first()
    if newest is None or newest.why == "reprint":
        return None
    if not PrintLine.objects.filter(delivery=newest, status__in=PrintLine.SPENT).exists():
        return None
    later = promise.plan[promise.plan_step + 1 :]
    ways = any(CHANNELS[name].address_of(promise.customer) for name in later)
    return newest if newest.channel == "post" or not ways else None


def in_doubt(promise: Promise, *, at: datetime) -> bool:
    """Whether it may just have left: then no other way is tried for a day."""
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
        kind = Item.Kind.PAPER if failed.channel in PAPER else Item.Kind.UNKNOWN_SEND
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
    if join := CHANNELS[channel].join:
        join(delivery=delivery, by=by, at=at)
    return delivery


@transaction.atomic
def resend(
    *, promise: Promise, address: str, channel: str = "email", by: Actor, at: datetime
) -> Delivery:
    """A person says where it goes instead: a new delivery, and the items about the old are closed.

    `address` is a mailbox, or for paper the lines of a postal address (offers/postal.py); it is on
    file from now on. Raises NotOpen, or Refused when this way leads nowhere, and then changes
    nothing.
    """
    customers.hold([promise.customer_id])
    promise.refresh_from_db()
    if promise.status != Promise.Status.OPEN:
        raise NotOpen(promise.status)
    if not _sends(promise, by=by, at=at):
        raise Refused("address", _("There is nothing to send yet."))
    _put_on_file(promise, channel, address, by=by, at=at)
    take_back(promise=promise, cause="resend", by=by, at=at)
    if channel in promise.plan[promise.plan_step :]:
        # Its turn is now: what may have left this way does not leave again by itself.
        promises.take_step(promise=promise, step=promise.plan.index(channel))
    delivery = _queue(promise, channel, address, why="resend", by=by, at=at)
    items.close_about(promise=promise, cause="resent", by=by, at=at)
    return delivery


def _put_on_file(promise: Promise, channel: str, address: str, *, by: Actor, at: datetime) -> None:
    """The way must lead to this customer in time; what was told is where they are."""
    customer = promise.customer
    due(channel=channel, calendar=Calendar.from_dict(promise.calendar), at=at, customer=customer)
    if channel not in PAPER:
        if address != CHANNELS[channel].address_of(customer):
            customers.correct_email(customer=customer, address=address, by=by, at=at)
        return
    street, postcode, city = postal.parts(address)
    if not postal.lines(street=street, postcode=postcode, city=city):
        raise Refused("street", _("Paper needs the whole address."))
    if address != CHANNELS[channel].address_of(customer):
        customers.correct_postal(
            customer=customer, street=street, postcode=postcode, city=city, by=by, at=at
        )


def take_back(*, promise: Promise, cause: str, by: Actor, at: datetime) -> None:
    """Cancels what has not left yet, save what another open promise waits for."""
    others = PromiseDelivery.objects.filter(
        delivery=OuterRef("pk"), promise__status=Promise.Status.OPEN
    ).exclude(promise=promise)
    for delivery in attached(promise).filter(~Exists(others), status__in=WAITING):
        deliveries.cancel(delivery=delivery, by=by, at=at, cause=cause)


@joined()
def carry_over(*, old: Promise, promise: Promise, by: Actor, at: datetime) -> None:
    """From a promise to the one that takes its place: what has left serves the new one too, when
    it is the same document. Nothing leaves twice the same way; else a journey starts."""
    left = attached(old).filter(status__in=LEFT).exclude(proof__failed=True).order_by("pk")
    if promise.version is None and promise.document is None:
        left = left.none()
    left = left.filter(version=promise.version)
    if promise.version is None:
        left = left.filter(document=promise.document)
    for delivery in left:
        promises.attach(promise=promise, delivery=delivery, by=by, at=at)
    if not promise.plan:
        return
    first = promise.plan[0]
    where = promise.text.address or CHANNELS[first].address_of(promise.customer)
    if not left.filter(channel=first, text__address=where).exists():
        start(promise=promise, by=by, at=at)
