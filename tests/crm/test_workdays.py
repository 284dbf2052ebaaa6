"""Working time: over nights, weekends, holidays, breaks and the days when the clocks change."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm import workdays
from crm.workdays import DEFAULT, Calendar
from tests.crm.calendars import ALWAYS, CALENDARS, NIGHTS, SPLIT

BRUSSELS = ZoneInfo("Europe/Brussels")


def at(text: str) -> datetime:
    """A time in Brussels."""
    return datetime.fromisoformat(text).replace(tzinfo=BRUSSELS)


def test_an_hour_of_work_within_a_day() -> None:
    assert DEFAULT.add(at("2026-03-02 09:00"), 1) == at("2026-03-02 10:00")
    assert DEFAULT.add(at("2026-03-02 09:00"), 1.5) == at("2026-03-02 10:30")
    assert DEFAULT.add(at("2026-03-02 09:00"), timedelta(minutes=5)) == at("2026-03-02 09:05")


def test_what_does_not_fit_into_a_day_goes_on_the_next() -> None:
    assert DEFAULT.add(at("2026-03-02 17:00"), 1) == at("2026-03-03 09:30")


def test_work_that_fills_a_day_ends_with_it() -> None:
    assert DEFAULT.add(at("2026-03-02 09:00"), 8.5) == at("2026-03-02 17:30")


def test_friday_evening_before_a_holiday_monday_starts_on_tuesday() -> None:
    """Easter Monday is the sixth of April 2026."""
    friday = at("2026-04-03 17:40")
    assert DEFAULT.next_open(friday) == at("2026-04-07 09:00")
    assert DEFAULT.add(friday, 4) == at("2026-04-07 13:00")
    assert DEFAULT.end_of_working_day(friday) == at("2026-04-07 17:30")
    assert DEFAULT.add_working_days(friday, 1) == at("2026-04-07 17:30")
    assert DEFAULT.between(friday, at("2026-04-07 09:00")) == timedelta()


def test_results_are_in_utc() -> None:
    monday = at("2026-03-02 09:00")
    for answer in (
        DEFAULT.add(monday, 0),
        DEFAULT.add(monday, 3),
        DEFAULT.next_open(monday),
        DEFAULT.next_open(at("2026-03-01 09:00")),
        DEFAULT.end_of_working_day(monday, 0),
        DEFAULT.end_of_working_day(monday),
        DEFAULT.add_working_days(monday, 0),
        DEFAULT.add_working_days(monday, 2),
    ):
        assert answer.tzinfo is UTC


def test_an_opening_has_its_first_instant_but_not_its_last() -> None:
    assert DEFAULT.is_open(at("2026-03-02 09:00"))
    assert not DEFAULT.is_open(at("2026-03-02 08:59:59.999999"))
    assert DEFAULT.is_open(at("2026-03-02 17:29:59.999999"))
    assert not DEFAULT.is_open(at("2026-03-02 17:30"))
    assert not DEFAULT.is_open(at("2026-03-01 12:00"))
    assert not DEFAULT.is_open(at("2026-12-25 12:00"))


def test_a_break_is_no_working_time() -> None:
    assert not SPLIT.is_open(at("2026-03-02 12:30"))
    assert SPLIT.next_open(at("2026-03-02 12:00")) == at("2026-03-02 13:00")
    assert SPLIT.add(at("2026-03-02 11:30"), 1) == at("2026-03-02 13:30")
    assert SPLIT.between(at("2026-03-02 09:00"), at("2026-03-02 17:00")) == timedelta(hours=7)
    assert SPLIT.end_of_working_day(at("2026-03-02 10:00"), 0) == at("2026-03-02 17:00")


def test_a_half_day_ends_early() -> None:
    assert SPLIT.add(at("2026-12-24 11:00"), 2) == at("2026-12-26 11:00")
    assert SPLIT.end_of_working_day(at("2026-12-31 09:00"), 0) == at("2026-12-31 11:30")
    assert SPLIT.between(at("2026-12-24 00:00"), at("2026-12-25 00:00")) == timedelta(hours=3)


def test_a_half_day_that_ends_before_work_starts_is_a_day_off() -> None:
    early = Calendar("Europe/Brussels", DEFAULT.hours, half_days={date(2026, 3, 2): time(9)})
    assert not early.is_working_day(date(2026, 3, 2))
    assert early.next_open(at("2026-03-02 08:00")) == at("2026-03-03 09:00")


def test_the_regions_of_a_country_have_their_own_holidays() -> None:
    bavaria = Calendar("Europe/Berlin", DEFAULT.hours, country="DE", region="BY")
    berlin = Calendar("Europe/Berlin", DEFAULT.hours, country="DE", region="BE")
    assert not bavaria.is_working_day(date(2026, 1, 6))
    assert berlin.is_working_day(date(2026, 1, 6))


def test_a_team_may_have_days_off_of_its_own() -> None:
    bridge = Calendar("Europe/Brussels", DEFAULT.hours, "BE", None, frozenset({date(2026, 5, 15)}))
    assert bridge.next_open(at("2026-05-13 18:00")) == at("2026-05-18 09:00")


def test_a_working_day_without_an_hour_is_that_much_shorter() -> None:
    spring = at("2026-03-29 00:00")
    assert ALWAYS.between(spring, at("2026-03-30 00:00")) == timedelta(hours=23)
    assert ALWAYS.add(spring, 23) == at("2026-03-30 00:00")
    assert NIGHTS.between(spring, at("2026-03-30 00:00")) == timedelta(hours=5)
    assert NIGHTS.add(spring, 3) == at("2026-03-29 04:00")


def test_a_working_day_with_an_hour_twice_is_that_much_longer() -> None:
    autumn = at("2026-10-25 00:00")
    assert ALWAYS.add(autumn, 25) == at("2026-10-26 00:00")
    assert NIGHTS.between(autumn, at("2026-10-26 00:00")) == timedelta(hours=7)
    assert NIGHTS.add(autumn, 3) == datetime(2026, 10, 25, 1, 0, tzinfo=UTC)


def test_the_same_time_by_the_clock_after_the_clocks_change() -> None:
    friday = at("2026-03-27 15:00")
    assert DEFAULT.add_working_days(friday, 1) == at("2026-03-30 15:00")
    assert DEFAULT.add(friday, 8.5) == at("2026-03-30 15:00")


def test_an_opening_that_the_clocks_skip_is_none() -> None:
    skipped = Calendar("Europe/Brussels", {6: ((time(2), time(3)), (time(12), time(13)))})
    assert skipped.next_open(at("2026-03-29 00:00")) == at("2026-03-29 12:00")
    late = Calendar("Europe/Brussels", {6: ((time(2, 30), time(5)),)})
    assert late.next_open(at("2026-03-29 00:00")) == at("2026-03-29 03:00")


def test_a_day_that_a_country_skipped_is_no_working_day() -> None:
    """Samoa went from the 29th to the 31st of December 2011."""
    samoa = Calendar("Pacific/Apia", {day: ((time(9), time(17)),) for day in range(7)})
    assert not samoa.is_working_day(date(2011, 12, 30))
    assert samoa.is_working_day(date(2011, 12, 31))


def test_the_end_of_the_next_working_day() -> None:
    assert DEFAULT.end_of_working_day(at("2026-03-02 10:00")) == at("2026-03-03 17:30")
    assert DEFAULT.end_of_working_day(at("2026-03-07 10:00")) == at("2026-03-09 17:30")
    assert DEFAULT.end_of_working_day(at("2026-03-02 10:00"), 5) == at("2026-03-09 17:30")
    assert DEFAULT.end_of_working_day(at("2026-12-30 10:00"), 2) == at("2027-01-04 17:30")


def test_the_end_of_this_working_day() -> None:
    assert DEFAULT.end_of_working_day(at("2026-03-02 08:00"), 0) == at("2026-03-02 17:30")
    assert DEFAULT.end_of_working_day(at("2026-03-02 17:30"), 0) == at("2026-03-02 17:30")
    assert DEFAULT.end_of_working_day(at("2026-03-02 17:31"), 0) == at("2026-03-03 17:30")
    assert DEFAULT.end_of_working_day(at("2026-03-07 10:00"), 0) == at("2026-03-09 17:30")


def test_working_days_later_at_the_same_time() -> None:
    assert DEFAULT.add_working_days(at("2026-03-02 10:00"), 1) == at("2026-03-03 10:00")
    assert DEFAULT.add_working_days(at("2026-03-05 10:00"), 3) == at("2026-03-10 10:00")
    assert DEFAULT.add_working_days(at("2026-03-02 17:30"), 1) == at("2026-03-03 17:30")
    assert DEFAULT.add_working_days(at("2026-03-02 07:00"), 1) == at("2026-03-03 09:00")
    assert DEFAULT.add_working_days(at("2026-03-02 20:00"), 1) == at("2026-03-03 17:30")
    assert DEFAULT.add_working_days(at("2026-03-07 11:00"), 1) == at("2026-03-09 17:30")


def test_the_end_of_a_working_day_leads_to_the_end_of_another() -> None:
    """Work ends at noon on a Friday of that team, and at one on a Saturday."""
    assert SPLIT.add_working_days(at("2026-03-06 12:00"), 1) == at("2026-03-07 13:00")
    assert SPLIT.add_working_days(at("2026-03-06 11:59"), 1) == at("2026-03-07 11:59")


def test_working_days_later_moves_into_the_hours_of_that_day() -> None:
    assert SPLIT.add_working_days(at("2026-03-05 16:00"), 1) == at("2026-03-06 12:00")
    assert SPLIT.add_working_days(at("2026-03-06 09:30"), 1) == at("2026-03-07 10:00")
    lunch = Calendar(
        "Europe/Brussels",
        {0: ((time(9), time(17)),), 1: ((time(9), time(12)), (time(13), time(17)))},
    )
    assert lunch.add_working_days(at("2026-03-02 12:30"), 1) == at("2026-03-03 13:00")


def test_a_year_is_no_obstacle() -> None:
    start = at("2026-03-02 09:00")
    far = DEFAULT.add(start, 20_000)
    assert DEFAULT.between(start, far) == timedelta(hours=20_000)
    assert far.year > 2034
    assert DEFAULT.between(far, start) == timedelta(hours=-20_000)


def test_the_hour_that_comes_twice_is_measured_by_instants() -> None:
    first = at("2026-10-25 02:50")
    second = at("2026-10-25 02:10").replace(fold=1)
    assert ALWAYS.between(first, second) == timedelta(minutes=20)
    assert ALWAYS.between(second, first) == timedelta(minutes=-20)


def test_a_time_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 3, 2, 9)  # noqa: DTZ001
    aware = at("2026-03-02 09:00")
    for ask in (
        lambda: DEFAULT.add(naive, 1),
        lambda: DEFAULT.add(naive, 0),
        lambda: DEFAULT.is_open(naive),
        lambda: DEFAULT.next_open(naive),
        lambda: DEFAULT.between(naive, aware),
        lambda: DEFAULT.between(aware, naive),
        lambda: DEFAULT.end_of_working_day(naive),
        lambda: DEFAULT.add_working_days(naive, 0),
        lambda: DEFAULT.add_working_days(naive, 1),
    ):
        with pytest.raises(ValueError, match="aware datetime"):
            ask()


def test_work_is_not_taken_away() -> None:
    monday = at("2026-03-02 09:00")
    for ask in (
        lambda: DEFAULT.add(monday, -1),
        lambda: DEFAULT.add(monday, timedelta(microseconds=-1)),
        lambda: DEFAULT.add_working_days(monday, -1),
        lambda: DEFAULT.end_of_working_day(monday, -1),
    ):
        with pytest.raises(ValueError, match="not taken away"):
            ask()


@pytest.mark.parametrize("amount", [float("inf"), float("nan"), 1e300])
def test_an_amount_that_is_none_is_refused(amount: float) -> None:
    with pytest.raises(ValueError):
        DEFAULT.add(at("2026-03-02 09:00"), amount)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"hours": {}}, "no opening at all"),
        ({"hours": {0: ()}}, "no opening at all"),
        ({"hours": {7: ((time(9), time(10)),)}}, "no such weekday"),
        ({"hours": {0: ((time(10), time(9)),)}}, "empty or overlaps"),
        ({"hours": {0: ((time(9), time(9)),)}}, "empty or overlaps"),
        ({"hours": {0: ((time(9), time(12)), (time(11), time(13)))}}, "empty or overlaps"),
        ({"hours": {0: ((time(9), time(0)), (time(11), time(13)))}}, "empty or overlaps"),
        ({"zone": "Europe/Atlantis"}, "no such time zone"),
        ({"zone": ""}, "no such time zone"),
        ({"country": "QQ"}, "no public holidays known"),
        ({"country": "BE", "region": "QQ"}, "no public holidays known"),
    ],
)
def test_a_broken_calendar_is_refused(fields: dict, complaint: str) -> None:
    sound = {"zone": "Europe/Brussels", "hours": DEFAULT.hours}
    with pytest.raises(ValueError, match=complaint):
        Calendar(**{**sound, **fields})


def test_a_calendar_that_its_holidays_have_shut_says_so() -> None:
    """Open on Mondays only, and forty years of Mondays are days off."""
    mondays = {date(2026, 1, 5) + timedelta(weeks=n) for n in range(52 * 40)}
    shut = Calendar("Europe/Brussels", {0: ((time(9), time(10)),)}, None, None, frozenset(mondays))
    with pytest.raises(ValueError, match="no opening left"):
        shut.add(at("2026-03-02 09:00"), 1)
    with pytest.raises(ValueError, match="no opening left"):
        shut.next_open(at("2026-03-02 09:00"))
    with pytest.raises(ValueError, match="no opening left"):
        shut.add_working_days(at("2026-03-02 09:00"), 1)


@pytest.mark.parametrize("calendar", CALENDARS)
def test_a_calendar_survives_json(calendar: Calendar) -> None:
    stored = json.loads(json.dumps(calendar.to_dict()))
    assert Calendar.from_dict(stored) == calendar
    assert hash(Calendar.from_dict(stored)) == hash(calendar)
    assert Calendar.from_dict(stored).to_dict() == stored


def test_the_same_stored_calendar_is_the_same_object() -> None:
    """So that its tables are made once, however many promises ask."""
    stored = SPLIT.to_dict()
    assert Calendar.from_dict(stored) is Calendar.from_dict(copy.deepcopy(stored))


def test_a_calendar_can_be_copied() -> None:
    assert copy.deepcopy(SPLIT) == SPLIT
    assert pickle.loads(pickle.dumps(SPLIT)) == SPLIT  # noqa: S301


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"zone": "Europe/Brussels"},
        {"zone": "Europe/Brussels", "hours": []},
        {"zone": "Europe/Brussels", "hours": {"0": [["09:00"]]}},
        {"zone": "Europe/Brussels", "hours": {"0": [["09:00", "late"]]}},
        {"zone": "Europe/Brussels", "hours": {"Monday": [["09:00", "10:00"]]}},
        {"zone": "Europe/Brussels", "hours": {"0": [["09:00", "10:00"]]}, "holiday": []},
        {"zone": "Europe/Brussels", "hours": {"0": [["09:00", "10:00"]]}, "extra_holidays": [1]},
        {"zone": 3, "hours": {"0": [["09:00", "10:00"]]}},
        [],
    ],
)
def test_a_broken_stored_calendar_is_refused(stored: dict) -> None:
    with pytest.raises(ValueError):
        Calendar.from_dict(stored)


def test_the_calendar_in_force_is_the_last_that_has_begun() -> None:
    spring = Calendar("Europe/Brussels", DEFAULT.hours, valid_from=date(2026, 4, 1))
    summer = Calendar("Europe/Brussels", DEFAULT.hours, valid_from=date(2026, 7, 1))
    all_three = (summer, DEFAULT, spring)
    assert workdays.in_force(all_three, at("2026-03-31 23:59")) is DEFAULT
    assert workdays.in_force(all_three, at("2026-04-01 00:00")) is spring
    assert workdays.in_force(all_three, at("2026-09-01 00:00")) is summer
    with pytest.raises(ValueError, match="in force"):
        workdays.in_force((spring,), at("2026-03-02 09:00"))
