"""Calendars in words: what people type is read, or said to be unreadable; holidays have names."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import pytest
from django.utils import translation

from crm import calendar_words as words
from crm.rule_texts import Unread
from crm.workdays import DEFAULT
from tests.crm.calendars import CALENDARS, LISBON, NIGHTS, SPLIT


@pytest.mark.parametrize("calendar", [*CALENDARS, LISBON])
def test_what_is_shown_to_be_typed_reads_back_as_it_was(calendar: object) -> None:
    assert isinstance(calendar, type(DEFAULT))
    for found in calendar.hours.values():
        assert words.read_periods(words.periods_text(found)) == found
    assert words.read_days(words.days_text(calendar.extra_holidays)) == calendar.extra_holidays
    assert words.read_half_days(words.half_days_text(calendar.half_days)) == calendar.half_days


def test_people_write_hours_and_days_as_they_are_used_to() -> None:
    assert words.read_periods("13h00 – 17.30; 9:00-12:00") == (
        (time(9), time(12)),
        (time(13), time(17, 30)),
    )
    assert words.read_periods("22:00-00:00") == words.read_periods("22:00-24:00")
    christmas = frozenset({date(2026, 12, 24), date(2026, 12, 28)})
    assert words.read_days("24.12.2026\n\n 2026-12-28 ; 28/12/2026") == christmas
    assert words.read_half_days("24/12/2026  12.00, 2026-12-31 11:30") == {
        date(2026, 12, 24): time(12),
        date(2026, 12, 31): time(11, 30),
    }
    assert words.read_periods("") == () and words.read_days(" \n") == frozenset()


@pytest.mark.parametrize(
    "text",
    ["9-12", "09:00-09:00", "09:60-10:00", "24:00-25:00", "09:00-13:00, 12:59-14:00",
     "20:00-24:00, 21:00-24:00"],
)  # fmt: skip
def test_hours_that_are_none_are_named(text: str) -> None:
    with pytest.raises(Unread, match=r"\d"):
        words.read_periods(text)


def test_hours_are_said_in_short() -> None:
    assert words.opening_words(DEFAULT) == "Mon–Fri 09:00–17:30"
    assert words.opening_words(SPLIT) == (
        "Mon–Thu 09:00–12:00, 13:00–17:00; Fri 09:00–12:00; Sat 10:00–13:00"
    )
    assert "00:00–02:30" in words.opening_words(NIGHTS)
    assert words.opening_words(LISBON).endswith("Sun 00:30–02:30, 20:00–24:00")


@pytest.mark.parametrize(
    ("language", "country", "name"),
    [
        ("fr", "BE", "Noël"),
        ("nl", "BE", "Kerstmis"),
        ("en", "BE", "Christmas Day"),
        ("fr", "FR", "Noël"),
        ("nl", "FR", "Noël"),  # in the country's own words
        ("fr", "PT", "Dia de Natal"),
    ],
)
def test_a_holiday_is_named_in_the_readers_language_or_the_countrys(
    language: str, country: str, name: str
) -> None:
    calendar = replace(DEFAULT, country=country)
    with translation.override(language):
        assert words.holiday_names(calendar, 2026)[date(2026, 12, 25)] == name


@pytest.mark.parametrize("calendar", [DEFAULT, LISBON, replace(DEFAULT, country="DE", region="BY")])
def test_every_holiday_that_is_kept_has_a_name(calendar: object) -> None:
    assert isinstance(calendar, type(DEFAULT))
    for year in range(2026, 2031):
        for day, name in words.holiday_names(calendar, year).items():
            assert name
            assert not calendar.is_working_day(day)
    assert words.holiday_names(replace(DEFAULT, country=None), 2026) == {}


def test_places_have_names() -> None:
    bavaria = replace(DEFAULT, country="DE", region="BY")
    assert words.place(bavaria) == "Germany, Bayern (BY)"
    assert words.place(replace(DEFAULT, country=None)) == ""
    with translation.override("nl"):
        assert words.place(DEFAULT) == "België"
        assert ("BE", "België") in words.countries()
    assert dict(words.regions("DE"))["BY"] == "Bayern (BY)"
    assert words.regions("XX") == words.regions(None) == []


def test_every_zone_of_the_world_can_be_chosen() -> None:
    found = words.zones()
    assert next(iter(found)) == "Europe"
    assert "Europe/Brussels" in found["Europe"] and "America/New_York" in found["America"]
