"""A calendar's year, day by day: worked, short, a holiday with its name, or a day without hours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from babel.dates import format_date
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from crm import calendar_words
from crm.wallclock import instant_of, midnight, zone_of
from crm.workdays import MIDNIGHT, Calendar

WORKED, SHORT, HOLIDAY, REST = "worked", "short", "holiday", "rest"
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Day:
    """One day: what it is, and what is to be said about it; empty for an ordinary one."""

    on: date
    kind: str
    words: str


@dataclass(frozen=True)
class Month:
    """A month as it hangs on the wall: weeks of seven places, empty before and after it."""

    name: str
    weeks: list[list[Day | None]]


@dataclass(frozen=True)
class Year:
    """A year: its months, what is not ordinary in it, and how much is worked."""

    number: int
    months: list[Month]
    holidays: list[Day]
    short_days: list[Day]
    working_days: int
    hours: float


def year(calendar: Calendar, number: int) -> Year:
    """The year of that number, by this version alone."""
    days = list(_days(calendar, number))
    zone = zone_of(calendar.zone)
    begin, end = (instant_of(midnight(date(n, 1, 1)), zone) for n in (number, number + 1))
    return Year(
        number=number,
        months=[_month([day for day in days if day.on.month == n]) for n in range(1, 13)],
        holidays=[day for day in days if day.kind == HOLIDAY],
        short_days=[day for day in days if day.kind == SHORT],
        working_days=sum(day.kind in (WORKED, SHORT) for day in days),
        hours=round(calendar.between(begin, end) / timedelta(hours=1), 2),
    )


def _days(calendar: Calendar, number: int) -> Iterator[Day]:
    names = calendar_words.holiday_names(calendar, number)
    on = date(number, 1, 1)
    while on.year == number:
        kind, words = _kind(calendar, on, names.get(on, ""))
        yield Day(on, kind, words)
        on += _DAY


def _kind(calendar: Calendar, on: date, name: str) -> tuple[str, str]:
    if name:
        return HOLIDAY, name
    if on in calendar.extra_holidays:
        return HOLIDAY, _("a day off of our own")
    if not calendar.hours.get(on.weekday()):
        return REST, ""
    if not calendar.is_working_day(on):
        return HOLIDAY, _("it would end before it begins")
    if on in calendar.half_days and _shortened(calendar, on):
        end = calendar_words.written(calendar.half_days[on])
        return SHORT, _("until %(time)s") % {"time": end}
    return WORKED, ""


def _shortened(calendar: Calendar, on: date) -> bool:
    """Whether the day ends earlier than its weekday does."""
    last = calendar.hours[on.weekday()][-1][1]
    return last == MIDNIGHT or calendar.half_days[on] < last


def _month(days: list[Day]) -> Month:
    places: list[Day | None] = [None] * days[0].on.weekday() + list(days)
    places += [None] * (-len(places) % 7)
    name = format_date(days[0].on, "LLLL", locale=(get_language() or "en").replace("-", "_"))
    return Month(name, [places[n : n + 7] for n in range(0, len(places), 7)])


def shown(text: str, *, at: datetime) -> int:
    """The year that a page was asked for; this one for anything else."""
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) == 4 else at.year
    in_range = calendar_words.FIRST_YEAR <= wanted <= calendar_words.LAST_YEAR
    return wanted if in_range else at.year
