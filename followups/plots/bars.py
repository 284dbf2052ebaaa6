"""Bars from left to right, each with its name before it and its number behind it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from followups.plots.canvas import LETTER, WIDTH, Drawing, Path, Text, area, nice, unit

THICK, STEP, TOP = 18.0, 28.0, 6.0


@dataclass(frozen=True)
class Bar:
    """`parts` are the lengths of the bar with the class of each, from zero on."""

    name: str
    parts: Sequence[tuple[int, str]]
    told: str  # what stands behind it

    @property
    def total(self) -> int:
        return sum(value for value, _look in self.parts)


def bars(rows: Sequence[Bar]) -> Drawing:
    top = nice(max((row.total for row in rows), default=0))
    left = 8 + LETTER * max((len(row.name) for row in rows), default=0)
    right = 8 + LETTER * max((len(row.told) for row in rows), default=0)
    width = max(40.0, WIDTH - left - right)
    rects, texts = [], []
    for place, row in enumerate(rows):
        y, x = TOP + STEP * place, left
        for value, look in row.parts:
            if value:
                wide = width * value / top
                rects.append(area(x, y, wide, THICK, look=look, tip=f"{row.name}: {value}"))
                x += wide
        base = unit(y + THICK - 5)
        texts.append(Text(unit(left - 6), base, row.name, "end"))
        texts.append(Text(unit(x + 5), base, row.told, look="value"))
    height = TOP + STEP * max(1, len(rows))
    zero = Path(f"M{unit(left)} 0V{unit(height)}", "axis")
    return Drawing(unit(WIDTH), unit(height), tuple(rects), (zero,), tuple(texts))
