"""When people may be called: windows, holidays, clocks that change, a country of many zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import pytest
from babel.core import get_global
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crm import calling_hours
from crm.calling_hours import Shut, shut, until_change
from crm.rules import WEEKDAYS, Hours

PARIS = ZoneInfo("Europe/Paris")
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
BERLIN = ZoneInfo("Europe/Berlin")
LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
HONOLULU = ZoneInfo("Pacific/Honolulu")
MICROSECOND = timedelta(microseconds=1)
ALL_WEEK = list(WEEKDAYS)
WORKDAYS = ALL_WEEK[:5]


def hours(week: dict[str, Any], **more: Any) -> Hours:
    return Hours.model_validate({"kind": "product", "source": "a test", "week": week, **more})


FRENCH = hours({day: [("10:00", "13:00"), ("14:00", "20:00")] for day in WORKDAYS}, holidays="FR")
DUTCH = hours(
    {**{day: [("09:00", "22:00")] for day in WORKDAYS}, "sat": [("10:00", "16:00")]},
    holidays="NL",
    early_ends={"12-05": "18:30", "12-24": "18:30"},
)
GERMAN = hours({day: [("08:00", "20:00")] for day in WORKDAYS}, holidays="DE", any_region=True)
BRITISH = hours({day: [("08:00", "21:00")] for day in ALL_WEEK})
AMERICAN = hours({day: [("08:00", "21:00")] for day in ALL_WEEK})
ROUND_THE_CLOCK = hours({day: [("00:00", "24:00")] for day in ALL_WEEK}, holidays="BE")
# One opening that the clocks skip in spring and show twice in autumn, one up to midnight.
NIGHTLY = hours(
    {day: [("02:00", "02:45"), ("22:30", "24:00")] for day in ALL_WEEK},
    early_ends={"02-29": "02:30", "12-31": "00:00", "01-01": "00:00", "01-02": "24:00"},
)
PLACES = (
    (FRENCH, "FR"),
    (DUTCH, "NL"),
    (GERMAN, "DE"),
    (BRITISH, "GB"),
    (AMERICAN, "US"),
    (ROUND_THE_CLOCK, "BE"),
    (NIGHTLY, "BE"),
    (FRENCH, "ES"),
)


def at(text: str, zone: ZoneInfo = PARIS) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def ask(place: Hours, country: str, when: datetime) -> tuple[str, datetime] | None:
    answer = shut(place, country=country, at=when)
    return None if answer is None else (answer.code, answer.until)


def test_a_french_working_day_is_open_from_ten_with_an_hour_for_lunch() -> None:
    """Monday 2 March 2026."""
    opens, afternoon = at("2026-03-02 10:00"), at("2026-03-02 14:00")
    assert ask(FRENCH, "FR", at("2026-03-02 09:59:59.999999")) == ("calling_hours", opens)
    assert ask(FRENCH, "FR", opens) is None
    assert ask(FRENCH, "FR", at("2026-03-02 12:59:59.999999")) is None
    assert ask(FRENCH, "FR", at("2026-03-02 13:00")) == ("calling_hours", afternoon)
    assert ask(FRENCH, "FR", afternoon) is None
    assert ask(FRENCH, "FR", at("2026-03-02 20:00")) == ("calling_hours", at("2026-03-03 10:00"))


def test_a_weekend_is_shut_until_monday() -> None:
    monday = at("2026-03-09 10:00")
    assert ask(FRENCH, "FR", at("2026-03-06 20:00")) == ("calling_hours", monday)
    assert ask(FRENCH, "FR", at("2026-03-07 11:00")) == ("calling_hours", monday)


def test_the_fourteenth_of_july_is_a_holiday_while_it_would_be_open() -> None:
    """A Tuesday in 2026."""
    wednesday = at("2026-07-15 10:00")
    assert ask(FRENCH, "FR", at("2026-07-14 11:00")) == ("holiday", wednesday)
    assert ask(FRENCH, "FR", at("2026-07-14 13:30")) == ("calling_hours", wednesday)
    assert ask(FRENCH, "FR", at("2026-07-13 20:00")) == ("calling_hours", wednesday)


def test_an_answer_is_in_utc_and_does_not_say_since_when() -> None:
    answer = shut(FRENCH, country="FR", at=at("2026-03-02 09:00"))
    opens = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert answer == Shut(code="calling_hours", since=None, until=opens)
    assert answer.until.tzinfo is UTC
    assert until_change(FRENCH, country="FR", at=at("2026-03-02 09:00")).tzinfo is UTC


def test_the_hours_follow_the_clock_when_it_changes() -> None:
    """Sunday 29 March and 25 October 2026 in London, where Sundays are open."""
    assert ask(BRITISH, "GB", datetime(2026, 3, 28, 7, 59, tzinfo=UTC)) is not None
    assert ask(BRITISH, "GB", datetime(2026, 3, 28, 8, tzinfo=UTC)) is None
    assert ask(BRITISH, "GB", datetime(2026, 3, 29, 6, 59, tzinfo=UTC)) is not None
    assert ask(BRITISH, "GB", datetime(2026, 3, 29, 7, tzinfo=UTC)) is None
    evening = at("2026-10-24 21:00", LONDON)
    morning = datetime(2026, 10, 25, 8, tzinfo=UTC)
    assert ask(BRITISH, "GB", evening) == ("calling_hours", morning)


def test_an_opening_that_the_clocks_skip_does_not_happen() -> None:
    before = at("2026-03-29 01:00")
    assert ask(NIGHTLY, "BE", before) == ("calling_hours", at("2026-03-29 22:30"))


def test_an_opening_that_the_clocks_show_twice_happens_once() -> None:
    assert ask(NIGHTLY, "BE", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)) is None
    assert ask(NIGHTLY, "BE", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)) is not None


def test_the_eve_of_saint_nicholas_ends_early_every_year() -> None:
    """5 December is a Saturday in 2026, when it ends at four in any case, and a Sunday in 2027."""
    for year in (2028, 2029):
        last = at(f"{year}-12-05 18:29:59.999999", AMSTERDAM)
        assert ask(DUTCH, "NL", last) is None
        answer = ask(DUTCH, "NL", last + MICROSECOND)
        assert answer == ("calling_hours", at(f"{year}-12-06 09:00", AMSTERDAM))
    assert ask(DUTCH, "NL", at("2028-12-04 18:30", AMSTERDAM)) is None
    assert ask(DUTCH, "NL", at("2026-12-05 15:59", AMSTERDAM)) is None
    assert ask(DUTCH, "NL", at("2026-12-05 16:00", AMSTERDAM)) is not None


def test_a_leap_day_ends_early_only_when_there_is_one() -> None:
    assert ask(NIGHTLY, "BE", at("2028-02-29 02:29")) is None
    assert ask(NIGHTLY, "BE", at("2028-02-29 02:30")) == ("calling_hours", at("2028-03-01 02:00"))
    assert ask(NIGHTLY, "BE", at("2027-03-01 02:30")) is None


def test_a_day_that_ends_at_its_start_is_shut_and_one_that_ends_at_midnight_is_whole() -> None:
    """31 December and 1 January, then 2 January."""
    assert ask(NIGHTLY, "BE", at("2026-12-31 02:30")) == ("calling_hours", at("2027-01-02 02:00"))
    assert ask(NIGHTLY, "BE", at("2027-01-02 23:59:59.999999")) is None


def test_a_day_that_ends_at_its_start_is_shut_also_where_holidays_are() -> None:
    inventory = FRENCH.model_copy(update={"early_ends": {"03-03": "00:00"}})
    wednesday = at("2026-03-04 10:00")
    assert ask(inventory, "FR", at("2026-03-03 11:00")) == ("calling_hours", wednesday)


def test_new_year_comes_later_in_the_west() -> None:
    """It is 2027 in UTC, and still 31 December in New York."""
    eve = AMERICAN.model_copy(update={"early_ends": {"12-31": "18:00"}})
    evening = at("2026-12-31 19:30", NEW_YORK)
    assert ask(AMERICAN, "US", evening) is None
    opens = at("2027-01-01 08:00", HONOLULU)
    assert ask(eve, "US", evening) == ("calling_hours", opens)


def test_an_hour_that_comes_twice_is_open_twice_where_it_lies_in_the_hours() -> None:
    """Asked in local time, of which Python finds none equal to its own instant."""
    for fold in (0, 1):
        twice = at("2026-10-25 02:30").replace(fold=fold)
        assert ask(ROUND_THE_CLOCK, "BE", twice) is None
        assert until_change(ROUND_THE_CLOCK, country="BE", at=twice).tzinfo is UTC


def test_zones_that_differ_for_an_hour_a_year_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Havana puts its clock forward on the same day as New York, at midnight and not at two."""
    pair = ["America/New_York", "America/Havana"]
    monkeypatch.setattr(calling_hours, "get_global", lambda _key: {"XQ": pair})
    for begins, ends, half_past in (("00:15", "00:45", 5), ("02:15", "02:45", 6)):
        short = hours({day: [(begins, ends)] for day in ALL_WEEK})
        in_one = datetime(2026, 3, 8, half_past, 30, tzinfo=UTC)
        answer = ask(short, "XQ", in_one)
        assert answer == ("calling_hours", at(f"2026-03-09 {begins}", NEW_YORK))


