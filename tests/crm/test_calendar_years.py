"""A calendar's year: twelve months of whole weeks, and every day is what it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time

import pytest

from crm import calendar_years
from crm.workdays import DEFAULT
from tests.crm.calendars import CALENDARS, LISBON, PARIS


@pytest.mark.parametrize("calendar", [*CALENDARS, PARIS, LISBON])
@pytest.mark.parametrize("number", [2026, 2028])
def test_every_day_stands_once_below_its_weekday(calendar: object, number: int) -> None:
    assert isinstance(calendar, type(DEFAULT))
    year = calendar_years.year(calendar, number)
    days = []
    for month in year.months:
        for week in month.weeks:
            assert len(week) == 7
            days += [day for day in week if day]
            assert all(day.on.weekday() == place for place, day in enumerate(week) if day)
    assert [day.on for day in days] == sorted({day.on for day in days})
    assert len(days) == (date(number + 1, 1, 1) - date(number, 1, 1)).days
    worked = [day for day in days if day.kind in ("worked", "short")]
    assert [day.on for day in worked] == [d.on for d in days if calendar.is_working_day(d.on)]
    assert year.working_days == len(worked)


def test_what_ends_before_it_begins_is_a_day_off_that_says_so() -> None:
    day = date(2026, 12, 24)
    early = replace(DEFAULT, half_days={day: time(8)})
    (eve,) = [d for d in calendar_years.year(early, 2026).holidays if d.on == day]
    assert eve.words == "it would end before it begins"
    late = replace(DEFAULT, half_days={day: time(18)})  # later than every day ends
    assert calendar_years.year(late, 2026).short_days == []


@pytest.mark.parametrize(("text", "year"), [("2027", 2027), ("", 2026), ("27", 2026)])
def test_a_page_shows_the_year_that_was_asked_for(text: str, year: int) -> None:
    at = datetime.fromisoformat("2026-03-02T09:00+01:00")
    assert calendar_years.shown(text, at=at) == year
