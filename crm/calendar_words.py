"""Calendars in words: openings and days as people read and write them, holidays by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, time
from functools import lru_cache
from zoneinfo import available_timezones

import holidays
from babel import Locale
from babel.dates import get_day_names
from django.utils.functional import Promise as Lazy
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from crm import instants
from crm.rule_texts import CLOCK, Unread, periods
from crm.workdays import MIDNIGHT, Calendar, Period

ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
SPOKEN = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})", re.ASCII)
HALF = re.compile(rf"(\S+)\s+{CLOCK}", re.ASCII)
CONTINENTS = ("Europe", "Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia",
              "Indian", "Pacific")  # fmt: skip
# A day off in another century is a slip of the keyboard.
FIRST_YEAR, LAST_YEAR = 2000, 2099


def weekday(number: int, width: str = "wide") -> str:
    """The name of a weekday; 0 is Monday."""
    return str(get_day_names(width, locale=instants.locale())[number])  # type: ignore[arg-type]


def written(moment: time, *, last: bool = False) -> str:
    return "24:00" if last and moment == MIDNIGHT else f"{moment:%H:%M}"


def periods_words(found: Iterable[Period]) -> str:
    """ "09:00–12:00, 13:00–17:30" """
    return ", ".join(f"{written(start)}–{written(end, last=True)}" for start, end in found)


def opening_words(calendar: Calendar) -> str:
    """ "Mon–Fri 09:00–17:30", for whoever agrees a time with a customer."""
    runs: list[tuple[int, int, tuple[Period, ...]]] = []
    for day, found in calendar.hours.items():
        if runs and runs[-1][1] == day - 1 and runs[-1][2] == found:
            runs[-1] = (runs[-1][0], day, found)
        else:
            runs.append((day, day, found))
    return "; ".join(
        weekday(first, "abbreviated")
        + ("" if first == last else f"–{weekday(last, 'abbreviated')}")
        + f" {periods_words(found)}"
        for first, last, found in runs
        if found
    )


def read_periods(text: str) -> tuple[Period, ...]:
    """ "9:00-12:00, 13.00-24:00" in order. Raises Unread, also for what overlaps."""
    found = sorted((_clock(start), _clock(end, last=True)) for start, end in periods(text))
    before = time(0)
    for place, (start, end) in enumerate(found):
        open_end = place and before == MIDNIGHT
        if open_end or start < before or (end != MIDNIGHT and end <= start):
            said = f"{written(start)}-{written(end, last=True)}"
            words = _("%(period)s is empty, or overlaps the one before it.")
            raise Unread(words % {"period": said})
        before = end
    return tuple(found)


def periods_text(found: Iterable[Period]) -> str:
    """As it is typed."""
    return ", ".join(f"{written(start)}-{written(end, last=True)}" for start, end in found)


def read_days(text: str) -> frozenset[date]:
    """Days, one a line or with commas between. Raises Unread."""
    return frozenset(_day(piece) for piece in _pieces(text))


def days_text(found: Iterable[date]) -> str:
    return "\n".join(day.isoformat() for day in sorted(found))


def read_half_days(text: str) -> dict[date, time]:
    """Days with the time at which work ends: "2026-12-24 12:00". Raises Unread."""
    found = {}
    for piece in _pieces(text):
        match = HALF.fullmatch(piece)
        if match is None:
            words = _("“%(piece)s” is not a day and a time, such as 2026-12-24 12:00.")
            raise Unread(words % {"piece": piece})
        day, hours, minutes = match.groups()
        end = _clock(f"{hours}:{minutes}")
        if end == MIDNIGHT:
            raise Unread(_("“%(piece)s” ends before it begins.") % {"piece": piece})
        found[_day(day)] = end
    return found


def half_days_text(found: Mapping[date, time]) -> str:
    return "\n".join(f"{day.isoformat()} {written(end)}" for day, end in sorted(found.items()))


def _clock(text: str, *, last: bool = False) -> time:
    if last and text == "24:00":
        return MIDNIGHT
    hours, _colon, minutes = text.partition(":")
    try:
        return time(int(hours), int(minutes))
    except ValueError as error:
        raise Unread(_("There is no such time: %(time)s") % {"time": text}) from error


def _day(text: str) -> date:
    iso, spoken = ISO.fullmatch(text), SPOKEN.fullmatch(text)
    try:
        if iso:
            found = date(*map(int, iso.groups()))
        elif spoken:
            found = date(*map(int, reversed(spoken.groups())))
        else:
            raise ValueError(text)
    except ValueError as error:
        words = _("“%(piece)s” is not a day, such as 2026-12-24.")
        raise Unread(words % {"piece": text}) from error
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        words = _("%(day)s is not between %(first)s and %(last)s.")
        raise Unread(words % {"day": text, "first": FIRST_YEAR, "last": LAST_YEAR})
    return found


def _pieces(text: str) -> list[str]:
    return [" ".join(piece.split()) for piece in re.split(r"[,;\n]", text) if piece.strip()]


@lru_cache(maxsize=1)
def zones() -> dict[str, list[str]]:
    """The time zones of the world by continent; Europe comes first."""
    known = sorted(available_timezones())
    return {one: [zone for zone in known if zone.startswith(f"{one}/")] for one in CONTINENTS}


def country_name(code: str | None) -> str:
    """ "Belgium"; the code for a country without a name in this language, empty for none."""
    return str(Locale.parse(instants.locale()).territories.get(code, code)) if code else ""


# Where the register has an English adjective instead of a name.
COMMUNITIES: dict[tuple[str, str], Lazy] = {
    ("BE", "German"): gettext_lazy("German-speaking Community"),
    ("BE", "French"): gettext_lazy("French Community"),
    ("BE", "Flemish"): gettext_lazy("Flemish Community"),
}


def countries() -> list[tuple[str, str]]:
    """The countries whose public holidays are known, by name."""
    codes = holidays.list_supported_countries(include_aliases=False)
    return sorted(((code, country_name(code)) for code in codes), key=lambda one: one[1])


def regions(country: str | None) -> list[tuple[str, str]]:
    """The regions of a country that have holidays of their own, by name where it is known."""
    if country not in holidays.list_supported_countries(include_aliases=False):
        return []
    known = holidays.list_supported_countries(include_aliases=False)[country]
    names = getattr(holidays.country_holidays(country), "subdivisions_aliases", {})
    spoken = {code: name for name, code in names.items() if len(name) > 3}
    ours = {code: f"{name} ({code})" for code, name in spoken.items()}
    ours |= {code: str(name) for (of, code), name in COMMUNITIES.items() if of == country}
    return sorted(((code, ours.get(code, code)) for code in known), key=lambda one: one[1])


def place(calendar: Calendar) -> str:
    """Whose public holidays: "Germany, Bayern (BY)"; empty for nobody's."""
    names = dict(regions(calendar.country)) if calendar.region else {}
    parts = (country_name(calendar.country), names.get(calendar.region or "", calendar.region))
    return ", ".join(part for part in parts if part)


def holiday_names(calendar: Calendar, year: int) -> dict[date, str]:
    """The public holidays of a year, in the reader's language, else in the country's own."""
    if calendar.country is None:
        return {}
    return _names(calendar.country, calendar.region, year, (get_language() or "en")[:2])


@lru_cache(maxsize=256)
def _names(country: str, region: str | None, year: int, language: str) -> dict[date, str]:
    rows: type[holidays.HolidayBase] = getattr(holidays, country)
    known = getattr(rows, "supported_languages", ())
    # Without a language the library asks the machine's.
    spoken = next((one for one in known if one[:2] == language), rows.default_language)
    found = holidays.country_holidays(country, subdiv=region, years=year, language=spoken)
    return dict(sorted(found.items()))
