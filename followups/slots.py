"""The hour of a call that waits for another promise: "call me two days after the offer came".

Until the other promise is proven the call has no hour, is never late, and is nobody's to make. Then
it gets one. What it waits for may be replaced (it follows the replacement), withdrawn (it gets the
next hour there is, and its owner decides), or open again (it waits again). The writer of these
columns of Promise; the sweep `reconcile` looks, so that none is lost.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from crm import calendars, customers
from crm.actors import Actor
from crm.models import Customer
from crm.workdays import Calendar
from followups import callbacks, history, ladder, notices
from followups.models import Promise
from followups.models.promises import CALLBACK_TOLERANCE
from followups.terms import LATEST_DUE, Refused, Terms

log = logging.getLogger("kept.slots")
Status = Promise.Status
MOST_DAYS = 60
BATCH = 500


def check(terms: Terms, *, customer: Customer, place: str) -> None:
    """Raises Refused for a call without an hour, or that waits for what cannot come."""
    if terms.after is None:
        if terms.due_at is None:
            raise Refused(f"{place}.due_at", _("Say when we call back."))
        return
    awaited = terms.after
    if awaited.customer_id != customer.pk or awaited.kind == Promise.Kind.CALLBACK:
        raise Refused(f"{place}.after", _("A call waits for a document of the same customer."))
    if awaited.status not in (Status.OPEN, Status.KEPT):
        raise Refused(f"{place}.after", _("This promise is not open any more."))
    if not 0 <= terms.after_days <= MOST_DAYS:
        words = _("At most %(most)s days after it has come.")
        raise Refused(f"{place}.after_days", words % {"most": MOST_DAYS})


def run(*, by: Actor, at: datetime) -> int:
    """Every call that waits for what is settled, or that has an hour although it should wait."""
    moved = 0
    for pk, customer in list(_due().values_list("pk", "customer_id")[:BATCH]):
        try:
            moved += _arrange(pk, customer, by=by, at=at)
        except Exception:
            log.exception("could not set the hour of a call", extra={"promise": pk})
    return moved


def _due() -> QuerySet[Promise]:
    waits, over = Q(slot_from_at=None), ~Q(after__status=Status.OPEN)
    rows = Promise.objects.open().filter(after__isnull=False)
    return rows.filter((waits & over) | (~waits & ~over)).order_by("pk")


@transaction.atomic
def _arrange(pk: int, customer: int, *, by: Actor, at: datetime) -> bool:
    customers.hold([customer])
    # A new statement after the lock: it sees what was settled while we waited.
    rows = _due().filter(pk=pk).select_related("after", "owner__team", "team", "customer")
    promise = rows.first()
    if promise is None or promise.after is None:
        return False
    awaited = promise.after
    if awaited.status == Status.OPEN:
        return _wait(promise, by=by, at=at)
    if awaited.status == Status.REPLACED:
        follows = Promise.objects.filter(replaces=awaited).order_by("-pk").first()
        if follows and follows.kind != Promise.Kind.CALLBACK:
            return _follow(promise, follows, by=by, at=at)
    if awaited.status == Status.KEPT and awaited.readable_at and awaited.settled_at:
        since = max(awaited.readable_at, awaited.settled_at)
        days = promise.after_days or 0
        return _set(promise, since, cause="slot_set", by=by, at=at, days=days)
    return _set(promise, at, cause="awaited_gone", by=by, at=at, days=0)


def _follow(promise: Promise, follows: Promise, *, by: Actor, at: datetime) -> bool:
    rows = Promise.objects.filter(pk=promise.pk, status=Status.OPEN, slot_from_at=None)
    if not rows.update(after=follows):
        return False
    history.note(promise=promise, cause="awaits_another", by=by, at=at, promise_id=follows.pk)
    return True


def _set(
    promise: Promise,
    since: datetime,
    *,
    cause: str,
    by: Actor,
    at: datetime,
    days: int,
) -> bool:
    """The first free hour of the team so many days later, and from now the rungs of that hour."""
    span = timedelta(days=days)
    calendar = calendars.of(promise.team, at=at)
    earliest = max(at, since + span - callbacks.NOTICE)
    slot = next(iter(callbacks.slots(calendar=calendar, at=earliest)), earliest + timedelta(days=1))
    if not _move(promise, slot, slot_from_at=since, at=at):
        return False
    history.note(promise=promise, cause=cause, by=by, at=at)
    notices.call_agreed(promise=promise, by=by, at=at)
    customers.note_change(customer=promise.customer, cause="promise_slot", at=at)
    return True


def _wait(promise: Promise, *, by: Actor, at: datetime) -> bool:
    """What had come did not: the hour is given back, and the call waits again."""
    notices.call_off(promise=promise, at=at)
    if not _move(promise, promise.made_at + LATEST_DUE, slot_from_at=None, at=at):
        return False
    history.note(promise=promise, cause="waits_again", by=by, at=at)
    customers.note_change(customer=promise.customer, cause="promise_slot", at=at)
    return True


def _move(
    promise: Promise, due_at: datetime, *, slot_from_at: datetime | None, at: datetime
) -> bool:
    """Compare-and-set; a cycle of rungs of its own, so that each of them is climbed once."""
    steps = ladder.Ladder.from_dict(promise.ladder)
    calendar = Calendar.from_dict(promise.calendar)
    rungs = ladder.lateness(steps, calendar, at, due_at + CALLBACK_TOLERANCE)
    rows = Promise.objects.filter(
        pk=promise.pk, status=Status.OPEN, slot_from_at=promise.slot_from_at
    )
    moved = rows.update(
        due_at=due_at,
        at_risk_at=rungs[0],
        rungs=rungs,
        rung=0,
        next_rung_at=rungs[0],
        cycle=F("cycle") + 1,
        slot_from_at=slot_from_at,
    )
    promise.refresh_from_db()
    return bool(moved)
