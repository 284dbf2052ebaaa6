"""What must be true of working time for every calendar, every instant and every amount."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from crm.workdays import DEFAULT, Calendar
from tests.crm.calendars import CALENDARS, NEW_YORK

QUARTER = timedelta(minutes=15)

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


def test_every_quarter_of_an_hour_of_five_years_in_brussels() -> None:
    """One pass: the work counted opening by opening is the work that the table gives."""
    start = datetime(2025, 12, 31, 23, 0, tzinfo=UTC)
    end = datetime(2030, 12, 31, 23, 0, tzinfo=UTC)
    worked, last_due, a = timedelta(), start, start
    while a < end:
        open_now, opening = DEFAULT.is_open(a), DEFAULT.next_open(a)
        due = DEFAULT.add(a, 4)
        assert (opening == a) if open_now else (opening > a)
        assert due >= opening + timedelta(hours=4)
        assert due >= last_due
        assert DEFAULT.between(a, due) == timedelta(hours=4)
        assert DEFAULT.between(start, a) == worked
        worked += QUARTER if open_now else timedelta()
        last_due, a = due, a + QUARTER
    assert worked == DEFAULT.between(start, end)
