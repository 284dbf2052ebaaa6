"""What must be true of working time for every calendar, every instant and every amount."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.workdays import DEFAULT, Calendar
from tests.crm.calendars import CALENDARS, LISBON, NEW_YORK, PARIS

QUARTER, MOMENT = timedelta(minutes=15), timedelta(microseconds=1)

calendars = st.sampled_from(CALENDARS)
instants = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001
    datetime(2030, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
# The days around which things go wrong: the clocks, the turn of the year, a movable feast.
awkward = st.builds(
    lambda day, minutes: datetime(*day, tzinfo=UTC) + timedelta(minutes=minutes),
    st.sampled_from([(2026, 3, 28), (2026, 10, 24), (2027, 3, 27), (2026, 12, 31), (2026, 5, 24)]),
    st.integers(0, 3 * 1440),
)
moments = st.one_of(instants, awkward)
amounts = st.timedeltas(timedelta(), timedelta(hours=900))


@settings(max_examples=300)
@given(calendars, moments, amounts)
def test_between_measures_what_add_has_added(
    calendar: Calendar, a: datetime, amount: timedelta
) -> None:
    later = calendar.add(a, amount)
    assert later >= a
    assert calendar.between(a, later) == amount


@settings(max_examples=300)
@given(calendars, moments, amounts, amounts)
def test_adding_twice_is_adding_the_sum(
    calendar: Calendar, a: datetime, first: timedelta, second: timedelta
) -> None:
    assert calendar.add(calendar.add(a, first), second) == calendar.add(a, first + second)


@settings(max_examples=300)
@given(calendars, moments)
def test_the_next_opening_is_open_and_its_own_next_opening(calendar: Calendar, a: datetime) -> None:
    opening = calendar.next_open(a)
    assert opening >= a
    assert calendar.is_open(opening)
    assert calendar.next_open(opening) == opening
    assert calendar.between(a, opening) == timedelta()


@settings(max_examples=300)
@given(calendars, moments, moments, amounts, st.integers(0, 30))
def test_what_starts_later_ends_no_earlier(
    calendar: Calendar, a: datetime, b: datetime, amount: timedelta, days: int
) -> None:
    a, b = sorted((a, b))
    assert calendar.add(a, amount) <= calendar.add(b, amount)
    assert calendar.next_open(a) <= calendar.next_open(b)
    assert calendar.add_working_days(a, days) <= calendar.add_working_days(b, days)
    assert calendar.end_of_working_day(a, days) <= calendar.end_of_working_day(b, days)


@settings(max_examples=300)
@given(calendars, awkward, st.timedeltas(timedelta(), timedelta(hours=3)), st.integers(1, 3))
def test_a_clock_that_is_put_back_does_not_turn_time_round(
    calendar: Calendar, a: datetime, later: timedelta, days: int
) -> None:
    assert calendar.add_working_days(a, days) <= calendar.add_working_days(a + later, days)


@settings(max_examples=300)
@given(calendars, moments, st.integers(0, 300))
def test_more_days_end_later(calendar: Calendar, a: datetime, days: int) -> None:
    assert a <= calendar.add_working_days(a, days) < calendar.add_working_days(a, days + 1)
    assert a <= calendar.end_of_working_day(a, days)
    assert calendar.end_of_working_day(a, days + 1) <= calendar.end_of_working_day(a, days + 2)


@settings(max_examples=300)
@given(calendars, moments, amounts, st.integers(0, 30), st.data())
def test_a_holiday_never_makes_a_due_time_earlier(
    calendar: Calendar, a: datetime, amount: timedelta, days: int, data: st.DataObject
) -> None:
    off = a.date() + timedelta(days=data.draw(st.integers(-2, 60)))
    more = replace(calendar, extra_holidays=calendar.extra_holidays | {off})
    assert more.add(a, amount) >= calendar.add(a, amount)
    assert more.next_open(a) >= calendar.next_open(a)
    assert more.add_working_days(a, days) >= calendar.add_working_days(a, days)
    assert more.end_of_working_day(a, days) >= calendar.end_of_working_day(a, days)


@settings(max_examples=200)
@given(calendars, moments, amounts, st.integers(0, 20), st.times())
def test_a_half_day_never_makes_an_amount_of_work_end_earlier(
    calendar: Calendar, a: datetime, amount: timedelta, ahead: int, end: time
) -> None:
    day = a.date() + timedelta(days=ahead)
    if day in calendar.half_days:
        return
    shorter = replace(calendar, half_days={**calendar.half_days, day: end})
    assert shorter.add(a, amount) >= calendar.add(a, amount)


def _by_the_minute(calendar: Calendar, a: datetime, minutes: int) -> datetime:
    """The slow and obvious way, for whole minutes."""
    zone = ZoneInfo(calendar.zone)
    while minutes:
        local = a.astimezone(zone)
        minutes -= any(
            start <= local.time() and (local.time() < end or end == time(0))
            for start, end in calendar.hours.get(local.weekday(), ())
        )
        a += timedelta(minutes=1)
    return a


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([c for c in CALENDARS if c is not NEW_YORK]), awkward, st.integers(1, 900))
def test_the_table_agrees_with_counting_minutes(
    calendar: Calendar, a: datetime, minutes: int
) -> None:
    plain = Calendar(calendar.zone, calendar.hours)
    assert plain.add(a, timedelta(minutes=minutes)) == _by_the_minute(plain, a, minutes)


def _plainly(calendar: Calendar, year: int) -> list[bool]:
    """For each quarter of an hour of a year in UTC, whether work is done: by the clock on the wall
    and the list of holidays, without a table."""
    zone, shut = ZoneInfo(calendar.zone), calendar.extra_holidays
    shut |= set(holidays.country_holidays(calendar.country or "", years=[year, year + 1]))
    a, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    found = []
    while a < end:
        local = a.astimezone(zone)
        day, clock = local.date(), local.time()
        periods = () if day in shut else calendar.hours.get(day.weekday(), ())
        early = calendar.half_days.get(day, time.max)
        found.append(
            any(start <= clock and (clock < until or until == time(0)) for start, until in periods)
            and clock < early
        )
        a += QUARTER
    return found


@pytest.mark.parametrize("calendar", [DEFAULT, PARIS, LISBON], ids=lambda calendar: calendar.zone)
def test_every_quarter_of_an_hour_of_five_years(calendar: Calendar) -> None:
    """Beside a year of quarters counted one by one: what is due when, and how much that was.

    With amounts from nothing to three days of work; and with more days off it is never earlier.
    """
    first = datetime(2026, 1, 1, tzinfo=UTC)
    quarters = [worked for year in range(2026, 2032) for worked in _plainly(calendar, year)]
    # When the n-th quarter of work is over, and how many were before each quarter.
    over = [first + QUARTER * (n + 1) for n, worked in enumerate(quarters) if worked]
    before = list(accumulate(quarters, initial=0))
    away = {(first + timedelta(days=17 * n)).date() for n in range(1, 130)}
    fewer = replace(calendar, extra_holidays=calendar.extra_holidays | away)
    amounts = (1, 0, 16, 3, 96, 34)
    a, end, n = first, datetime(2031, 1, 1, tzinfo=UTC), 0
    while a < end:
        amount = amounts[n % len(amounts)]
        work = QUARTER * amount
        due = calendar.add(a, work)
        assert due == (over[before[n] + amount - 1] if amount else a), a
        assert calendar.between(a, due) == work, a
        assert fewer.add(a, work) >= due, a
        a, n = a + QUARTER, n + 1


@pytest.mark.parametrize("calendar", [DEFAULT, PARIS, LISBON], ids=lambda calendar: calendar.zone)
def test_every_opening_of_five_years(calendar: Calendar) -> None:
    """Each begins where the quarters counted one by one begin to be worked, and ends where they
    end; the first instant is open, the last is not."""
    quarters = [worked for year in range(2026, 2031) for worked in _plainly(calendar, year)]
    edges = [
        (datetime(2026, 1, 1, tzinfo=UTC) + QUARTER * n, worked)
        for n, (was, worked) in enumerate(pairwise(quarters), start=1)
        if was != worked
    ]
    for (edge, opens), (after, _opens) in pairwise(edges):
        assert calendar.is_open(edge) == opens, edge
        assert calendar.is_open(edge - MOMENT) != opens, edge
        assert calendar.next_open(edge) == (edge if opens else after), edge
