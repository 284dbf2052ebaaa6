"""Calendars by name, in versions by date, and which team works by which. The only writer.

A version comes into force by itself: whoever asks says at which instant, and nothing has to run.
Promises keep the calendar under which they were made (followups/recomputing.py moves them on
request).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm import access, audit, workdays
from crm.actors import Actor
from crm.customers import fold
from crm.models import CalendarVersion, Team, User, WorkCalendar
from crm.wallclock import instant_of, midnight, zone_of
from crm.workdays import Calendar


class Refused(ValueError):
    """A calendar that cannot be one, or not now; `field` is at fault, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Overtaken(Exception):
    """Somebody else has made a version since the one that was read."""


def of(team: Team, *, at: datetime) -> Calendar:
    """The calendar by which the team works at that moment. Needs no query.

    Raises ValueError for one that could not be worked with.
    """
    written = [*team.coming, team.calendar]
    return workdays.in_force(map(Calendar.from_dict, written), at)


def readable(user: User) -> QuerySet[WorkCalendar]:
    """The calendars that this person may see: all of them, or those of the own team."""
    if access.may(user, "write_calendars"):
        return WorkCalendar.objects.all()
    if access.may(user, "see_calendars"):
        return WorkCalendar.objects.filter(teams=user.team_id)
    return WorkCalendar.objects.none()


def hours_of(version: CalendarVersion) -> Calendar:
    return Calendar.from_dict(version.hours)


def in_force(versions: Iterable[CalendarVersion], *, at: datetime) -> CalendarVersion:
    """Which of a calendar's versions holds at that moment."""
    rows = sorted(versions, key=lambda row: row.number, reverse=True)
    found = workdays.in_force(map(hours_of, rows), at)
    return next(row for row in rows if hours_of(row) == found)


def coming(versions: Iterable[CalendarVersion], *, at: datetime) -> list[CalendarVersion]:
    """The versions that will come into force after that day, in their order."""
    found: dict[date, CalendarVersion] = {}
    for row in sorted(versions, key=lambda row: row.number):
        if row.valid_from and row.valid_from > today(hours_of(row), at=at):
            found[row.valid_from] = row  # of two that begin on one day, the newest
    return [found[day] for day in sorted(found)]


def today(hours: Calendar, *, at: datetime) -> date:
    """The day in the calendar's zone."""
    return at.astimezone(zone_of(hours.zone)).date()


def add(*, name: str, hours: Calendar, by: Actor, at: datetime) -> WorkCalendar:
    """A new calendar, by which no team works yet. Raises Refused."""
    name = " ".join(name.split())
    if not 2 <= len(name) <= 80:
        raise Refused("name", _("A name of 2 to 80 characters."))
    _check(hours, at)
    taken = Refused("name", _("There is a calendar of that name already."))
    if fold(name) in map(fold, WorkCalendar.objects.values_list("name", flat=True)):
        raise taken
    try:
        with transaction.atomic():
            calendar = WorkCalendar.objects.create(name=name, made_at=at, made_by=by.code)
            _write(calendar, 1, replace(hours, valid_from=None), by, at)
            audit.write(action="calendar_made", subject=f"calendar:{calendar.pk}", by=by, at=at)
    except IntegrityError as error:
        raise taken from error
    return calendar


@transaction.atomic
def change(
    *,
    calendar: WorkCalendar,
    seen: int,
    hours: Calendar,
    valid_from: date,
    by: Actor,
    at: datetime,
) -> CalendarVersion:
    """What the calendar says from `valid_from` on, for all its teams. `seen` is the number of the
    newest version that the editor knew of. Raises Refused, and Overtaken when there is a newer one.

    Promises that were made before stay as they are.
    """
    _hold(calendar)
    versions = list(calendar.versions.all())
    if max(row.number for row in versions) != seen:
        raise Overtaken
    if valid_from < today(hours, at=at):
        raise Refused("valid_from", _("This day is over: today or later."))
    _check(hours, at)
    before = in_force(versions, at=max(at, _begin(hours, valid_from)))
    if replace(hours_of(before), valid_from=None) == replace(hours, valid_from=None):
        raise Refused("", _("Nothing differs from what holds on that day."))
    row = _write(calendar, seen + 1, replace(hours, valid_from=valid_from), by, at)
    _tell_teams(calendar, at)
    data = {"version": row.number, "valid_from": valid_from.isoformat()}
    subject = f"calendar:{calendar.pk}"
    audit.write(action="calendar_changed", subject=subject, by=by, at=at, data=data)
    return row


@transaction.atomic
def give(*, calendar: WorkCalendar, team: Team, by: Actor, at: datetime) -> bool:
    """From now on the team works by this calendar; False when it did before."""
    _hold(calendar)
    if not Team.objects.filter(pk=team.pk).exclude(works_by=calendar).update(works_by=calendar):
        return False
    _tell_teams(calendar, at)
    team.refresh_from_db()
    data = {"calendar": calendar.pk}
    audit.write(action="calendar_given", subject=f"team:{team.pk}", by=by, at=at, data=data)
    return True


def copies(calendar: WorkCalendar, *, at: datetime) -> dict[str, Any]:
    """The columns of a team that works by this calendar."""
    versions = list(calendar.versions.all())
    later = [row.hours for row in coming(versions, at=at)]
    return {"calendar": in_force(versions, at=at).hours, "coming": later}


def _tell_teams(calendar: WorkCalendar, at: datetime) -> None:
    Team.objects.filter(works_by=calendar).update(**copies(calendar, at=at))


def _hold(calendar: WorkCalendar) -> None:
    """One at a time, so that no team keeps a copy of what was before."""
    WorkCalendar.objects.select_for_update().get(pk=calendar.pk)


def _write(
    calendar: WorkCalendar, number: int, hours: Calendar, by: Actor, at: datetime
) -> CalendarVersion:
    return CalendarVersion.objects.create(
        calendar=calendar,
        number=number,
        valid_from=hours.valid_from,
        hours=hours.to_dict(),
        made_at=at,
        made_by=by.code,
    )


def _begin(hours: Calendar, day: date) -> datetime:
    return instant_of(midnight(day), zone_of(hours.zone))


def _check(hours: Calendar, at: datetime) -> None:
    try:
        hours.next_open(at)
    except ValueError as error:
        raise Refused("hours", _("With these hours and days off nobody ever works.")) from error
