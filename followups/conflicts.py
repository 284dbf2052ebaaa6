"""A call was promised to somebody who then said "never call me": a person decides, nothing is lost.

The gate denies the promised call at once (`dnc_company`, `dnc_campaign`, `deceased`). What becomes
of the promise is an item of its owner: a letter instead, or nothing at all.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from crm import customers
from crm.actors import Actor
from crm.models import Attempt, Suppression
from followups import conversations, items, plans, promises
from followups.models import Item, Promise
from followups.terms import NotOpen, Refused, Terms
from offers.wording import say

FOR_EVER = (
    Suppression.Kind.DNC_COMPANY,
    Suppression.Kind.DNC_CAMPAIGN,
    Suppression.Kind.DECEASED,
)
BATCH = 200
LIFTED = "wish_ended"  # why an item closed by itself


def find(*, by: Actor, at: datetime) -> int:
    """Calls that are still promised to those who want none, however their wish came: nobody sleeps
    over it when an import or a merge brought it (callbacks.unwanted does so at once for a call)."""
    told = Item.objects.filter(promise=OuterRef("pk"), kind=Item.Kind.CONFLICT)
    untold = ~Exists(told.exclude(closed_cause=LIFTED))
    owed = Promise.objects.open().filter(Exists(_wishes()), untold, kind=Promise.Kind.CALLBACK)
    found = list(owed.order_by("pk")[:BATCH])
    for promise in found:
        items.open_for(promise=promise, kind=Item.Kind.CONFLICT, delivery=None, by=by, at=at)
    return len(found) + _overtaken(by=by, at=at)


def _wishes() -> QuerySet[Suppression]:
    """Of the customer of a promise or an item: what lets nobody call them, for ever."""
    return Suppression.objects.filter(
        customer=OuterRef("customer"), kind__in=FOR_EVER, lifted_at=None
    )


def _overtaken(*, by: Actor, at: datetime) -> int:
    """The wish has ended meanwhile: the call is owed as it was, and there is nothing to decide."""
    open_ones = Item.objects.filter(kind=Item.Kind.CONFLICT, closed_at=None)
    found = list(open_ones.filter(~Exists(_wishes())).order_by("pk")[:BATCH])
    return sum(items.close(item=row, cause=LIFTED, by=by, at=at) for row in found)


@transaction.atomic
def write_instead(*, item: Item, by: Actor, at: datetime) -> Promise:
    """A written answer takes the place of the call: by post, or by mail without an address.

    Raises NotOpen, or Refused when there is no way to write to them.
    """
    promise = _held(item)
    attempt = _newest(promise)
    words = say("page_texts", "promise_letter", promise.customer.language)
    for way in (("post",), ("email",)):
        address = "" if way == ("post",) else _mail(promise)
        terms = Terms(kind=Promise.Kind.WRITTEN_ANSWER, words=words, plan=way, address=address)
        try:
            conversations.check(terms, customer=promise.customer)
        except Refused as refusal:
            last = refusal
            continue
        made = promises.make(
            attempt=attempt, terms=terms, owner=promise.owner, by=by, at=at, replaces=promise
        )
        plans.start(promise=made, by=by, at=at)
        items.close(item=item, cause="written", by=by, at=at)
        return made
    raise last


@transaction.atomic
def let_go(*, item: Item, by: Actor, at: datetime) -> None:
    """Nobody calls and nothing is written: that is what the customer wanted. Raises NotOpen."""
    promise = _held(item)
    promises.withdraw(promise=promise, reason="never_call", attempt=_newest(promise), by=by, at=at)
    items.close(item=item, cause="withdrawn", by=by, at=at)


def _held(item: Item) -> Promise:
    if item.promise is None:
        raise RuntimeError("a conflict without its promise")
    customers.hold([item.customer_id])
    item.promise.refresh_from_db()
    if item.promise.status != Promise.Status.OPEN:
        raise NotOpen(item.promise.status)
    return item.promise


def _newest(promise: Promise) -> Attempt:
    """The contact in which the wish was said, or at least the newest one."""
    rows = Attempt.objects.filter(customer=promise.customer_id)
    return rows.order_by("-started_at", "-pk").first() or promise.attempt


def _mail(promise: Promise) -> str:
    row = promise.customer.emails.filter(bad_at=None).first()
    return row.address if row else ""