def test_a_day_without_end_is_open_until_the_holiday_begins() -> None:
    """Friday 25 December 2026; the 26th is none in Belgium."""
    assert ask(ROUND_THE_CLOCK, "BE", at("2026-12-24 23:59:59.999999")) is None
    saturday = at("2026-12-26 00:00")
    assert ask(ROUND_THE_CLOCK, "BE", at("2026-12-25 00:00")) == ("holiday", saturday)
    assert until_change(ROUND_THE_CLOCK, country="BE", at=at("2026-12-24 10:00")) == at(
        "2026-12-25 00:00"
    )


def test_calling_the_united_states_is_open_only_when_it_is_from_new_york_to_hawaii() -> None:
    """Tuesday 3 March 2026, in winter time; Hawaii has no summer time."""
    opens, closes = at("2026-03-03 08:00", HONOLULU), at("2026-03-03 21:00", NEW_YORK)
    assert ask(AMERICAN, "US", opens - MICROSECOND) == ("calling_hours", opens)
    assert ask(AMERICAN, "US", opens) is None
    assert ask(AMERICAN, "US", closes - MICROSECOND) is None
    assert ask(AMERICAN, "US", closes) == ("calling_hours", at("2026-03-04 08:00", HONOLULU))
    assert until_change(AMERICAN, country="US", at=opens) == closes


