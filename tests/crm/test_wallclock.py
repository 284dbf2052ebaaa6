"""The clock on the wall, on the days when it is put forward or back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.wallclock import instant_of, midnight, since_midnight, zone_of

BRUSSELS = zone_of("Europe/Brussels")
ZONES = ("Europe/Brussels", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia", "UTC")


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_an_ordinary_time() -> None:
    assert instant_of(wall("2026-03-02 09:00"), BRUSSELS) == utc("2026-03-02 08:00")


def test_a_time_that_the_clock_skips_is_the_change() -> None:
    for skipped in ("02:00", "02:00:01", "02:30", "02:59:59.999999", "03:00"):
        assert instant_of(wall(f"2026-03-29 {skipped}"), BRUSSELS) == utc("2026-03-29 01:00")


def test_a_time_that_the_clock_shows_twice_is_the_first() -> None:
    assert instant_of(wall("2026-10-25 02:30"), BRUSSELS) == utc("2026-10-25 00:30")


def test_a_clock_that_is_put_back_stands_still() -> None:
    first = wall("2026-10-25 02:30").replace(tzinfo=BRUSSELS)
    assert since_midnight(first, BRUSSELS) == timedelta(hours=2.5)
    assert since_midnight(first.replace(fold=1), BRUSSELS) == timedelta(hours=3)


def test_a_zone_that_does_not_exist_is_refused() -> None:
    for name in ("Europe/Atlantis", "", "../etc/passwd"):
        with pytest.raises(ValueError, match="no such time zone"):
            zone_of(name)


@given(
    st.sampled_from(ZONES),
    st.sampled_from(
        ["2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-04-04", "2011-12-29"]
    ),
    st.integers(0, 3 * 86_400),
    st.integers(0, 86_400),
)
def test_a_later_time_on_the_wall_is_never_an_earlier_instant(
    name: str, day: str, seconds: int, more: int
) -> None:
    earlier = wall(day) + timedelta(seconds=seconds)
    later = earlier + timedelta(seconds=more)
    assert instant_of(earlier, zone_of(name)) <= instant_of(later, zone_of(name))


@given(
    st.sampled_from(ZONES),
    st.sampled_from(["2026-03-28", "2026-10-24", "2026-10-31", "2026-04-04"]),
    st.integers(0, 3 * 86_400),
    st.integers(0, 7_200),
)
def test_a_later_instant_never_shows_an_earlier_time_of_its_day(
    name: str, day: str, seconds: int, more: int
) -> None:
    zone = zone_of(name)
    first = (utc(day) + timedelta(seconds=seconds)).astimezone(zone)
    second = (utc(day) + timedelta(seconds=seconds + more)).astimezone(zone)
    assert midnight(first.date()) + since_midnight(first, zone) <= (
        midnight(second.date()) + since_midnight(second, zone)
    )
