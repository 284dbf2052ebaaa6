"""Turns a document's content into bytes: a tagged PDF, and the same as an accessible page.

The PDF is PDF/UA-1 and PDF/A-2a, and the same content always gives the same bytes. A process that
has rendered must not fork workers afterwards: the engine's threads do not survive a fork.
"""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, time
from functools import lru_cache
from pathlib import Path

import typst
from django.template.loader import render_to_string

from offers.sheet import Content

HOUSE = Path(__file__).resolve().parent.parent
TEMPLATE = HOUSE / "templates" / "documents" / "offer.typ"
FONTS = HOUSE / "static" / "fonts"
# What the shipped font certainly draws: Latin, Greek and Cyrillic with their punctuation.
UNDRAWABLE = re.compile(
    "[^\\s!-~\u00a0-\u017f\u0391-\u03ce\u0410-\u044f\u2010-\u2026\u202f\u20ac\u00d7]"
)
# A word longer than a column may break anywhere; JSON's own marks are left whole.
LONG_WORD = re.compile(r"[^\s\"\\]{24}(?=[^\s\"\\])")

_press = threading.Lock()


def render_pdf(content: Content) -> bytes:
    """The document as PDF. Letters that no shipped font can draw become a white box."""
    data = content.as_json()
    try:
        return _compile(data, content)
    except typst.TypstError:
        # An archive format refuses text without a shape; the offer must reach the customer still.
        return _compile(UNDRAWABLE.sub("□", data), content)


def render_html(content: Content) -> str:
    """The document as one page without scripts, in the same words, figures and order."""
    return render_to_string("documents/offer.html", {"offer": content})


def _compile(data: str, content: Content) -> bytes:
    made_at = datetime.combine(content.issued, time(12), UTC)
    with _press:
        pdf = _compiler().compile(
            format="pdf",
            sys_inputs={"content": LONG_WORD.sub("\\g<0>\u200b", data)},
            pdf_standards=["ua-1", "a-2a"],
            timestamp=made_at,
        )
    if not isinstance(pdf, bytes):
        raise TypeError("the engine made no single PDF")
    return pdf


@lru_cache(maxsize=1)
def _compiler() -> typst.Compiler:
    """One per process; only the fonts of the project and of the engine, never the machine's."""
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[FONTS])
    return typst.Compiler(input=TEMPLATE, root=TEMPLATE.parent, font_paths=fonts)
