"""The dossier of a person as bytes: JSON for machines, and a PDF that the person can read."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import typst
from django.conf import settings

from crm import audit, own_data
from crm.actors import Actor
from crm.models import Customer
from offers.rendering import FONTS, LONG_WORD, TEMPLATE, UNDRAWABLE
from offers.sheet import plain
from offers.wording import day, money, read, say

TEXTS = "dossier_texts"
AMOUNTS = frozenset({"monthly", "promo_monthly", "one_off", "termination_fee"})
LONGEST = 600  # characters of one value in the PDF; the JSON has all of them
DATE = re.compile(r"\d{4}-\d\d-\d\d")
_press = threading.Lock()


def export(*, customer: Customer, kind: str, by: Actor, at: datetime) -> bytes:
    """The dossier as `json` or `pdf`, and a line in the audit that it was taken.

    Must not be called in a transaction that a long print holds up; reads what was committed.
    """
    known = own_data.of(customer, at=at)
    made = paper(known) if kind == "pdf" else as_json(known)
    audit.write(
        action="dossier_taken",
        subject=f"customer:{customer.pk}",
        by=by,
        at=at,
        data={"kind": kind},
    )
    return made


def as_json(known: dict[str, Any]) -> bytes:
    return json.dumps(known, ensure_ascii=False, indent=1).encode() + b"\n"


def paper(known: dict[str, Any]) -> bytes:
    """The dossier as PDF/UA-1 and PDF/A-2a, in the person's language."""
    language, made_at = known["language"], datetime.fromisoformat(known["made_at"])
    on = made_at.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    contact = plain(settings.COMPANY_CONTACT).rstrip(".")
    words = {
        "language": language,
        "company": plain(settings.COMPANY_NAME),
        "on": on.isoformat(),
        "title": say(TEXTS, "title", language),
        "made": say(TEXTS, "made", language, date=day(on, language), reference=known["customer"]),
        "lead": say(TEXTS, "lead", language, zone=settings.TIME_ZONE),
        "rights": say(TEXTS, "rights", language, contact=contact),
        "nothing": say(TEXTS, "nothing", language),
        "page_word": say(TEXTS, "page", language),
        "sections": [
            {
                "title": say(TEXTS, f"s_{name}", language),
                "rows": [_labelled(row, language) for row in rows],
            }
            for name, rows in known["sections"].items()
        ],
    }
    data = json.dumps(words, ensure_ascii=False)
    try:
        return _compile(data, on)
    except typst.TypstError:
        return _compile(UNDRAWABLE.sub("□", data), on)


def _labelled(row: dict[str, Any], language: str) -> list[list[str]]:
    """Label and value of what is not empty; codes in words, and no bytes."""
    told = []
    for name, value in row.items():
        if value in (None, "") or name.endswith(("_words", "_base64")):
            continue
        if name in AMOUNTS:
            value = money(Decimal(value), language)
        said = row.get(f"{name}_words") or _said(value, language)
        told.append([say(TEXTS, f"f_{name}", language), plain(said)[:LONGEST]])
    return told


def _said(value: Any, language: str) -> str:
    if isinstance(value, bool):
        return say(TEXTS, "said_yes" if value else "said_no", language)
    if isinstance(value, str):
        return _instant(value, language)
    return json.dumps(value, ensure_ascii=False)


def _instant(text: str, language: str) -> str:
    """An instant on the clock of the house, a date in full; any other text as it is."""
    with contextlib.suppress(ValueError):
        if DATE.fullmatch(text):
            return day(date.fromisoformat(text), language)
    try:
        found = datetime.fromisoformat(text) if "T" in text else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        return text
    local = found.astimezone(ZoneInfo(settings.TIME_ZONE))
    return f"{day(local.date(), language)}, {local:%H:%M}"


def labels() -> frozenset[str]:
    """Every section and field that has a name: a test compares them with what is told."""
    return frozenset(read(TEXTS))


def _compile(data: str, on: date) -> bytes:
    with _press:
        pdf = _compiler().compile(
            format="pdf",
            sys_inputs={"content": LONG_WORD.sub("\\g<0>\u200b", data)},
            pdf_standards=["ua-1", "a-2a"],
            timestamp=datetime.combine(on, time(12), UTC),
        )
    if not isinstance(pdf, bytes):
        raise TypeError("the engine made no single PDF")
    return pdf


@lru_cache(maxsize=1)
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[FONTS])
    page = TEMPLATE.with_name("dossier.typ")
    return typst.Compiler(input=page, root=page.parent, font_paths=fonts)
