"""A written answer as a document: what somebody typed, set on the company's paper."""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, date, datetime, time
from functools import lru_cache

import typst
from django.conf import settings

from offers.rendering import FONTS, LONG_WORD, TEMPLATE, UNDRAWABLE
from offers.sheet import plain
from offers.wording import day, say

LONGEST = 10_000  # characters of an answer: some four pages

_press = threading.Lock()


def title(language: str, *, question: str = "") -> str:
    """What the answer is called; it does not speak of a question that nobody asked."""
    return _said("title" if question else "letter", language)


def render(*, question: str, answer: str, language: str, on: date) -> bytes:
    """The answer as PDF/UA-1 and PDF/A-2a. Letters that no shipped font draws become a box."""
    words = {
        "language": language,
        "company": plain(settings.COMPANY_NAME),
        "on": on.isoformat(),
        "title": title(language, question=question),
        "dated": _said("dated", language, date=day(on, language)),
        "asked": _said("asked", language),
        "question": _paragraphs(question),
        "answered": _said("answered", language),
        "answer": _paragraphs(answer[:LONGEST]),
        "contact": _said("contact", language, contact=plain(settings.COMPANY_CONTACT).rstrip(".")),
        "page_word": _said("page", language),
    }
    data = json.dumps(words, ensure_ascii=False)
    try:
        return _compile(data, on)
    except typst.TypstError:
        return _compile(UNDRAWABLE.sub("□", data), on)


def _said(key: str, language: str, **values: object) -> str:
    return say("answer_texts", key, language, **values)


def _paragraphs(text: str) -> list[str]:
    """A line that somebody ended is a paragraph; nothing else of the layout is kept."""
    return [line for raw in re.split(r"[\r\n]+", text) if (line := plain(raw))]


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
    paper = TEMPLATE.with_name("answer.typ")
    return typst.Compiler(input=paper, root=paper.parent, font_paths=fonts)
