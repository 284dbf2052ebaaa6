"""Open promises by a calendar that has changed: what would move, and moving it on request.

The only writer of Recomputation. A due time moves only if it is the usual one of its kind or way,
never one that was agreed, never once it has passed and never into the past. A rung that was climbed
stays; one that was not, and would lie in the past, is due at once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import audit, calendars, customers
from crm.actors import Actor
from crm.models import CalendarVersion, WorkCalendar
from crm.workdays import Calendar
from followups import deadlines, promises
from followups.models import Promise, PromiseEvent, Recomputation
from followups.models.promises import Promises
from followups.terms import Refused

log = logging.getLogger("kept.recompute")
SHORTEST, LONGEST = 15, 500
LISTED = 200
TOLD = {
    "owner": gettext_lazy("to its owner"),
    "owner_and_team": gettext_lazy("to its owner and the team"),
    "supervisor": gettext_lazy("to the supervisor"),
    "operations": gettext_lazy("to operations"),
    "management": gettext_lazy("to the management"),
}
# Promises in one transaction, whose customers' gates wait for it; and looked at in one request.
BATCH, MOST = 25, 2_000


@dataclass(frozen=True)
class Told:
    """A rung that moves: whom it tells, when that was to be, and when it would be."""

    role: str
    was_at: datetime
    at: datetime

    @property
    def words(self) -> str:
        return str(TOLD.get(self.role, self.role))


@dataclass(frozen=True)
class Move:
    """What changes for one promise. Rungs that were climbed are the old ones."""

    promise: Promise
    due_at: datetime
    at_risk_at: datetime
    rungs: list[datetime]

    @property
    def due_moves(self) -> bool:
        return self.due_at != self.promise.due_at

    @property
    def rung_at(self) -> datetime | None:
        """The next rung as it was; None when all of them were climbed."""
        return _nth(self.promise.rungs, self.promise.rung)

    @property
    def new_rung_at(self) -> datetime | None:
        return _nth(self.rungs, self.promise.rung)

    @property
    def first_rung(self) -> Told | None:
        """The first rung that moves; None when only the due time does."""
        roles = self.promise.ladder[self.promise.track]
        both = zip(roles, self.promise.rungs, self.rungs, strict=True)
        return next((Told(one["role"], old, new) for one, old, new in both if old != new), None)

    @property
    def next_rung_at(self) -> datetime | None:
        """When the ladder looks at it next. What waits for another reason goes on waiting."""
        known = self.promise.next_rung_at
        return self.new_rung_at if known == self.rung_at else known


@dataclass
class Preview:
    """What would move, counted; `moves` are the first of them, by due time. `left` are so many
    more that go by another calendar and were not looked at."""

    left: int = 0
    total: int = 0
    earlier: int = 0
    later: int = 0
    rungs_only: int = 0
    stuck: int = 0  # could not be worked out, and stay as they are
    moves: list[Move] = field(default_factory=list)

    def count(self, move: Move) -> None:
        self.total += 1
        self.earlier += move.due_at < move.promise.due_at
        self.later += move.due_at > move.promise.due_at
        self.rungs_only += not move.due_moves
        if len(self.moves) < LISTED:
            self.moves.append(move)


def preview(version: CalendarVersion, *, at: datetime) -> Preview:
    """What would move now by this version, of the first promises of its teams by due time: as many
    as go_on() takes in one request, so that the page does not grow with the house."""
    found = Preview(left=max(_others(version).count() - MOST, 0))
    rows = _rows(version).select_related("customer", "team").order_by("due_at", "pk")
    hours = calendars.hours_of(version)
    for promise in rows[:MOST]:
        try:
            move = of(promise, calendar=hours, at=at)
        except ValueError:
            found.stuck += 1
            continue
        if move:
            found.count(move)
    return found


def out_of_hours(version: CalendarVersion, *, at: datetime) -> list[Promise]:
    """The call-backs that were agreed for a time in which nobody works by this version: the next
    ones, of as many as the preview looks at. One that waits for another promise has no hour."""
    rows = Promise.objects.open().filter(kind=Promise.Kind.CALLBACK, due_at__gt=at)
    rows = rows.exclude(after__isnull=False, slot_from_at=None)
    rows = rows.filter(team__works_by=version.calendar_id).order_by("due_at", "pk")
    hours = calendars.hours_of(version)
    shut = (row for row in rows.select_related("team")[:MOST] if not hours.is_open(row.due_at))
    return list(islice(shut, LISTED))


def of(promise: Promise, *, calendar: Calendar, at: datetime) -> Move | None:
    """What this calendar changes for a promise that _rows() read; None for nothing.

    Raises ValueError when its own calendar, or this one, could not be worked with.
    """
    due_at = _due(promise, calendar, at)
    rungs = _rungs(promise, calendar, due_at, at)
    if due_at == promise.due_at and rungs == promise.rungs:
        return None
    at_risk_at = promise.at_risk_at
    if due_at > at and (promise.cycle == 1 or promise.kind == Promise.Kind.CALLBACK):
        at_risk_at = deadlines.lateness(promise, due_at=due_at, calendar=calendar)[0]
    return Move(promise=promise, due_at=due_at, at_risk_at=at_risk_at, rungs=rungs)


def _due(promise: Promise, calendar: Calendar, at: datetime) -> datetime:
    if promise.due_at <= at or not _is_usual(promise):
        return promise.due_at
    due_at = deadlines.usual(promise, calendar=calendar)
    return due_at if due_at > at else promise.due_at


def _is_usual(promise: Promise) -> bool:
    """Whether its due time is what its calendar gave. How a bill's day came about, only its first
    event can say; promises from before such events keep theirs."""
    how = promise.how_due  # type: ignore[attr-defined]  # _rows() brings it
    if how == "agreed" or promise.kind == Promise.Kind.CALLBACK:
        return False
    if how != "usual" and promise.plan[:1] == ["bill_insert"]:
        return False
    return deadlines.usual(promise, calendar=deadlines.own(promise)) == promise.due_at


def _rungs(promise: Promise, calendar: Calendar, due_at: datetime, at: datetime) -> list[datetime]:
    if promise.track == Promise.Track.PROOF and promise.proof_expected_at:
        found = deadlines.proof(promise, expected_at=promise.proof_expected_at, calendar=calendar)
    else:
        found = deadlines.lateness(promise, due_at=due_at, calendar=calendar)
    before, climbed = promise.rungs, promise.rung
    rungs = before[:climbed]
    for old, new in zip(before[climbed:], found[climbed:], strict=True):
        moved = old if new == old else max(new, at)
        rungs.append(max([moved, *rungs[-1:]]))
    return rungs


def _nth(instants: list[datetime], n: int) -> datetime | None:
    return instants[n] if n < len(instants) else None


def _rows(version: CalendarVersion) -> QuerySet[Promise]:
    """The open promises of the calendar's teams that go by another calendar."""
    events = PromiseEvent.objects.filter(promise=OuterRef("pk"))
    made = events.filter(cause="made").order_by("id")
    begun = events.filter(cause__in=deadlines.CYCLE_BEGINS).order_by("-id")
    return _others(version).annotate(
        how_due=Subquery(made.values("data__due")[:1]),
        cycle_began_at=Subquery(begun.values("at")[:1]),
    )


