"""The second part of the document: the offer beside what the customer has today."""

from __future__ import annotations

from decimal import Decimal

from offers.comparison import Terms, sentence
from offers.sheet import EMPTY, Bar, Compared, Draft, Table


def compared(draft: Draft) -> Compared:
    """The sentence, the table and the bars of the cost over 24 months."""
    comparison = draft.comparison
    rows = _rows(draft)
    columns: tuple[str, ...] = (draft("what"), draft("today"), draft("proposed"))
    if comparison.alone:
        columns, rows = _without_today(columns), tuple(_without_today(row) for row in rows)
    title, alt, bars = _alone_chart(draft) if comparison.alone else _chart(draft)
    return Compared(
        heading=draft("alone" if comparison.alone else "compared"),
        sentence=sentence(comparison, draft.language, draft.currency),
        table=Table(columns, rows),
        strong=tuple(at for at, row in enumerate(rows) if row[0] == draft("row_cost24")),
        changes=_changes(draft),
        chart_title=title,
        chart_alt=alt,
        bars=bars,
        counted=draft("counted", date=draft.day(comparison.on)),
    )


def _without_today(row: tuple[str, ...]) -> tuple[str, ...]:
    label, _today, *proposed = row
    return (label, *proposed)


def _changes(draft: Draft) -> tuple[str, ...]:
    """What is gained and lost; beside nothing, everything would be new and need not be said."""
    if draft.comparison.alone:
        return ()
    pairs = (("gained", draft.comparison.gained), ("lost", draft.comparison.lost))
    return tuple(draft(key, labels=" · ".join(labels)) for key, labels in pairs if labels)


def _chart(draft: Draft) -> tuple[str, str, tuple[Bar, Bar]]:
    costs = (draft.comparison.today.cost24, draft.comparison.proposed.cost24)
    today, proposed = (draft.money(cost) for cost in costs)
    bars = (_bar(draft, "today", costs[0], costs), _bar(draft, "proposed", costs[1], costs))
    return draft("row_cost24"), draft("chart_alt", today=today, proposed=proposed), bars


def _alone_chart(draft: Draft) -> tuple[str, str, tuple[Bar, Bar]]:
    costs = (draft.comparison.proposed.cost12, draft.comparison.proposed.cost24)
    first, second = (draft.money(cost) for cost in costs)
    keys = ("row_cost12", "row_cost24")
    bars = (_bar(draft, keys[0], costs[0], costs), _bar(draft, keys[1], costs[1], costs))
    return draft("chart_alone"), draft("chart_alt_alone", first=first, second=second), bars


def _rows(draft: Draft) -> tuple[tuple[str, ...], ...]:
    comparison = draft.comparison
    today, proposed = comparison.today, comparison.proposed
    rows = [
        (draft("row_plan"), draft.today.plan, draft.proposed.plan),
        *_monthly_rows(draft),
        *_service_rows(draft),
        (draft("row_one_off"), draft("none"), _cost_or_none(draft, proposed.one_off)),
    ]
    if proposed.termination:
        rows.append((draft("row_termination"), EMPTY, draft.money(proposed.termination)))
    rows += [
        (draft("row_cost12"), draft.money(today.cost12), draft.money(proposed.cost12)),
        (draft("row_cost24"), draft.money(today.cost24), draft.money(proposed.cost24)),
        (draft("row_committed"), _committed(draft, draft.today), _committed(draft, draft.proposed)),
        (draft("row_fee"), _fee(draft, draft.today), _fee(draft, draft.proposed)),
    ]
    return tuple(rows)


def _monthly_rows(draft: Draft) -> list[tuple[str, ...]]:
    """One row for now, and one for every later day on which a price changes."""
    sides = (draft.comparison.today, draft.comparison.proposed)
    days = sorted({step.since for side in sides for step in side.steps[1:]})
    first = (draft("row_monthly"), *(draft.money(side.monthly) for side in sides))
    return [first] + [
        (
            draft("row_from", date=draft.day(since)),
            *(draft.money(side.monthly_on(since)) for side in sides),
        )
        for since in days
    ]


def _service_rows(draft: Draft) -> list[tuple[str, ...]]:
    sides = (draft.today.lines, draft.proposed.lines)
    rows = [
        (draft("download"), *(_fastest(draft, [a.speed_down_mbps for a in s]) for s in sides)),
        (draft("upload"), *(_fastest(draft, [a.speed_up_mbps for a in s]) for s in sides)),
        (draft("row_volume"), *(" · ".join(a.volume for a in s if a.volume) for s in sides)),
    ]
    return [
        (label, *(cell or EMPTY for cell in cells))
        for label, *cells in rows
        if any(cell not in ("", EMPTY) for cell in cells)
    ]


def _fastest(draft: Draft, speeds: list[int | None]) -> str:
    return draft.speed(max((mbps for mbps in speeds if mbps), default=None))


def _cost_or_none(draft: Draft, amount: Decimal) -> str:
    return draft.money(amount) if amount else draft("none")


def _held(draft: Draft, terms: Terms) -> bool:
    end = terms.committed_until
    return end is not None and end > draft.comparison.on


def _committed(draft: Draft, terms: Terms) -> str:
    end = terms.committed_until
    return draft.day(end) if end and _held(draft, terms) else draft("free")


def _fee(draft: Draft, terms: Terms) -> str:
    return draft.money(terms.termination_fee) if _held(draft, terms) else EMPTY


def _bar(draft: Draft, key: str, cost: Decimal, costs: tuple[Decimal, Decimal]) -> Bar:
    longest = max(*costs, Decimal(1))
    return Bar(draft(key), draft.money(cost), max(0, int(cost * 1000 / longest)))