def test_the_islands_of_a_country_are_asked_too() -> None:
    """The Canaries are an hour behind Madrid."""
    madrid, canaries = ZoneInfo("Europe/Madrid"), ZoneInfo("Atlantic/Canary")
    assert ask(FRENCH, "ES", at("2026-03-02 10:00", madrid)) is not None
    assert ask(FRENCH, "ES", at("2026-03-02 10:00", canaries)) is None
    assert ask(FRENCH, "ES", at("2026-03-02 13:30", canaries)) == (
        "calling_hours",
        at("2026-03-02 14:00", canaries),
    )
    assert ask(FRENCH, "ES", at("2026-03-02 20:00", madrid)) is not None


def test_a_holiday_of_one_region_counts_for_a_customer_of_whom_it_is_not_known() -> None:
    """Epiphany 2027 is a Wednesday, and a holiday in three of the German states."""
    epiphany = at("2027-01-06 12:00", BERLIN)
    assert ask(GERMAN, "DE", epiphany) == ("holiday", at("2027-01-07 08:00", BERLIN))
    national = GERMAN.model_copy(update={"any_region": False})
    assert ask(national, "DE", epiphany) is None
    christmas = at("2026-12-25 12:00", BERLIN)
    assert ask(national, "DE", christmas) == ("holiday", at("2026-12-28 08:00", BERLIN))


def test_without_a_country_of_holidays_they_are_open() -> None:
    assert ask(BRITISH, "GB", at("2026-12-25 12:00", LONDON)) is None


def test_an_answer_is_kept_until_the_next_closing() -> None:
    assert until_change(FRENCH, country="FR", at=at("2026-03-02 10:00")) == at("2026-03-02 13:00")
    assert until_change(FRENCH, country="FR", at=at("2026-03-02 14:00")) == at("2026-03-02 20:00")
    friday = at("2026-03-06 20:00")
    assert until_change(FRENCH, country="FR", at=friday) == at("2026-03-09 10:00")
    eve = at("2028-12-05 09:00", AMSTERDAM)
    assert until_change(DUTCH, country="NL", at=eve) == at("2028-12-05 18:30", AMSTERDAM)


def test_an_answer_is_kept_no_longer_than_its_reason() -> None:
    """The night before 14 July becomes the holiday, and that the night after it."""
    night = at("2026-07-13 21:00")
    assert until_change(FRENCH, country="FR", at=night) == at("2026-07-14 10:00")
    assert until_change(FRENCH, country="FR", at=at("2026-07-14 10:00")) == at("2026-07-14 13:00")
    evening = at("2026-07-14 20:00")
    assert until_change(FRENCH, country="FR", at=evening) == at("2026-07-15 10:00")


def test_what_never_changes_is_asked_again_in_a_week() -> None:
    always = hours({day: [("00:00", "24:00")] for day in ALL_WEEK})
    now = at("2026-03-02 10:00")
    later = until_change(always, country="FR", at=now)
    assert later == now + timedelta(days=8)
    assert later.tzinfo is UTC


@pytest.mark.parametrize("country", ["", "QQ", "001", "fr"])
def test_a_country_without_zones_is_refused(country: str) -> None:
    with pytest.raises(ValueError, match="no time zones"):
        shut(FRENCH, country=country, at=at("2026-03-02 10:00"))
    with pytest.raises(ValueError, match="no time zones"):
        until_change(FRENCH, country=country, at=at("2026-03-02 10:00"))


