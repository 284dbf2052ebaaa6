"""The paper of every plot: its size, its shapes, its scales. Pure.

Lengths are in units of the drawing (the page scales it), written as text with a point, so that no
language turns it into a comma.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Narrow, so that its texts can still be read on a telephone.
WIDTH = 360.0
# What a text of usual size needs from line to line, and per letter.
LINE, LETTER = 13.0, 6.1
LEAST_FOR_A_RATE = 10


@dataclass(frozen=True)
class Rect:
    """A filled area; `look` is the class of its style, `tip` what it says on hover."""

    x: str
    y: str
    width: str
    height: str
    look: str
    tip: str = ""


@dataclass(frozen=True)
class Path:
    """A line; `look` is the class of its style."""

    d: str
    look: str


@dataclass(frozen=True)
class Text:
    """Words at a place; `anchor` is start, middle or end."""

    x: str
    y: str
    words: str
    anchor: str = "start"
    look: str = ""


@dataclass(frozen=True)
class Drawing:
    """The shapes of a plot, in the order in which they are drawn."""

    width: str
    height: str
    rects: tuple[Rect, ...] = ()
    paths: tuple[Path, ...] = ()
    texts: tuple[Text, ...] = ()


def area(x: float, y: float, width: float, height: float, *, look: str, tip: str = "") -> Rect:
    return Rect(unit(x), unit(y), unit(width), unit(height), look, tip)


def unit(value: float) -> str:
    return f"{value:.1f}"


def nice(top: float) -> int:
    """The end of an axis from zero that shows `top`: 1, 2 or 5 times a power of ten, or 4."""
    scale = 1
    while True:
        for step in (1, 2, 4, 5):
            if step * scale >= top and step * scale > 0:
                return step * scale
        scale *= 10


def ticks(top: int) -> list[int]:
    """Where the axis is marked: always from zero to its end."""
    if top == 1:
        return [0, 1]
    return [0, top // 2, top] if top % 2 == 0 else [0, top]


def apart(places: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Places moved as little as needed to be `gap` apart, in their order, between the ends.

    More than fit are set evenly over the whole stretch.
    """
    if not places:
        return []
    room = high - low
    if gap * (len(places) - 1) > room:
        step = room / max(1, len(places) - 1)
        return [low + step * number for number in range(len(places))]
    order = sorted(range(len(places)), key=lambda n: places[n])
    moved = [0.0] * len(places)
    least = low
    for n in order:
        moved[n] = least = max(places[n], least)
        least += gap
    most = high
    for n in reversed(order):
        moved[n] = min(moved[n], most)
        most = moved[n] - gap
    return moved
