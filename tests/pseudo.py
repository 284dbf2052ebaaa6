"""A language that nobody speaks: each translated text stands in brackets, so the rest stands out.

Between its placeholders every string of the catalogues, and every sentence for customers, is put
into ⟦ ⟧. What is then read on a page outside of them was never handed to a translator, or is data.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Any

import holidays
import pytest
from babel import Locale
from django.apps import apps
from django.db import models
from django.utils import translation

from offers import wording

# What is filled in, and what is markup, stays as it is. "%%" is a percent sign of a format.
HOLDERS = re.compile(r"(%\(\w+\)[sd]|%%|\{[^{}]*\}|<[^<>]+>|&\w+;|\n)")
BRACKETED = re.compile(r"⟦[^⟦⟧]*⟧")
WORD = re.compile(r"[^\W\d_]{2,}")
# What a reader sees, or hears, of a tag.
SPOKEN = {"title", "placeholder", "aria-label", "alt", "label", "data-confirm"}
# Codes are shown as codes, keys as keys: <code>gate:read</code>, <kbd>Enter</kbd>.
SILENT = {"script", "style", "code", "kbd"}

# Short units of time, as the formats of French write them.
UNITS = ("sec", "min")


def bracketed(text: str) -> str:
    """`Version %(n)s` as `⟦Version ⟧%(n)s`."""
    parts = HOLDERS.split(str(text))
    return "".join(
        part if n % 2 or not WORD.search(part) else f"⟦{part}⟧" for n, part in enumerate(parts)
    )


def speak(patch: pytest.MonkeyPatch) -> None:
    """From now on everything that is translated comes out in brackets."""
    known: Any = translation._trans  # type: ignore[attr-defined]
    patch.setattr(known, "gettext", bracketed)
    patch.setattr(known, "gettext_noop", str)
    patch.setattr(known, "ngettext", lambda one, many, n: bracketed(one if n == 1 else many))
    patch.setattr(known, "pgettext", lambda _context, text: bracketed(text))
    patch.setattr(
        known, "npgettext", lambda _context, one, many, n: bracketed(one if n == 1 else many)
    )
    said = wording._sentence
    patch.setattr(wording, "_sentence", lambda *key: bracketed(said(*key)))


class _Reader(HTMLParser):
    """What of a page is read or heard, piece by piece."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.silent += tag in SILENT
        self.said += [value for name, value in attrs if name in SPOKEN and value]
        if tag == "input" and given.get("type") in {"submit", "button"}:
            self.said.append(given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self.silent and data.strip():
            self.said.append(" ".join(data.split()))


def read(page: str) -> list[str]:
    """Every text of a page that a person sees or hears."""
    reader = _Reader()
    reader.feed(page)
    return reader.said


def words_of_formats(language: str) -> set[str]:
    """Days, months, units, countries, zones, holidays, as formats and registers write them."""
    locale = Locale.parse(language)
    found = {word for zone in zoneinfo.available_timezones() for word in WORD.findall(zone)}
    tables = [widths for names in (locale.days, locale.months) for widths in names.values()]
    for width in (width for widths in tables for width in widths.values()):
        found |= {word for name in width.values() for word in WORD.findall(str(name))}
    found |= {word.capitalize() for word in found}
    feasts = holidays.country_holidays("BE", years=(2026, 2027), language=language)
    for name in (*locale.territories.values(), *feasts.values(), *UNITS):
        found |= set(WORD.findall(name))
    return found


def data_texts() -> set[str]:
    """What people wrote or the scene filled in: the free texts of every row there is."""
    found: set[str] = set()
    for model in apps.get_models():
        names = [field.attname for field in model._meta.concrete_fields if _free(field)]
        if names and model._meta.managed:
            for row in model._default_manager.values_list(*names):
                found |= set(_texts(row))
    return found


def _free(field: models.Field[Any, Any]) -> bool:
    return not field.choices and isinstance(
        field, models.CharField | models.TextField | models.JSONField
    )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield " ".join(value.split())
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def bare(said: Iterable[str], data: Iterable[str], known: set[str]) -> Iterator[str]:
    """What is left of the texts without brackets, data and known words, where it has words."""
    long_first = sorted({text for text in data if WORD.search(text)}, key=len, reverse=True)
    for text in said:
        rest = BRACKETED.sub(" ", text)
        for piece in long_first if WORD.search(rest) else ():
            if piece in rest:
                rest = re.sub(rf"(?<!\w){re.escape(piece)}(?!\w)", " ", rest)
        if set(WORD.findall(rest)) - known:
            yield " ".join(rest.split())
