"""The plots of the board with their words: a title, a description, and the table behind each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from babel.dates import format_date, get_day_names
from django.utils.translation import gettext as _

from crm import instants
from followups.board import cells
from followups.board.counts import AGES, Day, Open, Redundant, Spread
from followups.board.numbers import too_few
from followups.channels import BY
from followups.plots import bars, columns, heat, steps
from followups.plots.bars import Bar
from followups.plots.canvas import LEAST_FOR_A_RATE, Drawing
from followups.plots.columns import Series
from followups.plots.steps import Group


@dataclass(frozen=True)
class Plot:
    """`drawing` is None when there is nothing to draw: then `empty` says why. In `table` the first
    cell of each row names it."""

    code: str
    title: str
    about: str
    drawing: Drawing | None
    heads: tuple[str, ...]
    table: tuple[tuple[str, ...], ...]
    empty: str = ""
    note: str = ""


def _dates(days: Sequence[Day] | Sequence[Redundant]) -> list[str]:
    return [format_date(row.day, "d MMM", locale=instants.locale()) for row in days]


def kept_by_day(days: Sequence[Day]) -> Plot:
    kept, late, broken = (
        sum(getattr(day, name) for day in days) for name in ("kept", "late", "broken")
    )
    names = _dates(days)
    parts = [
        Series(_("kept"), "kept", [day.kept for day in days]),
        Series(_("late"), "late", [day.late for day in days]),
        Series(_("broken"), "broken", [day.broken for day in days]),
    ]
    told = {"kept": kept, "late": late, "broken": broken}
    rows = [
        (name, str(day.kept), str(day.late), str(day.broken))
        for name, day in zip(names, days, strict=True)
        if day.kept + day.late + day.broken
    ]
    return Plot(
        "days",
        _("Kept, late and broken by due day"),
        _("%(kept)s kept, %(late)s kept late, %(broken)s broken.") % told,
        columns.columns(names, parts) if rows else None,
        (_("Due"), _("kept"), _("late"), _("broken")),
        tuple(rows),
        empty=_("Nothing was due in these days."),
    )


def ages(now: Open) -> Plot:
    names = _age_names()
    total, broken = (sum(row[n] for row in now.ages) for n in (0, 1))
    rows = [
        Bar(name, [(bad, "broken"), (every - bad, "open")], _told(every, bad))
        for name, (every, bad) in zip(names, now.ages, strict=True)
    ]
    return Plot(
        "ages",
        _("Age of the open promises"),
        _("%(open)s open, %(broken)s of them broken. By the time since each was made.")
        % {"open": total, "broken": broken},
        bars.bars(rows) if total else None,
        (_("Since"), _("open"), _("of them broken")),
        tuple((name, str(e), str(b)) for name, (e, b) in zip(names, now.ages, strict=True)),
        empty=_("Nothing is open."),
    )


def _told(every: int, bad: int) -> str:
    return _("%(n)s, %(bad)s broken") % {"n": every, "bad": bad} if bad else str(every)


def _age_names() -> list[str]:
    first = _("under 1 day")
    between = [
        _("%(from)s to %(to)s days") % {"from": low, "to": high} for low, high in pairwise(AGES)
    ]
    return [first, *between, _("over %(from)s days") % {"from": AGES[-1]}]


# The edges that are written under the axis.
WRITTEN = (60, 480, 2880, 10080, 44640)


def in_hand(spread: Spread) -> Plot:
    """By channel: which share was in the customer's hands how long after the promise."""
    counts = {name: sum(spread.hand.get(name, {}).values()) for name in BY}
    shown = [name for name in BY if counts[name] >= LEAST_FOR_A_RATE]
    few = [name for name in BY if 0 < counts[name] < LEAST_FOR_A_RATE]
    edges = cells.STEPS
    groups = [Group(str(BY[name]), name, spread.hand[name]) for name in shown]
    found = [steps.shares(group.counts, edges) for group in groups]
    table = [
        (_minutes(edge), *(f"{100 * share[place]:.0f} %" for share in found))
        for place, edge in enumerate(edges)
    ]
    heads = [f"{BY[name]} ({counts[name]})" for name in shown]
    return Plot(
        "hand",
        _("Time until it was in the customer's hands"),
        _("The share of documents that could be read within a time after the promise.")
        + "".join(f" {head}." for head in heads),
        steps.steps(groups, edges, {e: _minutes(e) for e in WRITTEN}) if groups else None,
        (_("Within"), *heads),
        tuple(table) if groups else (),
        empty=_("Fewer than %(least)s documents arrived in these days.")
        % {"least": LEAST_FOR_A_RATE},
        note="; ".join(f"{BY[name]}: {too_few(counts[name])}" for name in few),
    )


