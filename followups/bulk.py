"""Many promises at once, each by itself: sent by their next way, or agreed anew.

What is refused for one, or throws, changes nothing of it, and does not stop the others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db import transaction
from django.utils.translation import gettext as _

from crm import calendars, customers
from crm.actors import Actor
from crm.models import Attempt
from crm.wallclock import zone_of
from followups import amending, plans, promises
from followups.channels import BY
from followups.models import Promise
from followups.terms import LATEST_DUE, NotOpen, Refused, Terms
from offers.channels import CHANNELS

log = logging.getLogger("kept.bulk")
Kind = Promise.Kind


@dataclass(frozen=True)
class Outcome:
    """What became of one of them, in words."""

    promise: Promise
    done: bool
    words: str


def send_on(*, chosen: Iterable[Promise], reason: str, by: Actor, at: datetime) -> list[Outcome]:
    """Each leaves by the next way of its plan; what waits to leave by this one is taken back."""
    return _each(chosen, lambda promise: _send_on(promise, reason, by, at))


def agree(
    *, chosen: Iterable[Promise], day: date, reason: str, by: Actor, at: datetime
) -> list[Outcome]:
    """Each is due at the end of that day instead, as the customer agreed on the phone: in the
    newest answered call since it was promised."""
    return _each(chosen, lambda promise: _agree(promise, day, reason, by, at))


def _each(chosen: Iterable[Promise], act: Callable[[Promise], str]) -> list[Outcome]:
    found = []
    for promise in chosen:
        try:
            found.append(Outcome(promise, True, act(promise)))
        except Refused as refusal:
            found.append(Outcome(promise, False, str(refusal)))
        except Exception:
            log.exception("could not be done", extra={"promise": promise.reference})
            words = _("Something went wrong, and nothing of it was changed: try it by itself.")
            found.append(Outcome(promise, False, words))
    return found


@transaction.atomic
def _send_on(promise: Promise, reason: str, by: Actor, at: datetime) -> str:
    customers.hold([promise.customer_id])
    promise.refresh_from_db()
    _may_be_sent(promise, at=at)
    plans.take_back(promise=promise, cause="sent_on", by=by, at=at)
    delivery = plans.advance(promise=promise, by=by, at=at)
    if delivery is None:
        raise Refused("", _("No other way is left."))
    promises.note(promise=promise, cause="sent_on", by=by, at=at, reason=reason)
    return str(BY.get(delivery.channel, delivery.channel))


def _may_be_sent(promise: Promise, *, at: datetime) -> None:
    if promise.status != Promise.Status.OPEN:
        raise NotOpen(promise.status)
    if promise.kind == Kind.CALLBACK:
        raise Refused("", _("A call-back is not sent."))
    if promise.kind == Kind.WRITTEN_ANSWER and promise.document_id is None:
        raise Refused("", _("The answer is not written yet."))
    if plans.in_doubt(promise, at=at):
        raise Refused("", _("It may have left: for a day no other way is tried."))
    if plans.live(promise).exclude(status__in=plans.WAITING).exists():
        raise Refused("", _("It is on its way."))
    later = promise.plan[promise.plan_step + 1 :]
    if not any(CHANNELS[name].address_of(promise.customer) for name in later):
        raise Refused("", _("No other way is left."))


@transaction.atomic
def _agree(promise: Promise, day: date, reason: str, by: Actor, at: datetime) -> str:
    if promise.kind == Kind.CALLBACK:
        raise Refused("", _("A call-back is agreed anew by itself: it needs a free moment."))
    customers.hold([promise.customer_id])
    promise.refresh_from_db()
    if promise.status != Promise.Status.OPEN:
        raise NotOpen(promise.status)
    spoken = amending.spoken_since(promise).filter(result=Attempt.Result.ANSWERED)
    attempt = spoken.first()
    if attempt is None:
        raise Refused("call", _("The customer has answered no call since."))
    terms = Terms(
        kind=promise.kind,
        words=promise.text.words,
        version=promise.version,
        document=promise.document,
        due_at=_due_at(promise, day, at=at),
        **amending.way(promise),
    )
    made = amending.renegotiate(
        promise=promise, terms=terms, attempt=attempt, reason=reason, by=by, at=at
    )
    return made.reference


def _due_at(promise: Promise, day: date, *, at: datetime) -> datetime:
    calendar = calendars.of(promise.team, at=at)
    zone = zone_of(calendar.zone)
    due_at = calendar.end_of_working_day(datetime.combine(day, time(0), zone), 0)
    if due_at.astimezone(zone).date() != day:
        raise Refused("day", _("Nobody works on that day."))
    if not at < due_at <= at + LATEST_DUE:
        raise Refused("day", _("A promise is due within a year from now."))
    return due_at