def test_a_time_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 3, 2, 10)  # noqa: DTZ001
    with pytest.raises(ValueError, match="aware datetime"):
        shut(FRENCH, country="FR", at=naive)
    with pytest.raises(ValueError, match="aware datetime"):
        until_change(FRENCH, country="FR", at=naive)


def test_hours_that_never_meet_are_refused() -> None:
    """Nine in New York is hours before nine in Hawaii."""
    short = hours({day: [("09:00", "10:00")] for day in ALL_WEEK})
    with pytest.raises(ValueError, match="never open in all zones"):
        shut(short, country="US", at=at("2026-03-02 10:00"))


def test_every_country_has_zones_that_can_be_read() -> None:
    """So that an odd country of a customer is a closed hour and not an error."""
    always = hours({day: [("00:00", "24:00")] for day in ALL_WEEK})
    known = [c for c in get_global("territory_zones") if len(c) == 2 and c not in {"ZZ"}]
    assert len(known) > 200
    for country in known:
        assert shut(always, country=country, at=at("2026-03-02 10:00")) is None


# --- for every instant ------------------------------------------------------------------------

instants = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001
    datetime(2030, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
# The clocks, the turn of the year, Easter, 5 December, a leap day.
awkward = st.builds(
    lambda day, minutes: datetime(*day, tzinfo=UTC) + timedelta(minutes=minutes),
    st.sampled_from(
        [
            (2026, 3, 7),
            (2026, 3, 28),
            (2026, 4, 2),
            (2026, 10, 24),
            (2026, 10, 31),
            (2026, 12, 24),
            (2026, 12, 30),
            (2028, 2, 28),
            (2028, 12, 4),
        ]
    ),
    st.integers(0, 4 * 1440),
)
moments = st.one_of(instants, awkward)
places = st.sampled_from(PLACES)


@lru_cache
def _off(country: str | None, regions: bool) -> frozenset[Any]:
    if country is None:
        return frozenset()
    years = range(2025, 2033)
    parts = holidays.country_holidays(country).subdivisions if regions else ()
    found = [holidays.country_holidays(country, subdiv=part, years=years) for part in parts]
    return frozenset().union(holidays.country_holidays(country, years=years), *found)


def _by_the_clock(place: Hours, country: str, when: datetime, feasts: bool = True) -> bool:
    """The slow and obvious way: what every clock of the country shows."""
    for name in get_global("territory_zones")[country]:
        local = when.astimezone(ZoneInfo(name))
        shown = local.strftime("%H:%M")
        periods = place.week.get(WEEKDAYS[local.weekday()], ())
        if not any(begins <= shown < ends for begins, ends in periods):
            return False
        if shown >= place.early_ends.get(local.strftime("%m-%d"), "24:00"):
            return False
        if feasts and local.date() in _off(place.holidays, place.any_region):
            return False
        # While a clock that was put back shows times again, they have been.
        if local.fold:
            return False
    return True


@settings(max_examples=400, deadline=None)
@given(places, moments)
@example((FRENCH, "FR"), datetime(2026, 7, 14, 9, tzinfo=UTC))
def test_the_answer_is_what_every_clock_of_the_country_says(
    where: tuple[Hours, str], when: datetime
) -> None:
    place, country = where
    if place is ROUND_THE_CLOCK and when.astimezone(PARIS).fold:
        return
    answer = shut(place, country=country, at=when)
    assert (answer is None) == _by_the_clock(place, country, when)
    if answer is not None:
        holiday = _by_the_clock(place, country, when, feasts=False)
        assert answer.code == ("holiday" if holiday else "calling_hours")


@settings(max_examples=400, deadline=None)
@given(places, moments)
def test_it_is_shut_until_the_very_instant_that_is_named(
    where: tuple[Hours, str], when: datetime
) -> None:
    place, country = where
    answer = shut(place, country=country, at=when)
    if answer is None:
        return
    assert answer.until > when
    assert shut(place, country=country, at=answer.until) is None
    last = shut(place, country=country, at=answer.until - MICROSECOND)
    assert last is not None
    assert last.until == answer.until


@settings(max_examples=400, deadline=None)
@given(places, moments, st.floats(0, 1))
def test_an_answer_does_not_change_while_it_may_be_kept(
    where: tuple[Hours, str], when: datetime, share: float
) -> None:
    place, country = where
    answer = shut(place, country=country, at=when)
    change = until_change(place, country=country, at=when)
    assert change > when
    meanwhile = when + (change - when - MICROSECOND) * share
    for later in (meanwhile, change - MICROSECOND):
        assert shut(place, country=country, at=later) == answer
    if answer is not None:
        assert change <= answer.until
    if change < when + timedelta(days=8):
        assert shut(place, country=country, at=change) != answer