def _others(version: CalendarVersion) -> Promises:
    rows = Promise.objects.open().filter(team__works_by=version.calendar_id)
    found: Promises = rows.exclude(calendar=version.hours)
    return found


def begin(
    *, calendar: WorkCalendar, seen: int, words: str, by: Actor, at: datetime
) -> Recomputation:
    """A run by the version in force, whose number is `seen`; go_on() does its work.

    Raises Refused naming `words`; or nothing, when another version holds by now or a run is under
    way.
    """
    if not SHORTEST <= len(words.strip()) <= LONGEST:
        raise Refused("words", _("Say in 15 to 500 characters why."))
    version = calendars.in_force(calendar.versions.all(), at=at)
    if version.number != seen:
        raise Refused("", _("Another version is in force by now: look at what it would move."))
    facts: dict[str, Any] = {"version": version, "words": words.strip(), "at": at, "by": by.code}
    try:
        with transaction.atomic():
            run = Recomputation.objects.create(**facts)
            subject, data = f"calendar:{calendar.pk}", {"run": run.pk, "version": version.number}
            audit.write(action="promises_recomputed", subject=subject, by=by, at=at, data=data)
    except IntegrityError as error:
        raise Refused("", _("It is under way already: let it go on.")) from error
    return run


def go_on(*, run: Recomputation, by: Actor, at: datetime, most: int = MOST) -> Recomputation:
    """Looks at so many more promises, in small transactions; ends the run after the last, or when
    another version has come into force. What was done stays done, however it ends."""
    looked = 0
    while looked < most and run.ended_at is None:
        looked += _batch(run, by, at)
        run.refresh_from_db()
    return run


@transaction.atomic
def _batch(run: Recomputation, by: Actor, at: datetime) -> int:
    """The next promises, under their customers' locks; of two who go on at once, one waits."""
    run = Recomputation.objects.select_for_update().get(pk=run.pk)
    if run.ended_at:
        return 0
    version = run.version
    holds = calendars.in_force(version.calendar.versions.all(), at=at) == version
    ahead = _rows(version).filter(pk__gt=run.reached).order_by("pk")
    found = list(ahead.values_list("pk", "customer_id")[:BATCH]) if holds else []
    if not found:
        _end(run, by, at)
        return 0
    customers.hold(customer for _pk, customer in found)
    ids = [pk for pk, _customer in found]
    rows = _rows(version).filter(pk__in=ids).select_related("customer")
    moves = _moves(rows.select_for_update(of=("self",)).order_by("pk"), version, at)
    moved = sum(_move(run, move, by, at) for move in moves)
    Recomputation.objects.filter(pk=run.pk).update(reached=ids[-1], moved=F("moved") + moved)
    return len(ids)


def _moves(rows: Iterable[Promise], version: CalendarVersion, at: datetime) -> Iterator[Move]:
    for promise in rows:
        try:
            move = of(promise, calendar=calendars.hours_of(version), at=at)
        except ValueError:
            log.exception("could not recompute", extra={"promise": promise.pk})
            continue
        if move:
            yield move


def _move(run: Recomputation, move: Move, by: Actor, at: datetime) -> bool:
    columns = {
        "calendar": run.version.hours,
        "due_at": move.due_at,
        "at_risk_at": move.at_risk_at,
        "rungs": move.rungs,
        "next_rung_at": move.next_rung_at,
    }
    data: dict[str, object] = {
        "run": run.pk,
        "due": [move.promise.due_at.isoformat(), move.due_at.isoformat()],
        "rungs": [[one.isoformat() for one in rungs] for rungs in (move.promise.rungs, move.rungs)],
    }
    return promises.retime(promise=move.promise, columns=columns, data=data, by=by, at=at)


def _end(run: Recomputation, by: Actor, at: datetime) -> None:
    rows = Recomputation.objects.filter(pk=run.pk, ended_at=None)
    rows.update(ended_at=at, ended_by=by.code)


def newest(calendar: WorkCalendar) -> Recomputation | None:
    """The last run by any version of this calendar."""
    rows = Recomputation.objects.filter(version__calendar=calendar)
    return rows.select_related("version").order_by("-pk").first()
