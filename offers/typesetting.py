"""How wide words are on paper, so that the engine is told the size of tables instead of trying."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from offers.sheet import Content, Section, Table

PAGE_WIDTH = 482.0  # points between the margins of an A4 page
PAGE_HEIGHT = 720.0  # of 748, since a page that proves too full has to be set again
GUTTER = 10.0
ROUNDING = 0.1
STEP = 8.0  # widths repeat from one offer to the next, so that the engine knows the words again
CAP_HEIGHT = 0.66  # of the shipped font; the engine sets a line from there to the baseline
# What pages took, set in four languages, beside the sum of upper bounds.
MEASURED = 0.8
# The share of the width that columns of figures may take; what is longer breaks.
FIGURES_SHARE = 0.66
NARROW = frozenset(" .,:;'’‘!|()[]iljtfrI\u00a0\u202f")
WIDE = frozenset("mwMW@%—…ÆŒæœ€")


def breadth(text: str, size: float) -> float:
    """An upper bound of the width of a line, in points, for the letters of the shipped font."""
    return ems(text) * size


@lru_cache(maxsize=4096)
def ems(text: str) -> float:
    return sum(map(_ems, text))


@lru_cache(maxsize=1024)
def _ems(char: str) -> float:
    if char in NARROW:
        return 0.40
    if char in WIDE or ord(char) > 0x250:
        return 1.0
    return 0.70 if char.isupper() else 0.60


def set_table(table: Table, size: float) -> dict[str, Any]:
    """Column widths and row heights in points. A height of 0 means: as high as its words need."""
    rows = (table.columns, *table.rows)
    pad = size * 0.42
    widths = _widths([[breadth(cell, size) for cell in row] for row in rows])
    heights = [_height(row, widths, size, pad) for row in rows]
    return {"widths": widths, "heights": heights, "pad": round(pad, 2)}


def _widths(cells: list[list[float]]) -> list[float]:
    """Figures get what they need, within their share; the words before them get the rest."""
    wanted = [max(row[at] for row in cells) + GUTTER for at in range(1, len(cells[0]))]
    room = PAGE_WIDTH * FIGURES_SHARE
    each = room / max(len(wanted), 1)
    steps = [math.ceil(width / STEP) * STEP for width in wanted]
    figures = steps if sum(steps) <= room else [min(width, each) for width in wanted]
    return [round(PAGE_WIDTH - sum(figures), 1), *(round(width, 1) for width in figures)]


def _height(row: tuple[str, ...], widths: list[float], size: float, pad: float) -> float:
    fits = all(
        breadth(cell, size) + (GUTTER if at else 0) <= widths[at] + ROUNDING
        for at, cell in enumerate(row)
    )
    return round(size * CAP_HEIGHT + 2 * pad, 1) if fits else 0


def set_content(content: Content, size: float) -> dict[str, Any]:
    """The content as the template reads it."""
    data = content.as_data()
    tables = [(s, t.table) for s, t in zip(data["sections"], content.sections, strict=True)]
    if content.annex:
        annexed = zip(data["annex"]["sections"], content.annex.sections, strict=True)
        tables += [(s, t.table) for s, t in annexed]
    for place, table in [*tables, (data["compared"], content.compared.table)]:
        if table:
            place["table"].update(set_table(table, size))
    return data


def summary_height(content: Content, size: float) -> float:
    """About how high the summary is, in points: enough to choose a size to begin with."""
    line = size * 1.28
    head = [content.issue_line, content.contact_line, content.introduction, content.company]
    lines = sum(_lines(text, size) for text in head)
    return (
        55 + lines * line + sum(_section_height(part, size, line) for part in content.sections)
    ) * MEASURED


def _section_height(section: Section, size: float, line: float) -> float:
    texts = [*section.items, *section.paragraphs, *([section.lead] if section.lead else [])]
    lines = sum(_lines(text, size) for text in texts)
    height = 3.3 * size + lines * line + len(texts) * 0.25 * size
    if section.table:
        set_as = set_table(section.table, size)
        height += sum(row or 2 * line + size for row in set_as["heights"]) + size
    return height


def _lines(text: str, size: float) -> int:
    # The upper bound of a width is about a fifth above what running text takes.
    return max(1, math.ceil(breadth(text, size) * 0.8 / PAGE_WIDTH))
