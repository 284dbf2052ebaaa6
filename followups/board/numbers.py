"""The six numbers of the board: each with its target, its formula, what it is a part of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from babel.numbers import format_decimal
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from followups.board import counts
from followups.board.counts import Day, Open, Redundant, Spread
from followups.board.wanted import Wanted
from followups.plots.canvas import LEAST_FOR_A_RATE

# What a house can hold; the page says it beside the number.
KEPT_RATE, PROOF_HOURS = 95, 48


@dataclass(frozen=True)
class Number:
    """`value` in words, empty when it is hidden: then `hidden` says why. `met` is None where there
    is no target, or nothing to measure it by."""

    code: str
    title: str
    value: str
    unit: str
    target: str
    formula: str
    met: bool | None = None
    beside: str = ""  # what it is a part of
    hidden: str = ""


def six(
    wanted: Wanted,
    *,
    now: Open,
    days: Sequence[Day],
    spread: Spread,
    redundant: Sequence[Redundant],
) -> list[Number]:
    return [
        Number(
            "broken",
            _("Broken now"),
            str(now.broken),
            "",
            _("target 0"),
            _(
                "Open promises whose due time has passed, and nothing stands: nothing has left, or"
                " what left came back. A call-back counts an hour after its slot."
            ),
            met=now.broken == 0,
        ),
        Number(
            "due",
            _("Due today"),
            str(now.due_today),
            "",
            _("target 0 by midnight"),
            _("Open promises that are due between now and midnight, on their way or not."),
        ),
        Number(
            "at_risk",
            _("At risk"),
            str(now.at_risk),
            "",
            _("target 0"),
            _(
                "Open promises that are not due yet, of whose time most is used, and nothing"
                " stands: the first rung of their ladder has passed."
            ),
            met=now.at_risk == 0,
        ),
        _kept_rate(wanted, days),
        _time_to_proof(wanted, spread),
        _avoided(wanted, redundant),
    ]


def _kept_rate(wanted: Wanted, days: Sequence[Day]) -> Number:
    kept = sum(day.kept for day in days)
    judged = kept + sum(day.late + day.broken for day in days)
    told = {"kept": kept, "judged": judged}
    few = judged < LEAST_FOR_A_RATE
    share = 1000 * kept // judged if judged else 0  # never rounded up to a target that was missed
    return Number(
        "kept_rate",
        _("Kept rate, %(days)s days") % {"days": wanted.days},
        "" if few else decimal(share),
        "%",
        _("target %(least)s %%") % {"least": KEPT_RATE},
        _(
            "Kept on time / (kept on time + kept late + broken), by due date. A broken promise"
            " stays broken here after a late delivery. What was withdrawn, or agreed anew in an"
            " answered call before it was late, is not counted; what is open and stands is not"
            " judged yet."
        ),
        met=None if few else share >= KEPT_RATE * 10,
        beside=_("%(kept)s of %(judged)s") % told,
        hidden=too_few(judged) if few else "",
    )


def _time_to_proof(wanted: Wanted, spread: Spread) -> Number:
    proven = sum(spread.proof.values())
    hours = counts.median(spread.proof)
    few = proven < LEAST_FOR_A_RATE or hours is None
    return Number(
        "proof",
        _("Median time to proof"),
        "" if few or hours is None else span(hours),
        "",
        _("target %(most)s") % {"most": span(PROOF_HOURS)},
        _(
            "Half of the documents that were due in these days were proven within this time after"
            " the promise was made, in whole hours. What is not proven yet is not in it."
        ),
        met=None if few or hours is None else hours <= PROOF_HOURS,
        beside=_("of %(proven)s proven") % {"proven": proven},
        hidden=too_few(proven) if few else "",
    )


def _avoided(wanted: Wanted, redundant: Sequence[Redundant]) -> Number:
    made = sum(day.in_spite for day in redundant)
    return Number(
        "avoided",
        _("Redundant calls avoided"),
        str(sum(day.avoided for day in redundant)),
        "",
        _("made in spite: %(made)s, target 0") % {"made": made},
        _(
            "Sales requests that the gate denied because a promised document was open, in these"
            " days; counted once for each customer, campaign and day. Made in spite: sales calls"
            " that began although one was open. Only the team, the campaign and the days narrow"
            " them."
        ),
        met=made == 0,
        beside=_("in %(days)s days") % {"days": wanted.days},
    )


def too_few(count: int) -> str:
    return _("hidden: fewer than %(least)s (%(count)s)") % {
        "least": LEAST_FOR_A_RATE,
        "count": count,
    }


def span(hours: int) -> str:
    """ "18 h", "2 d", "1 d 3 h" """
    days, rest = divmod(hours, 24)
    told = [_("%(n)s d") % {"n": days}] if days else []
    return " ".join([*told, _("%(n)s h") % {"n": rest}] if rest or not days else told)


def decimal(tenths: int) -> str:
    """973 -> "97.3", with the sign of the reader's language."""
    locale = (get_language() or "en").replace("-", "_")
    return format_decimal(tenths / 10, format="0.#", locale=locale)
