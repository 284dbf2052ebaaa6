"""The first sheet of what goes on paper: address window, what was promised, and the marks.

Turns lines of a run into pages, many in one go. Writes nothing.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import typst
from django.conf import settings

from offers import links, marks, postal
from offers.models import PrintLine
from offers.rendering import FONTS, HOUSE
from offers.sheet import plain
from offers.wording import day, number, say

TEMPLATE = HOUSE / "templates" / "documents" / "cover.typ"
# Left edge of the address window in millimetres: on the right in Belgium and its neighbours to the
# south, on the left in DIN countries. Its height is the same.
WINDOW_RIGHT, WINDOW_LEFT = 108, 22
RIGHT = frozenset({"BE", "FR", "LU"})
LONGEST_WORDS = 600

_lock = threading.Lock()


@dataclass(frozen=True)
class Cover:
    """What one cover says; every field is one line of text, `qr` and `bars` name its images."""

    language: str
    window: int
    sender: str
    to: tuple[str, ...]
    company: str
    reference_label: str
    reference: str
    greeting: str
    promised: str
    words: str
    enclosed: str
    quiet: str
    contact: str
    closing: str
    online: str
    site: str
    code_label: str
    typed: str
    code: str
    mark: str
    run: str
    qr: str
    bars: str


def render(lines: Sequence[PrintLine], *, total: int) -> bytes:
    """A PDF with one page for each line, in that order. A few hundred lines at a time."""
    images: dict[str, bytes] = {}
    pages = [_cover(line, place, total, images) for place, line in enumerate(lines)]
    data = json.dumps([asdict(page) for page in pages], ensure_ascii=False)
    # The types of the package do not know that files may come from memory.
    files: Any = {"main.typ": _template(), "covers.json": data.encode()}
    files |= images
    with _lock:
        pdf = _compiler().compile(input=files, format="pdf")
    if not isinstance(pdf, bytes):
        raise TypeError("the engine made no single PDF")
    return pdf


def _cover(line: PrintLine, place: int, total: int, images: dict[str, bytes]) -> Cover:
    delivery, language = line.delivery, line.delivery.language
    text, code = delivery.text, line.code
    name, reference = plain(text.to_name), plain(text.reference)
    qr, bars = f"qr{place}.svg", f"bars{place}.svg"
    images[qr], images[bars] = marks.qr(links.url(delivery)), marks.code128(code)
    street, postcode, city = postal.parts(text.address)
    contact = plain(settings.COMPANY_CONTACT).rstrip(".")
    return Cover(
        language=language,
        window=WINDOW_RIGHT if settings.DEFAULT_COUNTRY in RIGHT else WINDOW_LEFT,
        sender=plain(settings.COMPANY_NAME),
        to=tuple(plain(part) for part in (name, street, f"{postcode} {city}")),
        company=plain(settings.COMPANY_NAME),
        reference_label=_said("reference", language),
        reference=reference,
        greeting=_said("greeting" if name else "greeting_unnamed", language, name=name),
        promised=_said("promised", language, date=_day(text.promised_date, language)),
        words=plain(text.words)[:LONGEST_WORDS],
        enclosed=_said("enclosed" if delivery.version_id else "enclosed_document", language),
        quiet=_quiet(language, text.reading_days),
        contact=_said("contact", language, contact=contact, reference=reference),
        closing=_said("closing", language),
        online=_said("online", language),
        site=f"{settings.BASE_URL}/o/",
        code_label=_said("code", language),
        typed=links.spaced(links.paper_code(delivery)),
        code=code,
        mark=f"{line.sequence} / {total}",
        run=str(line.run_id),
        qr=qr,
        bars=bars,
    )


def _said(key: str, language: str, **values: object) -> str:
    return say("cover_texts", key, language, **values)


def _quiet(language: str, days: int) -> str:
    if days == 1:
        return _said("quiet_one", language)
    return _said("quiet", language, days=number(days, language))


@lru_cache(maxsize=512)
def _day(value: date, language: str) -> str:
    return day(value, language)


@lru_cache(maxsize=1)
def _template() -> bytes:
    return TEMPLATE.read_bytes()


@lru_cache(maxsize=1)
def _compiler() -> typst.Compiler:
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[FONTS])
    # The types of the package do not know that files may come from memory.
    files: Any = {"main.typ": _template(), "covers.json": b"[]"}
    return typst.Compiler(input=files, font_paths=fonts)
