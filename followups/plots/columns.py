"""Columns over time, each a stack of parts, from zero; its parts are named at their end. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from followups.plots.canvas import (
    LETTER,
    LINE,
    WIDTH,
    Drawing,
    Path,
    Rect,
    Text,
    apart,
    area,
    nice,
    ticks,
    unit,
)

HEIGHT, TOP, FOOT = 210.0, 12.0, 20.0
LABELS = 4  # under the columns, at most


@dataclass(frozen=True)
class Series:
    """One part of every column, the lowest first. `look` is the class of its style."""

    name: str
    look: str
    values: Sequence[int]


def columns(names: Sequence[str], series: Sequence[Series]) -> Drawing:
    """`names` are those of the columns; each series has a value for every one of them."""
    totals = [sum(values) for values in zip(*(s.values for s in series), strict=True)]
    top = nice(max(totals, default=0))
    left = 8 + LETTER * len(str(top))
    right = 8 + LETTER * max((len(s.name) for s in series), default=0)
    field = _Field(left, WIDTH - left - right, max(1, len(names)), top)
    return Drawing(
        unit(WIDTH),
        unit(HEIGHT),
        rects=tuple(_rects(names, series, field)),
        paths=tuple(
            Path(f"M{unit(left)} {unit(field.y(t))}h{unit(field.width)}", "grid")
            for t in ticks(top)
        ),
        texts=(*_scale(field), *_under(names, field), *_named(series, field)),
    )


@dataclass(frozen=True)
class _Field:
    left: float
    width: float
    number: int
    top: int

    @property
    def step(self) -> float:
        return self.width / self.number

    def x(self, place: int) -> float:
        return self.left + self.step * place

    def y(self, value: float) -> float:
        return TOP + (HEIGHT - TOP - FOOT) * (1 - value / self.top)


def _rects(names: Sequence[str], series: Sequence[Series], field: _Field) -> list[Rect]:
    found = []
    air = min(2.0, field.step * 0.2)
    for place, name in enumerate(names):
        below = 0
        for part in series:
            value = part.values[place]
            if not value:
                continue
            high = field.y(below + value)
            tall = field.y(below) - high
            tip = f"{name}: {part.name} {value}"
            x, wide = field.x(place) + air / 2, field.step - air
            found.append(area(x, high, wide, tall, look=part.look, tip=tip))
            below += value
    return found


def _scale(field: _Field) -> list[Text]:
    x = unit(field.left - 4)
    return [Text(x, unit(field.y(t) + 4), str(t), "end") for t in ticks(field.top)]


def _under(names: Sequence[str], field: _Field) -> list[Text]:
    """The first, the last and some between, as far as they fit beside each other."""
    if not names:
        return []
    widest = LETTER * max(map(len, names)) + 8
    most = max(1, min(LABELS, len(names), int(field.width / widest)))
    last = len(names) - 1
    places = sorted({round(last * n / max(1, most - 1)) for n in range(most)})
    found = []
    for place in places:
        middle = field.x(place) + field.step / 2
        anchor = "start" if place == 0 and last else "end" if place == last and last else "middle"
        x = field.x(0) if anchor == "start" else field.x(last + 1) if anchor == "end" else middle
        found.append(Text(unit(x), unit(HEIGHT - 5), names[place], anchor))
    return found


def _named(series: Sequence[Series], field: _Field) -> list[Text]:
    """Each part is named beside the last column that has something; the others above them."""
    shown = [s for s in series if any(s.values)]
    if not shown:
        return []
    last = max(n for s in shown for n, value in enumerate(s.values) if value)
    places, below = [], 0
    for part in shown:
        value = part.values[last]
        places.append(-field.y(below + value / 2))
        below += value
    low, high = -(HEIGHT - FOOT), -TOP
    spread = apart(places, gap=LINE, low=low, high=high)
    x = unit(field.x(field.number) + 5)
    return [
        Text(x, unit(-y + 4), part.name, look=f"name {part.look}")
        for part, y in zip(shown, spread, strict=True)
    ]