def _minutes(edge: int) -> str:
    if edge < 60:
        return _("%(n)s min") % {"n": edge}
    if edge < 1440:
        return _("%(n)s h") % {"n": edge // 60}
    return _("%(n)s d") % {"n": edge // 1440}


def broken_hours(spread: Spread) -> Plot:
    days = _weekdays("abbreviated")
    most = max(spread.broken.values(), default=0)
    worst = next((hour for hour, n in sorted(spread.broken.items()) if n == most), 0)
    told = {"day": _weekdays("wide")[worst // 24], "hour": worst % 24, "most": most}
    rows = [
        (f"{days[hour // 24]} {hour % 24}:00", str(count))
        for hour, count in sorted(spread.broken.items())
    ]
    return Plot(
        "hours",
        _("When the broken ones were due"),
        _(
            "By weekday and hour of the due time; stronger is more."
            " Most: %(day)s %(hour)s:00, %(most)s."
        )
        % told,
        heat.heat(spread.broken, days) if rows else None,
        (_("Due"), _("broken")),
        tuple(rows),
        empty=_("Nothing that was due in these days was broken."),
    )


def _weekdays(width: Literal["abbreviated", "wide"]) -> list[str]:
    names = get_day_names(width, "stand-alone", instants.locale())
    return [names[day] for day in range(7)]


def funnel(days: Sequence[Day]) -> Plot:
    stages = [
        ("promised", _("promised")),
        ("delivered", _("delivered")),
        ("seen", _("read")),
        ("called", _("called")),
        ("decided", _("decided")),
    ]
    totals = {code: sum(getattr(day, code) for day in days) for code, _name in stages}
    first = totals["promised"]
    enough = first >= LEAST_FOR_A_RATE
    told = {
        code: f"{n} · {100 * n // first} %" if enough and code != "promised" else str(n)
        for code, n in totals.items()
    }
    rows = [Bar(name, [(totals[code], "open")], told[code]) for code, name in stages]
    return Plot(
        "funnel",
        _("From promise to decision"),
        _(
            "Of the documents due in these days: delivered and proven, read (the customer opened"
            " it or wrote), called after it could be read, and decided with a yes or a no. Each is"
            " counted by itself."
        ),
        bars.bars(rows) if first else None,
        (_("Stage"), _("documents")),
        tuple((name, told[code]) for code, name in stages),
        empty=_("No document was due in these days."),
    )


def redundant_calls(days: Sequence[Redundant]) -> Plot:
    names = _dates(days)
    avoided, made = (sum(getattr(day, name) for day in days) for name in ("avoided", "in_spite"))
    parts = [
        Series(_("in spite"), "broken", [day.in_spite for day in days]),
        Series(_("avoided"), "kept", [day.avoided for day in days]),
    ]
    rows = [
        (name, str(day.avoided), str(day.in_spite))
        for name, day in zip(names, days, strict=True)
        if day.avoided or day.in_spite
    ]
    return Plot(
        "redundant",
        _("Redundant calls avoided, and made in spite"),
        _("%(avoided)s avoided, %(made)s made in spite of an open promise.")
        % {"avoided": avoided, "made": made},
        columns.columns(names, parts) if rows else None,
        (_("Day"), _("avoided"), _("in spite")),
        tuple(rows),
        empty=_("Nobody asked to call a customer who is waiting for us."),
    )


def all_of(
    *, now: Open, days: Sequence[Day], spread: Spread, redundant: Sequence[Redundant]
) -> list[Plot]:
    return [
        kept_by_day(days),
        ages(now),
        in_hand(spread),
        broken_hours(spread),
        funnel(days),
        redundant_calls(redundant),
    ]
