"""Calendars by name: versions that come into force by themselves, and the teams that follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from crm import calendars, people
from crm.calendars import Overtaken, Refused
from crm.models import AuditEntry, CalendarVersion, Team, User, WorkCalendar
from crm.workdays import DEFAULT, Calendar
from tests.cast import DAY, HOUR, START, SYSTEM, Cast, brussels, person
from tests.races import Thread
from tests.sources import modules

LATE = replace(DEFAULT, hours={day: ((time(10), time(20)),) for day in range(5)})
LATER = replace(DEFAULT, hours={day: ((time(12), time(20)),) for day in range(5)})


def calendar_of(team: Team, hours: Calendar = DEFAULT) -> WorkCalendar:
    """A calendar by name, by which this team works."""
    calendar = calendars.add(name=team.name, hours=hours, by=SYSTEM, at=START)
    calendars.give(calendar=calendar, team=team, by=SYSTEM, at=START)
    return calendar


def changed(calendar: WorkCalendar, hours: Calendar, day: str, **more: Any) -> CalendarVersion:
    seen = calendar.versions.count()
    facts = {"seen": seen, "by": SYSTEM, "at": START, **more}
    valid_from = date.fromisoformat(day)
    return calendars.change(calendar=calendar, hours=hours, valid_from=valid_from, **facts)


def works(team: Team, at: datetime) -> Calendar:
    fresh = Team.objects.get(pk=team.pk)
    return replace(calendars.of(fresh, at=at), valid_from=None)


def test_a_version_comes_into_force_at_midnight_of_its_day_and_nothing_has_to_run(
    cast: Cast,
) -> None:
    calendar = calendar_of(cast.liege)
    changed(calendar, LATE, "2026-03-09")
    midnight = brussels("2026-03-09 00:00")
    assert works(cast.liege, midnight - HOUR) == DEFAULT
    assert works(cast.liege, midnight) == LATE
    held = calendars.in_force(calendar.versions.all(), at=midnight)
    assert (held.number, held.valid_from) == (2, date(2026, 3, 9))


def test_a_version_made_earlier_still_comes_after_one_that_begins_sooner(cast: Cast) -> None:
    calendar = calendar_of(cast.liege)
    changed(calendar, LATE, "2026-03-16")
    changed(calendar, LATER, "2026-03-04")
    seen = [works(cast.liege, brussels(f"2026-03-{day} 12:00")) for day in ("03", "04", "16")]
    assert seen == [DEFAULT, LATER, LATE]


def test_of_two_that_begin_on_one_day_the_newest_holds(cast: Cast) -> None:
    calendar = calendar_of(cast.liege)
    for hours in (LATE, LATER):
        changed(calendar, hours, "2026-03-09")
    monday = brussels("2026-03-09 12:00")
    assert works(cast.liege, monday) == LATER
    assert calendars.in_force(calendar.versions.all(), at=monday).number == 3
    # The same for a team that is given it afterwards, and for one that got it in between.
    calendars.give(calendar=calendar, team=cast.gent, by=SYSTEM, at=monday)
    assert works(cast.gent, monday) == LATER
    changed(calendar, DEFAULT, "2026-03-09", at=monday)
    assert works(cast.gent, monday) == works(cast.liege, monday) == DEFAULT


def test_a_team_is_asked_without_a_query(cast: Cast) -> None:
    changed(calendar_of(cast.liege), LATE, "2026-03-09")
    team = Team.objects.get(pk=cast.liege.pk)
    with CaptureQueriesContext(connection) as queries:
        calendars.of(team, at=START)
    assert len(queries) == 0


def test_what_one_calendar_says_is_said_to_its_teams_alone(cast: Cast) -> None:
    calendar = calendar_of(cast.liege)
    calendar_of(cast.gent)
    changed(calendar, LATE, "2026-03-02")
    assert works(cast.liege, START) == LATE
    assert works(cast.gent, START) == DEFAULT
    assert calendars.give(calendar=calendar, team=cast.gent, by=SYSTEM, at=START)
    assert works(cast.gent, START) == LATE
    assert not calendars.give(calendar=calendar, team=cast.gent, by=SYSTEM, at=START)


def test_a_new_team_gets_a_calendar_of_its_own(cast: Cast) -> None:
    facts: dict[str, Any] = {"slug": "namur", "name": "Namur", "calendar": LATE}
    team = people.team(**facts, by=SYSTEM, at=START)
    assert (team.works_by.name if team.works_by else "") == "Namur"
    assert works(team, START) == LATE
    assert people.team(**facts, by=SYSTEM, at=START) == team
    assert WorkCalendar.objects.count() == 1


def test_who_changed_what_is_written_down_without_words(cast: Cast) -> None:
    calendar = calendars.add(name="Liège", hours=DEFAULT, by=person(cast.dirk), at=START)
    calendars.give(calendar=calendar, team=cast.liege, by=person(cast.dirk), at=START)
    changed(calendar, LATE, "2026-03-09", by=person(cast.eva))
    told = AuditEntry.objects.filter(action__startswith="calendar_").order_by("pk")
    assert list(told.values_list("action", "subject", "by", "data")) == [
        ("calendar_made", f"calendar:{calendar.pk}", f"user:{cast.dirk.pk}", {}),
        ("calendar_given", f"team:{cast.liege.pk}", f"user:{cast.dirk.pk}",
         {"calendar": calendar.pk}),
        ("calendar_changed", f"calendar:{calendar.pk}", f"user:{cast.eva.pk}",
         {"version": 2, "valid_from": "2026-03-09"}),
    ]  # fmt: skip


SHUT = Calendar(
    "Europe/Brussels", {6: ((time(9), time(10)),)}, half_days={}, country=None,
    extra_holidays=frozenset(),
)  # fmt: skip


def _never(hours: Calendar) -> Calendar:
    """Open on one day of the week, and shut on all of those for longer than anybody plans."""
    sundays = [START.date() + DAY * n for n in range(366 * 40) if (START + DAY * n).weekday() == 6]
    return replace(hours, extra_holidays=frozenset(sundays))


@pytest.mark.parametrize(
    ("hours", "day", "field"),
    [
        (LATE, "2026-03-01", "valid_from"),
        (DEFAULT, "2026-03-02", ""),
        (_never(SHUT), "2026-03-02", "hours"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    cast: Cast, hours: Calendar, day: str, field: str
) -> None:
    calendar = calendar_of(cast.liege)
    told = AuditEntry.objects.count()
    with pytest.raises(Refused) as refused:
        changed(calendar, hours, day)
    assert refused.value.field == field and str(refused.value)
    assert calendar.versions.count() == 1
    assert works(cast.liege, START) == DEFAULT
    assert AuditEntry.objects.count() == told


@pytest.mark.parametrize("name", ["", "x", "LIÈGE", " Liège ", "l" * 81])
def test_a_name_is_given_once_and_is_one(cast: Cast, name: str) -> None:
    calendar_of(cast.liege)
    with pytest.raises(Refused) as refused:
        calendars.add(name=name, hours=LATE, by=SYSTEM, at=START)
    assert refused.value.field == "name"
    assert WorkCalendar.objects.count() == 1


def test_nobody_writes_over_a_version_they_have_not_seen(cast: Cast) -> None:
    calendar = calendar_of(cast.liege)
    changed(calendar, LATE, "2026-03-09")
    with pytest.raises(Overtaken):
        changed(calendar, LATER, "2026-03-16", seen=1)
    assert calendar.versions.count() == 2


def test_a_version_never_changes_and_never_goes(cast: Cast) -> None:
    calendar_of(cast.liege)
    rows = CalendarVersion.objects.all()
    for act in (lambda: rows.update(hours=LATE.to_dict()), rows.delete):
        with pytest.raises(ProgrammingError), transaction.atomic():
            act()
    assert CalendarVersion.objects.get().hours == DEFAULT.to_dict()


@pytest.mark.django_db(transaction=True)
def test_a_team_that_comes_while_a_version_is_made_gets_that_version(cast: Cast) -> None:
    calendar = calendar_of(cast.liege)
    with transaction.atomic():
        changed(calendar, LATE, "2026-03-02")
        team = Team.objects.get(pk=cast.gent.pk)
        thread = Thread(lambda: calendars.give(calendar=calendar, team=team, by=SYSTEM, at=START))
        thread.join(0.3)
        assert thread.is_alive()  # it waits for the calendar's row
    assert thread.answer()
    assert works(cast.gent, START) == LATE


@pytest.mark.parametrize(
    ("who", "seen"), [("amina", 0), ("bram", 0), ("chloe", 1), ("dirk", 2), ("eva", 2)]
)
def test_who_sees_which(cast: Cast, who: str, seen: int) -> None:
    own, _other = calendar_of(cast.liege), calendar_of(cast.gent)
    user: User = getattr(cast, who)
    found = calendars.readable(user)
    assert found.count() == seen
    assert seen == 0 or own in found


def test_nobody_else_reads_the_copies_of_a_team() -> None:
    """They may be of yesterday: crm.calendars.of() says what is in force."""
    readers = {m.name for m in modules() if "team.calendar" in m.text and not m.is_migration}
    assert readers == {"crm.calendars"}


def test_the_migration_names_the_calendar_of_each_team_and_goes_back(cast: Cast) -> None:
    migration = import_module("crm.migrations.0017_calendars_of_teams")
    Team.objects.filter(pk=cast.gent.pk).update(name="Liège")  # a slug is unique, a name is not
    migration.name_them(apps, None)
    migration.name_them(apps, None)
    found = WorkCalendar.objects.values_list("name", "teams", "versions__number")
    assert sorted(found) == [("Liège", cast.liege.pk, 1), ("Liège (gent)", cast.gent.pk, 1)]
    assert works(cast.gent, START) == DEFAULT
    coming = [replace(hours, valid_from=day).to_dict() for hours, day in (
        (LATER, date(9000, 1, 1)), (LATE, date(2020, 1, 1)),
    )]  # fmt: skip
    Team.objects.filter(pk=cast.liege.pk).update(coming=coming)
    migration.keep_what_is_in_force(apps, None)
    cast.liege.refresh_from_db()
    assert cast.liege.calendar == coming[1]
