"""How amounts, dates and fixed sentences are said to a customer, in the customer's language."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

DATA = Path(__file__).resolve().parent / "data"
LANGUAGES = ("fr", "nl", "de", "en")
LOCALES = {
    language: Locale.parse(code)
    for language, code in {"fr": "fr_BE", "nl": "nl_BE", "de": "de_BE", "en": "en_IE"}.items()
}


@lru_cache(maxsize=8)
def read(room: str) -> dict[str, Any]:
    """A data file of this app, read once per process."""
    content = yaml.safe_load((DATA / f"{room}.yaml").read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{room}.yaml holds no table")
    return content


def say(room: str, key: str, language: str, **values: object) -> str:
    """The sentence `key` of a text file, filled in. KeyError when a language lacks it.

    Values are arguments of the format, never the format: braces in them stay braces.
    """
    sentence = _sentence(room, key, language)
    return sentence.format(**values) if values else sentence


@lru_cache(maxsize=4096)
def _sentence(room: str, key: str, language: str) -> str:
    return _spaced(read(room)[key][language], language)


def _spaced(sentence: str, language: str) -> str:
    """French sets a space that never breaks before a tall mark."""
    if language != "fr":
        return sentence
    return re.sub(" ([:;?!»])", "\u00a0\\1", sentence).replace("« ", "«\u00a0")


@lru_cache(maxsize=8192)
def money(amount: Decimal, language: str, currency: str = "EUR") -> str:
    return format_currency(amount, currency, locale=LOCALES[language])


def number(value: int, language: str) -> str:
    return format_decimal(value, locale=LOCALES[language])


@lru_cache(maxsize=4096)
def day(value: date, language: str) -> str:
    """A date in full. French says "1er" for the first of a month, which CLDR does not know."""
    spoken = format_date(value, "long", locale=LOCALES[language])
    if language == "fr" and value.day == 1:
        return spoken.replace("1 ", "1er ", 1)
    return spoken
