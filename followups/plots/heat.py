"""Hours of the week as a grid: seven days down, twenty-four hours across; darker is more. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from followups.plots.canvas import LETTER, WIDTH, Drawing, Text, area, unit

DAYS, HOURS, SHADES = 7, 24, 4
TALL, FOOT = 22.0, 16.0
MARKED = (0, 6, 12, 18)


def shade(count: int, most: int) -> int:
    """0 for nothing, else 1 to SHADES: a fourth of the most for each step."""
    return -(-count * SHADES // most) if count and most else 0


def heat(counts: Mapping[int, int], days: Sequence[str]) -> Drawing:
    """`counts` by hour of the week, Monday 00:00 being 0; `days` are the names, Monday first."""
    left = 14 + LETTER * max(map(len, days))
    wide = (WIDTH - left) / HOURS
    most = max(counts.values(), default=0)
    rects, texts = [], []
    for hour in range(DAYS * HOURS):
        day, place = divmod(hour, HOURS)
        count = counts.get(hour, 0)
        tip = f"{days[day]} {place}–{place + 1}: {count}" if count else ""
        x, y = left + wide * place + 0.5, TALL * day + 0.5
        look = f"heat-{shade(count, most)}"
        rects.append(area(x, y, wide - 1, TALL - 1, look=look, tip=tip))
    texts += [
        Text(unit(left - 4), unit(TALL * day + 15), name, "end") for day, name in enumerate(days)
    ]
    foot = unit(TALL * DAYS + FOOT - 3)
    texts += [Text(unit(left + wide * hour), foot, f"{hour}:00") for hour in MARKED]
    return Drawing(unit(WIDTH), unit(TALL * DAYS + FOOT), tuple(rects), (), tuple(texts))
