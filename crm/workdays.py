"""Working time, pure: when a team is at work, and what an instant becomes some of it later.

Every question is answered from a table of one year's openings (cumulative working time, looked up
by bisection), so that adding an hour and adding a month cost the same. Openings are instants: a day
on which the clocks change is as long as it really is.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import holidays

from crm.openings import Opening, Year, tabulated
from crm.wallclock import instant_of, midnight, since_midnight, zone_of

Period = tuple[time, time]

MIDNIGHT = time(0)
LAST_YEAR = 9000
# A calendar that has been shut this long, by holidays and half days, will not open again.
YEARS_WITHOUT_OPENING = 30

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Calendar:
    """The working time of a team. Two calendars with the same fields are the same calendar.

    `hours` maps a weekday (0 is Monday) to its periods; a period that ends at 00:00 lasts until
    midnight. `country` and `region` choose the public holidays, `extra_holidays` are the team's
    own, and on one of its `half_days` the day ends early. Which of a team's calendars is in force
    is for `in_force` to say: `valid_from` does not close the days before it.
    Raises ValueError for a calendar that could not be worked with.
    """

    zone: str
    hours: Mapping[int, tuple[Period, ...]]
    country: str | None = None
    region: str | None = None
    extra_holidays: frozenset[date] = frozenset()
    half_days: Mapping[date, time] = field(default_factory=dict)
    valid_from: date | None = None

    def __post_init__(self) -> None:
        week = {day: tuple(sorted(map(_period, self.hours[day]))) for day in sorted(self.hours)}
        object.__setattr__(self, "hours", week)
        object.__setattr__(self, "extra_holidays", frozenset(self.extra_holidays))
        object.__setattr__(self, "half_days", dict(sorted(self.half_days.items())))
        _check_hours(week)
        zone_of(self.zone)
        _public_holidays(self.country, self.region, 2026)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        week, halves = tuple(self.hours.items()), tuple(self.half_days.items())
        place = (self.zone, self.country, self.region, self.valid_from)
        return hash((place, week, self.extra_holidays, halves))

    def __reduce__(self) -> tuple[Any, ...]:
        # A hash kept from another process would be wrong in this one.
        return Calendar.from_dict, (self.to_dict(),)

    def is_open(self, at: datetime) -> bool:
        """Whether `at` is working time. An opening includes its first instant, not its last."""
        year, moment = self._place(at)
        index = bisect_right(year.opens, moment) - 1
        return index >= 0 and moment < year.closes[index]

    def next_open(self, at: datetime) -> datetime:
        """`at` itself in working time, otherwise the start of the next opening."""
        if self.is_open(at):
            return at.astimezone(UTC)
        moment = _micros(at)
        for year in self._years(self._local(at).year):
            index = bisect_left(year.opens, moment)
            if index < len(year.opens):
                return _instant(year.opens[index])
        raise AssertionError("a year without end")

    def add(self, at: datetime, hours: timedelta | float) -> datetime:
        """The first instant by which `hours` (a number is hours) of working time have passed.

        That may be the very end of an opening; `next_open` of it is the next start of work.
        Nothing added is `at` itself. Raises ValueError for a negative amount.
        """
        left = _amount(hours)
        if left == 0:
            return _aware(at).astimezone(UTC)
        start, moment = self._place(at)
        left += start.used(moment)
        for year in self._years(self._local(at).year):
            if left <= year.total:
                index = bisect_left(year.before, left) - 1
                return _instant(year.opens[index] + left - year.before[index])
            left -= year.total
        raise AssertionError("a year without end")

    def between(self, a: datetime, b: datetime) -> timedelta:
        """The working time from `a` to `b`; negative when `b` comes first."""
        first, last = self._local(a).year, self._local(b).year
        if last < first:
            return -self.between(b, a)
        whole = sum(_year(self, number).total for number in range(first, last))
        used = _year(self, last).used(_micros(b)) - _year(self, first).used(_micros(a))
        return (whole + used) * _MICROSECOND

    def end_of_working_day(self, at: datetime, days: int = 1) -> datetime:
        """The close of the n-th working day after the date of `at`: 1 is the next working day.

        0 is the day of `at`; when that is no working day or is over, the next one.
        """
        _check_days(days)
        today = self._openings(self._local(at).date())
        if days == 0 and today and _micros(at) <= today[-1][1]:
            return _instant(today[-1][1])
        return _instant(self._later_day(at, max(days, 1)).openings[-1][1])

    def add_working_days(self, at: datetime, days: int) -> datetime:
        """`at` on the n-th working day after it, at the same time by the clock.

        A time outside the hours of that day moves into them. What happens after work, or on a day
        off, counts as the end of a working day and gives the end of one: never earlier than what
        happened before it. 0 days is `at` itself.
        """
        _check_days(days)
        if days == 0:
            return _aware(at).astimezone(UTC)
        local = self._local(at)
        today = self._openings(local.date())
        target = self._later_day(at, days)
        close = target.openings[-1][1]
        if not today or _micros(at) >= today[-1][1]:
            return _instant(close)
        wall = since_midnight(local, zone_of(self.zone))
        wish = _micros(instant_of(midnight(target.day) + wall, zone_of(self.zone)))
        return _instant(next((max(o, wish) for o, c in target.openings if wish < c), close))

    def is_working_day(self, day: date) -> bool:
        """Whether the team works at all on the local date `day`."""
        return bool(self._openings(day))

    def to_dict(self) -> dict[str, Any]:
        """The calendar as JSON can hold it."""
        return {
            "zone": self.zone,
            "hours": {
                str(day): [[_written(start), _written(end, last=True)] for start, end in periods]
                for day, periods in self.hours.items()
            },
            "country": self.country,
            "region": self.region,
            "extra_holidays": sorted(day.isoformat() for day in self.extra_holidays),
            "half_days": {day.isoformat(): _written(end) for day, end in self.half_days.items()},
            "valid_from": self.valid_from.isoformat() if self.valid_from else None,
        }

    @staticmethod
    def from_dict(stored: Mapping[str, Any]) -> Calendar:
        """The calendar that `to_dict` wrote. Raises ValueError with what is wrong with it."""
        try:
            return _restored(json.dumps(stored, sort_keys=True))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a calendar: {error!r}") from error

    def _local(self, at: datetime) -> datetime:
        return _aware(at).astimezone(zone_of(self.zone))

    def _place(self, at: datetime) -> tuple[Year, int]:
        return _year(self, self._local(at).year), _micros(at)

    def _years(self, first: int) -> Iterator[Year]:
        idle = 0
        for number in range(first, LAST_YEAR):
            year = _year(self, number)
            idle = 0 if year.opens else idle + 1
            if idle > YEARS_WITHOUT_OPENING:
                raise ValueError("this calendar has no opening left")
            yield year
        raise ValueError(f"working time after the year {LAST_YEAR}")

    def _openings(self, day: date) -> list[Opening]:
        return _year(self, day.year).openings(day)

    def _later_day(self, at: datetime, days: int) -> _Day:
        today = self._local(at).date()
        for year in self._years(today.year):
            index = bisect_right(year.days, today) + days - 1
            if index < len(year.days):
                return _Day(year.days[index], year.openings(year.days[index]))
            days = index - len(year.days) + 1
        raise AssertionError("a year without end")


class _Day(NamedTuple):
    day: date
    openings: list[Opening]


@lru_cache(maxsize=512)
def _year(calendar: Calendar, number: int) -> Year:
    shut = calendar.extra_holidays | _public_holidays(calendar.country, calendar.region, number)
    first, next_first = date(number, 1, 1), date(number + 1, 1, 1)
    days = (first + _DAY * n for n in range((next_first - first).days))
    return tabulated((day, list(_openings_of(calendar, day))) for day in days if day not in shut)


def _openings_of(calendar: Calendar, day: date) -> Iterator[Opening]:
    """The openings of a day that is no holiday. One that the clocks skip is none."""
    zone, start_of_day = zone_of(calendar.zone), midnight(day)
    latest = _until(calendar.half_days[day]) if day in calendar.half_days else _DAY
    for start, end in calendar.hours.get(day.weekday(), ()):
        opens = _micros(instant_of(start_of_day + _from(start), zone))
        closes = _micros(instant_of(start_of_day + min(_until(end), latest), zone))
        if opens < closes:
            yield opens, closes


def in_force(calendars: Iterable[Calendar], at: datetime) -> Calendar:
    """The calendar with the latest `valid_from` that has come. Raises ValueError when none has."""
    begun = [c for c in calendars if c.valid_from is None or c.valid_from <= c._local(at).date()]
    if not begun:
        raise ValueError("no calendar is in force yet")
    return max(begun, key=lambda calendar: calendar.valid_from or date.min)


def _from(start: time) -> timedelta:
    return timedelta(
        hours=start.hour,
        minutes=start.minute,
        seconds=start.second,
        microseconds=start.microsecond,
    )


def _until(end: time) -> timedelta:
    return _DAY if end == MIDNIGHT else _from(end)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _instant(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND


def _aware(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ValueError("a working time needs an aware datetime")
    return at


def _amount(hours: timedelta | float) -> int:
    try:
        amount = hours if isinstance(hours, timedelta) else timedelta(hours=hours)
    except OverflowError as error:
        raise ValueError("more working time than there is") from error
    if amount < timedelta():
        raise ValueError("working time can be added, not taken away")
    return amount // _MICROSECOND


def _period(period: Iterable[time]) -> Period:
    start, end = period
    return start, end


def _check_days(days: int) -> None:
    if days < 0:
        raise ValueError("working days can be added, not taken away")


def _check_hours(week: Mapping[int, tuple[Period, ...]]) -> None:
    if not any(week.values()):
        raise ValueError("a calendar with no opening at all")
    for day, periods in week.items():
        if day not in range(7):
            raise ValueError(f"no such weekday: {day!r} (0 is Monday, 6 is Sunday)")
        end_before = timedelta()
        for start, end in periods:
            if not end_before <= _from(start) < _until(end):
                raise ValueError(f"weekday {day}: {start}-{end} is empty or overlaps")
            end_before = _until(end)


@lru_cache(maxsize=512)
def _public_holidays(country: str | None, region: str | None, year: int) -> frozenset[date]:
    if country is None:
        return frozenset()
    try:
        return frozenset(holidays.country_holidays(country, subdiv=region, years=year))
    except NotImplementedError as error:
        raise ValueError(f"no public holidays known for {country} {region or ''}") from error


def _written(moment: time, last: bool = False) -> str:
    if last and moment == MIDNIGHT:
        return "24:00"
    return moment.isoformat("auto" if moment.second or moment.microsecond else "minutes")


def _read(text: str) -> time:
    return MIDNIGHT if text == "24:00" else time.fromisoformat(text)


# Calendars live in JSON columns and are read for every promise: the same text is the same object,
# and keeps its tables.
@lru_cache(maxsize=256)
def _restored(text: str) -> Calendar:
    stored = json.loads(text)
    unknown = set(stored) - set(Calendar.__dataclass_fields__)
    if unknown:
        raise ValueError(f"not a calendar: unknown {', '.join(sorted(unknown))}")
    begins = stored.get("valid_from")
    return Calendar(
        zone=stored["zone"],
        hours={
            int(day): tuple((_read(start), _read(end)) for start, end in periods)
            for day, periods in stored["hours"].items()
        },
        country=stored.get("country"),
        region=stored.get("region"),
        extra_holidays=frozenset(map(date.fromisoformat, stored.get("extra_holidays", ()))),
        half_days={
            date.fromisoformat(day): _read(end) for day, end in stored.get("half_days", {}).items()
        },
        valid_from=date.fromisoformat(begins) if begins else None,
    )


DEFAULT = Calendar(
    zone="Europe/Brussels",
    hours={day: ((time(9), time(17, 30)),) for day in range(5)},
    country="BE",
)
