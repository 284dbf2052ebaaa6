"""Makes a summary fit its pages: smaller type first, never below 10 points; then a shorter text.

The law limits the contract summary to one page (three for some bundles) and to type of 10 points
or more. What had to be shortened stands in full in an annex after the comparison; totals and
the fixed sentences are never cut. The page on the web has no pages and is never shortened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from offers.sheet import Annex, Content, Section, Table
from offers.typesetting import PAGE_HEIGHT, summary_height
from offers.wording import say

SIZES = (11.5, 11.0, 10.5, 10.0)  # points of the running text, the last one by law
ONE_AND_ONE = 2  # a page of summary and a page of comparison
# How many paragraphs at the head of a section are the law's and ours, and are never cut.
FIXED_TEXTS = {"speeds": 1, "price": 1, "duration": 2, "disabilities": 1, "other": 2}
LONGEST_FIXED = 420  # letters


@dataclass(frozen=True)
class Fit:
    """One way to set a document. `pages` is None when its pages have to be counted."""

    content: Content
    size: float
    pages: int | None = None


@dataclass(frozen=True)
class Cut:
    """How much of every section stays: price lines, texts, and letters of one of them."""

    lines: int
    texts: int
    letters: int


CUTS = (Cut(24, 6, 400), Cut(16, 6, 400), Cut(10, 4, 400), Cut(4, 2, 400), Cut(3, 2, 60))


def ways(content: Content) -> Iterator[Fit]:
    """From the most legible to the shortest; the first that keeps its pages is the document."""
    for size in SIZES:
        if summary_height(content, size) <= PAGE_HEIGHT or size == SIZES[-1]:
            yield Fit(content, size, ONE_AND_ONE)
    if content.page_limit > 1:
        yield Fit(content, SIZES[0])
    yield Fit(content, SIZES[-1])
    for cut in CUTS:
        yield Fit(shorten(content, cut), SIZES[-1])


def shorten(content: Content, cut: Cut) -> Content:
    """The same with a summary of bounded length, and an annex with what it lost."""
    shorter = tuple(_shorter(section, cut, content.language) for section in content.sections)
    lost = [old for old, new in zip(content.sections, shorter, strict=True) if old != new]
    annex = Annex(
        heading=say("document_texts", "annex", content.language),
        lead=say("document_texts", "annex_lead", content.language),
        sections=tuple(lost),
    )
    return replace(
        content,
        company=_clipped(content.company, cut.letters),
        issue_line=_clipped(content.issue_line, 3 * cut.letters),
        contact_line=_clipped(content.contact_line, 2 * cut.letters),
        sections=shorter,
        annex=annex if lost else None,
    )


def _shorter(section: Section, cut: Cut, language: str) -> Section:
    fixed = FIXED_TEXTS.get(section.id, 0)
    own, more = section.paragraphs[:fixed], section.paragraphs[fixed : max(fixed, cut.texts)]
    return replace(
        section,
        lead=_clipped(section.lead, 2 * cut.letters),
        items=_few([_clipped(item, cut.letters) for item in section.items], cut.lines, language),
        table=_few_rows(section.table, cut, language) if section.table else None,
        paragraphs=tuple(
            [_clipped(text, LONGEST_FIXED) for text in own]
            + [_clipped(text, cut.letters) for text in more]
        ),
    )


def _few(items: list[str], most: int, language: str) -> tuple[str, ...]:
    if len(items) <= most:
        return tuple(items)
    return (*items[:most], _more(len(items) - most, language))


def _few_rows(table: Table, cut: Cut, language: str) -> Table:
    rows = [tuple(_clipped(cell, cut.letters) for cell in row) for row in table.rows]
    body, total = (rows[:-1], rows[-1:]) if table.total else (rows, [])
    if len(body) > cut.lines:
        gap = ("",) * (len(table.columns) - 1)
        body = [*body[: cut.lines], (_more(len(body) - cut.lines, language), *gap)]
    return replace(table, rows=(*body, *total))


def _more(count: int, language: str) -> str:
    return say("document_texts", "more_lines", language, count=count)


def _clipped(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"
