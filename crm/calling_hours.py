"""When people may be called, pure: by the clock of where they live, and where that is not known, by
every clock that it could be.

Calling is open only while it is open in all zones of the country: the strictest answer. Zones whose
clocks show the same are asked once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

import holidays
from babel.core import get_global

from crm.rules import WEEKDAYS, Hours
from crm.wallclock import instant_of, midnight, zone_of
from crm.workdays import Calendar, Period

_DAY = timedelta(days=1)
_QUARTER = timedelta(minutes=15)
# Hours that do not open for so long are a mistake, not a rest.
_LONGEST_SHUT = 366 * _DAY
# Within a week and a day every weekly opening has come by.
_AHEAD = 8


@dataclass(frozen=True)
class Shut:
    """Nobody in the country may be called before `until` (UTC), the first instant at which calling
    is allowed in every zone. `code` is the gate's: "holiday" when only that is in the way."""

    code: Literal["calling_hours", "holiday"]
    since: datetime | None
    until: datetime


def shut(hours: Hours, *, country: str, at: datetime) -> Shut | None:
    """Why nobody in `country` (ISO 3166, two letters) may be called at `at`; None when they may.

    Raises ValueError for a country without time zones, for an `at` without a zone, and for hours
    that are not open in all zones at once at any time within a year.
    """
    at = _utc(at)
    week = _week_of(hours.model_dump_json(), country, at.year)
    until = _next_open(week.calendars, at)
    if until == at:
        return None
    if all(calendar.is_open(at) for calendar in week.without_holidays):
        return Shut(code="holiday", since=None, until=until)
    return Shut(code="calling_hours", since=None, until=until)


def until_change(hours: Hours, *, country: str, at: datetime) -> datetime:
    """How long the answer of `shut` at `at` may be kept: at least until then it is the same.

    It is the first closing in any zone while calling is open. While it is shut it is its `until`,
    or before that the instant at which the code becomes another. At most about a week ahead.
    Raises what `shut` raises.
    """
    at = _utc(at)
    answer = shut(hours, country=country, at=at)
    latest = at + _AHEAD * _DAY
    edges = {edge for edge in _edges(hours, country, at) if at < edge < latest}
    for edge in sorted(edges):
        if shut(hours, country=country, at=edge) != answer:
            return edge
    return latest


def _utc(at: datetime) -> datetime:
    """In UTC, also because Python calls no time in an hour that comes twice equal to another."""
    if at.utcoffset() is None:
        raise ValueError("calling hours need an aware datetime")
    return at.astimezone(UTC)


def _next_open(calendars: tuple[Calendar, ...], at: datetime) -> datetime:
    """The first instant from `at` on at which all are open: each waits for the latest of them."""
    moment, latest = at, at + _LONGEST_SHUT
    while moment <= latest:
        opening = max(calendar.next_open(moment) for calendar in calendars)
        if opening == moment:
            return opening
        moment = opening
    raise ValueError("these hours are never open in all zones at once")


def _edges(hours: Hours, country: str, at: datetime) -> Iterator[datetime]:
    """Every instant around and after `at` at which a clock shows a time that the hours name."""
    today = at.date()
    days = [today + n * _DAY for n in range(-1, _AHEAD + 2)]
    for name in _zones(country, today.year):
        for day in days:
            for clock in _clocks(hours, day):
                yield instant_of(midnight(day) + _since_midnight(clock), zone_of(name))


def _clocks(hours: Hours, day: date) -> Iterator[str]:
    for period in hours.week.get(WEEKDAYS[day.weekday()], ()):
        yield from period
    early = hours.early_ends.get(day.strftime("%m-%d"))
    if early is not None:
        yield early


class _Week(NamedTuple):
    """The hours in every zone: as they are, and as they would be without public holidays."""

    calendars: tuple[Calendar, ...]
    without_holidays: tuple[Calendar, ...]


# By its text, because a model that holds dictionaries has no hash.
@lru_cache(maxsize=256)
def _week_of(text: str, country: str, year: int) -> _Week:
    """For instants of that year (UTC) and a year after them: dates are listed year by year."""
    hours = Hours.model_validate_json(text)
    years = range(year - 1, year + 3)
    week = {WEEKDAYS.index(day): _periods(periods) for day, periods in hours.week.items()}
    early = dict(_early_ends(hours, years))
    # The end of a calendar's half day at 00:00 would be that of the whole day.
    never = frozenset(day for day, clock in early.items() if clock == "00:00")
    halves = {day: _time(clock) for day, clock in early.items()}
    off = never | (_regional(hours.holidays, years) if hours.any_region else frozenset())
    zones = _zones(country, year)
    plain = tuple(Calendar(zone, week, None, None, never, halves) for zone in zones)
    if hours.holidays is None:
        return _Week(plain, plain)
    strict = tuple(Calendar(zone, week, hours.holidays, None, off, halves) for zone in zones)
    return _Week(strict, plain)


def _early_ends(hours: Hours, years: range) -> Iterator[tuple[date, str]]:
    for year in years:
        for month_day, clock in hours.early_ends.items():
            try:
                yield date.fromisoformat(f"{year:04}-{month_day}"), clock
            except ValueError:  # the 29th of February, in most years
                continue


@lru_cache(maxsize=64)
def _regional(country: str | None, years: range) -> frozenset[date]:
    """The public holidays of each region of the country."""
    if country is None:
        return frozenset()
    regions = holidays.country_holidays(country).subdivisions
    return frozenset(
        day
        for region in regions
        for day in holidays.country_holidays(country, subdiv=region, years=years)
    )


@lru_cache(maxsize=512)
def _zones(country: str, year: int) -> tuple[str, ...]:
    """The time zones of the country, one of each sort: in those years a sort shows one time."""
    names = get_global("territory_zones").get(country)
    if not names or len(country) != 2:
        raise ValueError(f"no time zones are known for {country!r}")
    sorts: dict[tuple[timedelta | None, ...], str] = {}
    for name in sorted(names):
        sorts.setdefault(_offsets(name, year), name)
    return tuple(sorts.values())


def _offsets(name: str, year: int) -> tuple[timedelta | None, ...]:
    """The offset of every day, and of every quarter of an hour of a day on which it changes."""
    zone, found = zone_of(name), []
    day, last = datetime(year - 1, 1, 1, tzinfo=UTC) - _DAY, datetime(year + 2, 1, 3, tzinfo=UTC)
    before = day.astimezone(zone).utcoffset()
    while day < last:
        after = (day + _DAY).astimezone(zone).utcoffset()
        if after != before:
            found += [(day + n * _QUARTER).astimezone(zone).utcoffset() for n in range(96)]
        found.append(after)
        day, before = day + _DAY, after
    return tuple(found)


def _periods(periods: tuple[tuple[str, str], ...]) -> tuple[Period, ...]:
    return tuple((_time(begins), _time(ends)) for begins, ends in periods)


def _time(clock: str) -> time:
    """As a calendar writes it: there a period that ends at 00:00 lasts until midnight."""
    return time(0) if clock == "24:00" else time.fromisoformat(clock)


def _since_midnight(clock: str) -> timedelta:
    return timedelta(hours=int(clock[:2]), minutes=int(clock[3:]))
