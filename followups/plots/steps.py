"""What share had happened after how long: a line of steps for each group, from 0 to 100 %. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from followups.plots.canvas import LETTER, LINE, WIDTH, Drawing, Path, Text, apart, unit

HEIGHT, TOP, FOOT, LEFT = 210.0, 12.0, 20.0, 40.0
SHARES = (0, 50, 100)


@dataclass(frozen=True)
class Group:
    """How often each value occurred; `look` is the class of its line."""

    name: str
    look: str
    counts: Mapping[int, int]


def shares(counts: Mapping[int, int], edges: Sequence[int]) -> list[float]:
    """Which share of the values is at most each edge; all zero when there is none."""
    total = sum(counts.values())
    if not total:
        return [0.0] * len(edges)
    return [sum(n for value, n in counts.items() if value <= edge) / total for edge in edges]


def steps(groups: Sequence[Group], edges: Sequence[int], names: Mapping[int, str]) -> Drawing:
    """The edges stand evenly from left to right; `names` says which of them are written."""
    right = 10 + LETTER * max((len(group.name) for group in groups), default=0)
    wide = (WIDTH - LEFT - right) / len(edges)
    lines, ends = [], []
    for group in groups:
        found = shares(group.counts, edges)
        d = f"M{unit(LEFT)} {unit(_y(0))}"
        for place, share in enumerate(found):
            d += f"V{unit(_y(share))}H{unit(LEFT + wide * (place + 1))}"
        lines.append(Path(d, f"line {group.look}"))
        ends.append(_y(found[-1]))
    places = apart(ends, gap=LINE, low=TOP, high=HEIGHT - FOOT)
    end = unit(LEFT + wide * len(edges) + 5)
    named = [
        Text(end, unit(y + 4), group.name, look=f"name {group.look}")
        for group, y in zip(groups, places, strict=True)
    ]
    scale = [Text(unit(LEFT - 4), unit(_y(s / 100) + 4), f"{s} %", "end") for s in SHARES]
    under = [
        Text(unit(LEFT + wide * (place + 1)), unit(HEIGHT - 5), names[edge], "end")
        for place, edge in enumerate(edges)
        if edge in names
    ]
    grid = [
        Path(f"M{unit(LEFT)} {unit(_y(s / 100))}H{unit(LEFT + wide * len(edges))}", "grid")
        for s in SHARES
    ]
    return Drawing(unit(WIDTH), unit(HEIGHT), (), (*grid, *lines), (*scale, *under, *named))


def _y(share: float) -> float:
    return TOP + (HEIGHT - TOP - FOOT) * (1 - share)
