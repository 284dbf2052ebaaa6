"""Hears the knock from below: evidence moves the promises that its delivery serves."""

from __future__ import annotations

from datetime import datetime

from crm.actors import Actor
from followups import items, plans, promises
from followups.models import Item, Promise
from offers.models import Delivery, Evidence


def hear(
    *, delivery: Delivery, evidence: Evidence, by: Actor, at: datetime, **kwargs: object
) -> None:
    """Runs inside the evidence's own transaction: if this fails, the evidence is not kept."""
    for promise in _served(delivery):
        promise = promises.weigh(promise=promise, by=by, at=at)
        if evidence.kind == Evidence.Kind.REPLY:
            items.open_for(promise=promise, kind=Item.Kind.ANSWER, delivery=delivery, by=by, at=at)
        if promise.status == Promise.Status.KEPT:
            items.close_about(promise=promise, cause="kept", by=by, at=at)
            continue
        if promise.status != Promise.Status.OPEN:
            continue  # nothing is owed any more, so there is nothing to mend
        if evidence.kind == Evidence.Kind.FAILED and evidence.hard:
            # The next channel goes by itself; the address on file is still a person's to mend.
            kind = Item.Kind.ADDRESS_TO_FIX
            items.open_for(promise=promise, kind=kind, delivery=delivery, by=by, at=at)
        if not plans.live(promise).exists():
            plans.advance(promise=promise, by=by, at=at)


def _served(delivery: Delivery) -> list[Promise]:
    return list(Promise.objects.filter(attached__delivery=delivery).order_by("pk"))
