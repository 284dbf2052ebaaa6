"""Turns a document's content into bytes: a tagged PDF, and the same as an accessible page.

The PDF is PDF/UA-1 and PDF/A-2a, and the same content always gives the same bytes. A process that
has rendered must not fork workers afterwards: the engine's threads do not survive a fork.
"""

from __future__ import annotations

import io
import json
import os
import re
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Any

import pikepdf
import typst
from django.template.loader import render_to_string

from offers.fitting import Fit, ways
from offers.sheet import Content
from offers.typesetting import set_content

HOUSE = Path(__file__).resolve().parent.parent
TEMPLATE = HOUSE / "templates" / "documents" / "offer.typ"
FONTS = HOUSE / "offers" / "fonts"
# What the shipped font certainly draws: Latin, Greek and Cyrillic with their punctuation.
UNDRAWABLE = re.compile(
    "[^\\s!-~\u00a0-\u017f\u0391-\u03ce\u0410-\u044f\u2010-\u2026\u202f\u20ac\u00d7]"
)
# A word longer than a column may break anywhere; JSON's own marks are left whole.
LONG_WORD = re.compile(r"[^\s\"\\]{24}(?=[^\s\"\\])")

# What the template's panic says.
TOO_LONG = "panicked with: the summary is too long"
PAGE_TREE = re.compile(rb"/Type/Pages/Count (\d+)")

# One document at a time and one thread for it: cores are used by processes, and threads that wait
# for each other cost a tenth of the work. Read by the engine when it first works.
os.environ.setdefault("RAYON_NUM_THREADS", "1")

_lock = threading.Lock()


class TooLong(ValueError):
    """A document that cannot keep the page limit of its summary."""


def render_pdf(content: Content) -> bytes:
    """The document as PDF. Letters that no shipped font can draw become a white box.

    Raises TooLong when even the shortened summary does not fit its pages.
    """
    for way in ways(content):
        pdf = _compile(way)
        if pdf is not None:
            return pdf
    raise TooLong(f"a summary of more than {content.page_limit} pages")


def render_many(contents: Iterable[Content]) -> Iterator[bytes]:
    """Each document as PDF, in the order asked and with the same bytes as `render_pdf` gives.

    Lazy: takes one content, yields one PDF and holds nothing else, so that a print run of any
    length needs the memory of one document. Call it in as many processes as there are cores.
    """
    for content in contents:
        yield render_pdf(content)


def render_html(content: Content) -> str:
    """The document as one page without scripts, in the same words, figures and order."""
    return render_to_string("documents/offer.html", {"offer": content})


def _compile(way: Fit) -> bytes | None:
    """None when the document needs other pages than that."""
    data = _input(way)
    try:
        pdf = _press(data, way.content)
    except typst.TypstError as error:
        if TOO_LONG in str(error):
            return None
        if not UNDRAWABLE.search(data):
            raise
        # An archive format refuses text without a shape; the offer must reach the customer still.
        return _compile_drawable(data, way)
    return _kept(pdf, way)


def _compile_drawable(data: str, way: Fit) -> bytes | None:
    try:
        pdf = _press(UNDRAWABLE.sub("□", data), way.content)
    except typst.TypstError as error:
        if TOO_LONG in str(error):
            return None
        raise
    return _kept(pdf, way)


def _kept(pdf: bytes, way: Fit) -> bytes | None:
    return pdf if way.pages in (None, page_count(pdf)) else None


def page_count(pdf: bytes) -> int:
    """The pages of a PDF that was made here."""
    said = PAGE_TREE.findall(pdf)
    if len(said) == 1:
        return int(said[0])
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return len(opened.pages)


def _input(way: Fit) -> str:
    offer = set_content(way.content, way.size)
    data = {
        "offer": offer,
        "size": way.size,
        "pages": way.pages,
        "limit": way.content.page_limit,
    }
    return LONG_WORD.sub("\\g<0>\u200b", json.dumps(data, ensure_ascii=False))


def _press(data: str, content: Content) -> bytes:
    # The stubs of typst know paths and bytes, not a folder of them.
    files: Any = {"main.typ": _template(), "content.json": data.encode()}
    with _lock:
        pdf = _compiler().compile(
            input=files,
            format="pdf",
            pdf_standards=["ua-1", "a-2a"],
            timestamp=datetime.combine(content.issued, time(12), UTC),
        )
    if not isinstance(pdf, bytes):
        raise TypeError("the engine made no single PDF")
    return pdf


@lru_cache(maxsize=1)
def _template() -> bytes:
    return TEMPLATE.read_bytes()


@lru_cache(maxsize=1)
def _compiler() -> typst.Compiler:
    """One per process; only the fonts of the project and of the engine, never the machine's."""
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[FONTS])
    files: Any = {"main.typ": _template(), "content.json": b"{}"}
    return typst.Compiler(input=files, font_paths=fonts)
