"""When a promise that was made is due and its rungs come, worked out by a calendar. Reads only."""

from __future__ import annotations

from datetime import datetime

from crm.wallclock import instant_of, midnight, zone_of
from crm.workdays import Calendar
from followups import ladder
from followups.ladder import Ladder
from followups.models import Promise
from followups.terms import Terms, due_again, due_of

# The events with which a further cycle of rungs begins; those of a call that has waited are
# written by slots.py.
CYCLE_BEGINS = ("reopened", "slot_set", "awaited_gone", "waits_again")


def own(promise: Promise) -> Calendar:
    """The calendar under which it was made, or by which it was last worked out."""
    return Calendar.from_dict(promise.calendar)


def lateness(
    promise: Promise, *, due_at: datetime | None = None, calendar: Calendar | None = None
) -> list[datetime]:
    """The rungs of lateness of its present cycle: with this due time, by this calendar."""
    calendar = calendar or own(promise)
    begun = promise.made_at if promise.cycle == 1 else _cycle_began_at(promise)
    if promise.cycle > 1 and promise.kind != Promise.Kind.CALLBACK:
        return again(promise, calendar=calendar, at=begun)
    late_at = promise.late_at + ((due_at or promise.due_at) - promise.due_at)
    return ladder.lateness(_steps(promise), calendar, begun, late_at)


def again(promise: Promise, *, at: datetime, calendar: Calendar | None = None) -> list[datetime]:
    """The rungs of a cycle that begins at that moment, with the time that its way usually takes."""
    calendar = calendar or own(promise)
    until = due_again(promise, calendar=calendar, at=at)
    return ladder.lateness(_steps(promise), calendar, at, until)


def proof(
    promise: Promise, *, expected_at: datetime, calendar: Calendar | None = None
) -> list[datetime]:
    """The rungs while a delivery stands whose proof is expected by then."""
    return ladder.proof(_steps(promise), calendar or own(promise), expected_at)


def usual(promise: Promise, *, calendar: Calendar) -> datetime:
    """When it is due by this calendar if nothing else was agreed.

    Never for a call-back. Which bill a leaflet goes with is settled: its day becomes the close of
    that day, or of the next working day. Raises ValueError for a way without a due time.
    """
    if promise.kind != Promise.Kind.WRITTEN_ANSWER and promise.plan[0] == "bill_insert":
        zone = zone_of(calendar.zone)
        day = promise.due_at.astimezone(zone).date()
        return calendar.end_of_working_day(instant_of(midnight(day), zone), 0)
    terms = Terms(kind=promise.kind, words="", plan=tuple(promise.plan))
    return due_of(terms, calendar=calendar, at=promise.made_at, customer=promise.customer)


def _steps(promise: Promise) -> Ladder:
    return Ladder.from_dict(promise.ladder)


def _cycle_began_at(promise: Promise) -> datetime:
    known: datetime | None = getattr(promise, "cycle_began_at", None)
    return known or promise.events.filter(cause__in=CYCLE_BEGINS).latest("id").at
