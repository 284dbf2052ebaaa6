"""What is painted on the pages of a PDF: letters and filled shapes, how large, in which colour."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pikepdf

Matrix = tuple[float, float, float, float, float, float]
Colour = tuple[float, float, float]

IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
BLACK: Colour = (0.0, 0.0, 0.0)
WHITE: Colour = (1.0, 1.0, 1.0)
SHOWS_TEXT = frozenset({"Tj", "TJ", "'", '"'})
FILLS = frozenset({"f", "F", "f*", "B", "B*", "b", "b*"})
SETS_COLOUR = frozenset({"g", "rg", "k", "sc", "scn"})
INVISIBLE = 3  # the text rendering mode that paints nothing
DEEPEST = 12  # drawings within drawings


@dataclass(frozen=True)
class Painted:
    """Letters or a shape. `size` is the height of the letters in points as they are printed, None
    for a shape; `colour` is None when it is a pattern; `marked` says that it belongs to a tag."""

    page: int
    size: float | None
    colour: Colour | None
    marked: bool


@dataclass(frozen=True)
class _Pen:
    """The state that `q` keeps and `Q` brings back."""

    place: Matrix = IDENTITY
    colour: Colour | None = BLACK
    opacity: float = 1.0
    size: float = 0.0
    mode: int = 0


def painted(pdf: pikepdf.Pdf) -> Iterator[Painted]:
    """Everything filled or written on every page, drawings within drawings included."""
    for number, page in enumerate(pdf.pages, start=1):
        unit = float(page.obj.get("/UserUnit", 1))
        pen = _Pen(place=(unit, 0.0, 0.0, unit, 0.0, 0.0))
        yield from _Walk(number, page.obj.get("/Resources")).read(page.obj, pen)


class _Walk:
    """One content stream, read from its first operator to its last."""

    def __init__(self, page: int, resources: Any, depth: int = 0, marks: int = 0) -> None:
        self.page, self.resources, self.depth, self.marks = page, resources, depth, marks
        self.letters: Matrix = IDENTITY

    def read(self, stream: Any, pen: _Pen) -> Iterator[Painted]:
        kept: list[_Pen] = []
        for step in pikepdf.parse_content_stream(stream):
            operands, name = step.operands, str(step.operator)
            if name == "q":
                kept.append(pen)
            elif name == "Q":
                pen = kept.pop() if kept else pen
            elif name == "Do":
                yield from self._drawing(operands[0], pen)
            elif name in SHOWS_TEXT or name in FILLS:
                yield from self._paint(name, pen)
            else:
                self._follow(name, operands)
                pen = self._turned(pen, name, operands)

    def _paint(self, name: str, pen: _Pen) -> Iterator[Painted]:
        colour = _on_white(pen.colour, pen.opacity)
        if name in FILLS:
            yield Painted(self.page, None, colour, self.marks > 0)
        elif pen.mode != INVISIBLE:
            yield Painted(self.page, self._height(pen), colour, self.marks > 0)

    def _height(self, pen: _Pen) -> float:
        _a, _b, c, d, _e, _f = _times(self.letters, pen.place)
        return abs(pen.size) * math.hypot(c, d)

    def _follow(self, name: str, operands: Any) -> None:
        if name in {"BDC", "BMC"}:
            self.marks += 1
        elif name == "EMC":
            self.marks -= 1
        elif name == "BT":
            self.letters = IDENTITY
        elif name == "Tm":
            self.letters = _matrix(operands)

    def _turned(self, pen: _Pen, name: str, operands: Any) -> _Pen:
        if name == "cm":
            return replace(pen, place=_times(_matrix(operands), pen.place))
        if name == "Tf":
            return replace(pen, size=float(operands[1]))
        if name == "Tr":
            return replace(pen, mode=int(operands[0]))
        if name == "cs":
            return replace(pen, colour=BLACK)
        if name in SETS_COLOUR:
            return replace(pen, colour=_colour(operands))
        if name == "gs":
            return self._state(pen, operands[0])
        return pen

    def _state(self, pen: _Pen, name: Any) -> _Pen:
        state = self._resource("/ExtGState", name)
        if state is None:
            return pen
        size = float(state.Font[1]) if "/Font" in state else pen.size
        return replace(pen, opacity=float(state.get("/ca", pen.opacity)), size=size)

    def _drawing(self, name: Any, pen: _Pen) -> Iterator[Painted]:
        form = self._resource("/XObject", name)
        if form is None or form.get("/Subtype") != "/Form" or self.depth >= DEEPEST:
            return
        place = _times(_matrix(form.get("/Matrix", IDENTITY)), pen.place)
        inner = _Walk(self.page, form.get("/Resources", self.resources), self.depth + 1, self.marks)
        yield from inner.read(form, replace(pen, place=place))

    def _resource(self, kind: str, name: Any) -> Any:
        return (self.resources or {}).get(kind, {}).get(str(name))


def _matrix(operands: Any) -> Matrix:
    a, b, c, d, e, f = (float(value) for value in operands)
    return (a, b, c, d, e, f)


def _times(first: Matrix, then: Matrix) -> Matrix:
    a, b, c, d, e, f = first
    g, h, i, j, k, m = then
    return (
        a * g + b * i,
        a * h + b * j,
        c * g + d * i,
        c * h + d * j,
        e * g + f * i + k,
        e * h + f * j + m,
    )


def _colour(operands: Any) -> Colour | None:
    """Grey, red-green-blue or the four inks by their number; a named pattern has no colour."""
    if any(isinstance(value, pikepdf.Name) for value in operands):
        return None
    values = [float(value) for value in operands]
    if len(values) == 1:
        return (values[0], values[0], values[0])
    if len(values) == 4:
        ink = 1 - values[3]
        return ((1 - values[0]) * ink, (1 - values[1]) * ink, (1 - values[2]) * ink)
    return (values[0], values[1], values[2]) if len(values) == 3 else None


def _on_white(colour: Colour | None, opacity: float) -> Colour | None:
    if colour is None:
        return None
    red, green, blue = (1 - opacity * (1 - value) for value in colour)
    return (red, green, blue)


def contrast(colour: Colour) -> float:
    """Against white, as WCAG 2 counts it: from 1 (the same) to 21 (black)."""
    return 1.05 / (_luminance(colour) + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
