"""The shapes of the plots, whatever the numbers: inside their paper, from zero, to scale."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from followups.plots import bars, canvas, columns, heat, steps
from followups.plots.bars import Bar
from followups.plots.canvas import Drawing, Rect
from followups.plots.columns import HEIGHT, Series
from followups.plots.steps import Group

COUNTS = st.integers(0, 10_000)
SLACK = 0.2  # the shapes are told to a tenth


@st.composite
def stacks(draw: st.DrawFn) -> tuple[list[str], list[Series]]:
    number = draw(st.integers(1, 90))
    names = [f"{n} Nov" for n in range(number)]
    column = st.lists(COUNTS, min_size=number, max_size=number)
    return names, [Series(name, name, draw(column)) for name in ("kept", "late", "broken")]


def box(rect: Rect) -> tuple[float, float, float, float]:
    x, y, width, height = map(float, (rect.x, rect.y, rect.width, rect.height))
    return x, y, x + width, y + height


def inside(drawing: Drawing) -> bool:
    wide, tall = float(drawing.width), float(drawing.height)
    found = [box(rect) for rect in drawing.rects]
    texts = [(float(t.x), float(t.y)) for t in drawing.texts]
    return all(
        -SLACK <= left <= right <= wide + SLACK and -SLACK <= top <= bottom <= tall + SLACK
        for left, top, right, bottom in found
    ) and all(0 <= x <= wide and 0 <= y <= tall for x, y in texts)


@given(stacks())
def test_columns_stand_on_zero_one_part_on_the_other_and_to_scale(
    stack: tuple[list[str], list[Series]],
) -> None:
    names, series = stack
    drawing = columns.columns(names, series)
    assert inside(drawing)
    totals = [sum(values) for values in zip(*(s.values for s in series), strict=True)]
    top = canvas.nice(max(totals))
    full = HEIGHT - columns.TOP - columns.FOOT
    for place, name in enumerate(names):
        parts = [box(rect) for rect in drawing.rects if rect.tip.startswith(f"{name}:")]
        shown = [s.values[place] for s in series if s.values[place]]
        assert len(parts) == len(shown)
        for (_left, high, _right, low), value in zip(parts, shown, strict=True):
            assert abs((low - high) - full * value / top) <= SLACK
        bottoms = [low for _l, _h, _r, low in parts]
        assert not parts or abs(bottoms[0] - (HEIGHT - columns.FOOT)) <= SLACK
        for (_l, high, _r, _low), below in pairwise([*parts]):
            assert abs(high - below[3]) <= SLACK


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=8))
def test_bars_begin_at_one_line_and_end_in_proportion(rows: list[tuple[int, int]]) -> None:
    found = [
        Bar(f"row {n}", [(a, "broken"), (b, "open")], str(a + b)) for n, (a, b) in enumerate(rows)
    ]
    drawing = bars.bars(found)
    assert inside(drawing)
    ends = {n: 0.0 for n in range(len(rows))}
    start = None
    for rect in drawing.rects:
        left, top, right, _bottom = box(rect)
        place = round((top - bars.TOP) / bars.STEP)
        start = left if start is None else min(start, left)
        ends[place] = max(ends[place], right)
    longest = max(a + b for a, b in rows)
    if longest and start is not None:
        most = max(ends.values()) - start
        for place, (a, b) in enumerate(rows):
            if a + b:
                assert abs((ends[place] - start) - most * (a + b) / longest) <= 2 * SLACK


@given(st.dictionaries(st.integers(0, 50_000), st.integers(1, 1_000), max_size=30))
def test_shares_only_rise_and_end_at_most_at_one(counts: dict[int, int]) -> None:
    edges = (5, 60, 1440, 10_080, 44_640)
    found = steps.shares(counts, edges)
    assert found == sorted(found) and all(0 <= share <= 1 for share in found)
    assert found[-1] == 1 or not counts or max(counts) > edges[-1]
    drawing = steps.steps([Group("by e-mail", "email", counts)], edges, {60: "1 h"})
    assert inside(drawing)
    assert len([path for path in drawing.paths if path.look.startswith("line")]) == 1


@given(st.dictionaries(st.integers(0, 167), st.integers(1, 500)))
def test_the_week_has_168_hours_and_darker_is_never_less(counts: dict[int, int]) -> None:
    drawing = heat.heat(counts, ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
    assert inside(drawing)
    assert len(drawing.rects) == 168
    most = max(counts.values(), default=0)
    shades = {hour: heat.shade(counts.get(hour, 0), most) for hour in range(168)}
    assert all(0 <= shade <= heat.SHADES for shade in shades.values())
    assert all((shades[hour] == 0) == (hour not in counts) for hour in range(168))
    ordered = sorted(counts.items(), key=lambda pair: pair[1])
    assert all(shades[low[0]] <= shades[high[0]] for low, high in pairwise(ordered))


@given(st.integers(0, 10**9))
def test_an_axis_shows_the_largest_value_and_wastes_less_than_the_half(top: int) -> None:
    end = canvas.nice(top)
    assert end >= max(top, 1)
    assert end <= max(1, top * 2.5)
    marks = canvas.ticks(end)
    assert marks[0] == 0 and marks[-1] == end and marks == sorted(set(marks))


@given(st.lists(st.floats(0, 100), max_size=12), st.floats(1, 20))
def test_labels_keep_their_distance_and_their_order(places: list[float], gap: float) -> None:
    moved = canvas.apart(places, gap=gap, low=0, high=100)
    assert len(moved) == len(places)
    assert all(-0.001 <= place <= 100.001 for place in moved)
    if gap * (len(places) - 1) <= 100:
        order = sorted(range(len(places)), key=lambda n: places[n])
        steps_between = [moved[b] - moved[a] for a, b in pairwise(order)]
        assert all(step >= gap - 0.001 for step in steps_between)


def test_labels_that_have_room_stay_where_they_are() -> None:
    assert canvas.apart([10, 50, 90], gap=13, low=0, high=100) == [10, 50, 90]
