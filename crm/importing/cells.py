"""From the text of a cell to a value of ours, or the reason why not. Pure; the same for all kinds.

An empty cell says nothing: it is None here, and leaves what is there as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _

from crm import phone, rows
from crm.customers import fold
from crm.mappings import BadCell

Cells = Mapping[str, str]
MOST_PHONES = 10
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PLAIN_MAIL = re.compile(
    r"[a-z0-9_+-]+(\.[a-z0-9_+-]+)*@([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,18}", re.I
)
_DIGITS = re.compile(r"[1-9][0-9]{6,12}", re.ASCII)
_SCIENTIFIC = re.compile(r"[0-9]+([.,][0-9]+)?E\+?[0-9]+", re.I | re.ASCII)
_DAY = re.compile(r"([0-9]{1,4})[./-]([0-9]{1,2})[./-]([0-9]{1,4})", re.ASCII)
_HOUR = re.compile(r"([0-9]{1,2})[:hH]([0-9]{2})(?::([0-9]{2}))?(?:\.[0-9]+)?", re.ASCII)


def text(cells: Cells, name: str, longest: int, *, lines: bool = False) -> str | None:
    value = cells.get(name)
    if not value:
        return None
    if len(value) > longest:
        raise BadCell(name, _("is longer than %(n)s characters") % {"n": longest})
    if (_CONTROL_BUT_LINES if lines else _CONTROL).search(value):
        raise BadCell(name, _("has a control character or a line break in it"))
    return value if value.isascii() else unicodedata.normalize("NFC", value)


def needed(cells: Cells, name: str, longest: int) -> str:
    found = text(cells, name, longest)
    if found is None:
        raise BadCell(name, _("is missing"))
    return found


def one_of(cells: Cells, name: str, words: Mapping[str, str]) -> str | None:
    """A code of ours, by any of the words that are known for it (folded)."""
    value = cells.get(name)
    if not value:
        return None
    found = words.get(value) or words.get(fold(value))
    if found is None:
        known = ", ".join(dict.fromkeys(words.values()))
        raise BadCell(name, _("is none of %(known)s") % {"known": known})
    return found


def whole(cells: Cells, name: str, *, least: int, most: int) -> int | None:
    value = cells.get(name)
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 9 and least <= int(value) <= most):
        limits = {"least": least, "most": most}
        raise BadCell(name, _("is no whole number from %(least)s to %(most)s") % limits)
    return int(value)


def amount(cells: Cells, name: str) -> str | None:
    """Euro and cents, as text with a decimal point."""
    value = cells.get(name)
    return str(rows.amount(name, value)) if value else None


def number(name: str, value: str, country: str) -> str:
    """One telephone number in E.164."""
    try:
        return phone.normalise(value, country)
    except phone.NotANumber as error:
        raise BadCell(name, _why_no_number(value, country)) from error


def _lost_its_zero(value: str, country: str) -> bool:
    """Most countries' numbers are read without it; where it counts, nobody guesses."""
    if not _DIGITS.fullmatch(value):
        return False
    try:
        return bool(phone.normalise(f"0{value}", country))
    except phone.NotANumber:
        return False


def _why_no_number(value: str, country: str) -> str:
    if _lost_its_zero(value, country):
        return _("has lost its leading zero: a spreadsheet took it for a number")
    if _SCIENTIFIC.fullmatch(value):
        return _("was turned into a power of ten by a spreadsheet, and its digits are lost")
    if _DAY.fullmatch(value):
        return _("was turned into a date by a spreadsheet")
    return _("has something that is no telephone number")


def numbers(cells: Cells, names: tuple[str, ...], country: str) -> list[str] | None:
    """The numbers of several columns, each of which may hold several behind `;`."""
    found: dict[str, None] = {}
    for name in names:
        value = cells.get(name)
        if not value:
            continue
        for part in value.split(";") if ";" in value else (value,):
            if part := part.strip():
                found[number(name, part, country)] = None
    if len(found) > MOST_PHONES:
        raise BadCell(names[0], _("has more than %(n)s numbers") % {"n": MOST_PHONES})
    return list(found) or None


def emails(cells: Cells, name: str) -> list[str] | None:
    value = text(cells, name, 600)
    if value is None:
        return None
    found = list(dict.fromkeys(part.strip() for part in value.split(";") if part.strip()))
    for address in found:
        if not _PLAIN_MAIL.fullmatch(address) or len(address) > 254:
            try:
                validate_email(address)
            except ValidationError as error:
                raise BadCell(name, _("has something that is no mail address")) from error
    return found or None


def day(cells: Cells, name: str) -> date | None:
    """2026-11-20, or 20/11/2026 with any of / . - between: the day before the month."""
    value = cells.get(name)
    if not value:
        return None
    found = _as_day(value.split(" ")[0].split("T")[0])
    if found is None or not 1900 <= found.year <= 2199:
        raise BadCell(name, _("is no day such as 2026-11-20 or 20/11/2026"))
    return found


def _as_day(value: str) -> date | None:
    found = _DAY.fullmatch(value)
    if found is None:
        return None
    first, month, last = found.groups()
    if len(first) == 4:
        year, day_ = int(first), int(last)
    elif len(last) == 4:
        year, day_ = int(last), int(first)
    else:
        return None
    try:
        return date(year, int(month), day_)
    except ValueError:
        return None


def instant(cells: Cells, name: str) -> datetime | None:
    """A day with its hour, in the zone of the house unless it brings its own."""
    value = cells.get(name)
    if not value:
        return None
    found = _as_instant(value)
    if found is None:
        raise BadCell(name, _("is no day with its hour, such as 2026-11-20 14:05"))
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(settings.TIME_ZONE))


def _as_instant(value: str) -> datetime | None:
    try:
        # A day alone would be midnight, which nobody meant.
        return datetime.fromisoformat(value) if len(value) > 10 else None
    except ValueError:
        pass
    first, _blank, rest = value.replace("T", " ").partition(" ")
    on, hour = _as_day(first), _HOUR.fullmatch(rest.strip())
    if on is None or hour is None:
        return None
    try:
        at = time(int(hour[1]), int(hour[2]), int(hour[3] or 0))
    except ValueError:
        return None
    return datetime.combine(on, at)


class Field:
    """A column that a kind of file may have. `words`: how headings call it, folded, letters and
    digits only."""

    def __init__(self, name: str, label: str | Lazy, *words: str, needed: bool = False) -> None:
        self.name = name
        self.label = label
        self.words = frozenset((name.replace("_", ""), *words))
        self.needed = needed
