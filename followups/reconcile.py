"""Compares evidence with promises both ways, and starts what nobody started."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from crm.actors import Actor
from followups import conflicts, plans, promises, slots
from followups.models import Item, Promise, PromiseDelivery
from offers import evidence
from offers.models import Delivery, DeliveryProof

log = logging.getLogger("kept.reconcile")
RECONCILER = Actor.sweep("reconcile")
LOOK_BACK = timedelta(days=2)
DELAY_PATIENCE = timedelta(hours=24)
BATCH = 500


def run(*, at: datetime) -> int:
    """The reconcile sweep; returns how many rows it had to mend."""
    mended = _refold(at) + _reweigh(at) + _start_missing(at) + _leave_delayed(at)
    mended += conflicts.find(by=RECONCILER, at=at)
    return mended + slots.run(by=RECONCILER, at=at)


def _refold(at: datetime) -> int:
    """DeliveryProof against the evidence of the last two days."""
    recent = Delivery.objects.filter(evidence__received_at__gt=at - LOOK_BACK).distinct()
    mended = 0
    for delivery in recent.order_by("-pk")[:BATCH]:
        try:
            mended += _refold_one(delivery)
        except Exception:
            log.exception("could not fold", extra={"delivery": delivery.pk})
    return mended


def _refold_one(delivery: Delivery) -> bool:
    differed = evidence.refold(delivery)
    if differed:
        log.error("proof differed from its evidence", extra={"delivery": delivery.pk})
    return differed


def _reweigh(at: datetime) -> int:
    """Promises whose status and proof contradict each other, in either direction."""
    serving = PromiseDelivery.objects.filter(promise=OuterRef("pk"), delivery__proof__failed=False)
    enough = serving.filter(delivery__proof__grade__gte=OuterRef("required_grade"))
    standing = serving.filter(delivery__proof__grade__gte=1)
    lost = (
        Q(status=Promise.Status.OPEN) & Exists(enough)
        | Q(status=Promise.Status.OPEN, track=Promise.Track.LATENESS) & Exists(standing)
        | Q(status=Promise.Status.OPEN, track=Promise.Track.PROOF) & ~Exists(standing)
        | Q(status=Promise.Status.KEPT, settled_at__gt=at - timedelta(days=30)) & ~Exists(enough)
    )
    mended = 0
    documents = Promise.objects.exclude(kind=Promise.Kind.CALLBACK)
    for promise in documents.filter(lost)[:BATCH]:
        try:
            mended += _reweigh_one(promise, at)
        except Exception:
            log.exception("could not weigh", extra={"promise": promise.pk})
    return mended


def _reweigh_one(promise: Promise, at: datetime) -> bool:
    before = (promise.status, promise.track)
    after = promises.weigh(promise=promise, by=RECONCILER, at=at)
    differed = (after.status, after.track) != before
    if differed:
        log.error("promise differed from its evidence", extra={"promise": promise.pk})
    return differed


def unserved() -> QuerySet[Promise]:
    """OPEN document promises with neither a live delivery nor an open item (I22)."""
    serving = PromiseDelivery.objects.filter(promise=OuterRef("pk"))
    live = serving.filter(
        Q(delivery__status__in=plans.UNDERWAY)
        | Q(delivery__status=Delivery.Status.SENT, delivery__proof__failed=False)
    )
    waiting = Item.objects.filter(promise=OuterRef("pk"), closed_at=None)
    documents = Promise.objects.open().exclude(kind=Promise.Kind.CALLBACK)
    return documents.filter(~Exists(live) & ~Exists(waiting)).order_by("pk")


def _start_missing(at: datetime) -> int:
    """The next channel, or an item for a named person, where there is neither."""
    started = 0
    for promise in list(unserved()[:BATCH]):
        try:
            plans.advance(promise=promise, by=RECONCILER, at=at)
            started += 1
        except Exception:
            log.exception("could not start a channel", extra={"promise": promise.pk})
    return started


def _leave_delayed(at: datetime) -> int:
    """A day after the first report of a delay the next channel is tried."""
    delayed = DeliveryProof.objects.filter(
        first_delayed_at__lte=at - DELAY_PATIENCE, grade__lt=3, failed=False
    )
    newest = (
        Promise.objects.open()
        .filter(attached__delivery__proof__in=delayed)
        .annotate(last=F("attached__delivery"))
    )
    left = 0
    for promise in newest[:BATCH]:
        later = plans.attached(promise).filter(pk__gt=promise.last)
        asked = Item.objects.filter(promise=promise, delivery=promise.last)
        if later.exists() or asked.exists():
            continue
        try:
            plans.advance(promise=promise, by=RECONCILER, at=at)
            left += 1
        except Exception:
            log.exception("could not leave a delayed mail", extra={"promise": promise.pk})
    return left
