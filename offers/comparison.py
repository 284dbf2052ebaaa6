"""What an offer costs beside today's contract: pure arithmetic, and one plain sentence about it.

A month counts at its promotional price when the promotion covers it whole. Months run from the day
of comparison. One-off costs of lines that do not change, and those of today's contract, are not
paid again; leaving today's commitment early is paid when anything changes.
"""

from __future__ import annotations

import calendar
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from offers.wording import day, money, say

ZERO = Decimal(0)
STEPS_TOLD = 3  # more changes than this make no plain sentence


@dataclass(frozen=True)
class Line:
    """One price line. Amounts are for one piece; `monthly` is the price after the promotion."""

    label: str
    monthly: Decimal
    promo_monthly: Decimal | None = None
    promo_until: date | None = None
    one_off: Decimal = ZERO
    speed_down_mbps: int | None = None
    speed_up_mbps: int | None = None
    volume: str = ""
    commitment_until: date | None = None
    quantity: int = 1

    def __post_init__(self) -> None:
        if (self.promo_monthly is None) != (self.promo_until is None):
            raise ValueError("a promotional price needs its last day, and a last day its price")
        if self.quantity < 1:
            raise ValueError("a line has at least one piece")

    def price(self, on: date) -> Decimal:
        """What all pieces of this line cost a month, at the prices of that day."""
        if self.promo_monthly is None or self.promo_until is None or on > self.promo_until:
            return self.monthly * self.quantity
        return self.promo_monthly * self.quantity


@dataclass(frozen=True)
class Terms:
    """A contract: today's, or the proposed one. The fee is for leaving it before its end."""

    plan: str
    lines: tuple[Line, ...]
    commitment_until: date | None = None
    termination_fee: Decimal = ZERO

    @property
    def committed_until(self) -> date | None:
        """The latest end of any commitment in it, the contract's own or a line's."""
        ends = (self.commitment_until, *(line.commitment_until for line in self.lines))
        return max((end for end in ends if end), default=None)

    @property
    def known(self) -> bool:
        """Whether there is anything to compare with: a customer may have no contract today."""
        return bool(self.lines)

    def monthly(self, on: date) -> Decimal:
        return sum((line.price(on) for line in self.lines), ZERO)


@dataclass(frozen=True)
class Step:
    """From this day on, this amount a month."""

    since: date
    amount: Decimal


@dataclass(frozen=True)
class Side:
    """The figures of one of the two contracts. `termination` is what choosing it costs in leaving
    the other early; `steps` begin on the day of comparison and change with each promotion."""

    plan: str
    steps: tuple[Step, ...]
    one_off: Decimal
    termination: Decimal
    cost12: Decimal
    cost24: Decimal
    commitment_until: date | None

    @property
    def monthly(self) -> Decimal:
        return self.steps[0].amount

    @property
    def monthly_after(self) -> Decimal:
        return self.steps[-1].amount

    def monthly_on(self, on: date) -> Decimal:
        return [step.amount for step in self.steps if step.since <= on][-1]


@dataclass(frozen=True)
class Comparison:
    """Today's contract beside the proposed one. `differences` are proposed minus today a month."""

    on: date
    today: Side
    proposed: Side
    differences: tuple[Step, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    alone: bool = False  # no contract today: the offer stands by itself

    @property
    def difference(self) -> Decimal:
        """A month, at first: negative when the offer is cheaper."""
        return self.differences[0].amount

    @property
    def difference_after(self) -> Decimal:
        """A month, when every promotion has ended."""
        return self.differences[-1].amount

    @property
    def saving12(self) -> Decimal:
        return self.today.cost12 - self.proposed.cost12

    @property
    def saving24(self) -> Decimal:
        return self.today.cost24 - self.proposed.cost24

    @property
    def dearer(self) -> bool:
        """Dearer over 24 months than what the customer has, everything included."""
        return self.saving24 < 0 and not self.alone

    @property
    def same(self) -> bool:
        return not self.saving24 and not any(step.amount for step in self.differences)


def compare(today: Terms, proposed: Terms, on: date) -> Comparison:
    """Put both contracts side by side, as seen on that day."""
    upfront = _one_off(today, proposed)
    leaving = _termination(today, proposed, on)
    changes = _changes((today, proposed), on)
    return Comparison(
        on=on,
        today=_side(today, on, ZERO, ZERO),
        proposed=_side(proposed, on, upfront, leaving),
        differences=_steps([(d, proposed.monthly(d) - today.monthly(d)) for d in changes]),
        gained=_missing(proposed, today),
        lost=_missing(today, proposed),
        alone=not today.known,
    )


def month_start(on: date, months: int) -> date:
    """The same day so many months later; the 31st becomes the last day of a shorter month."""
    year, month = divmod(on.year * 12 + on.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(on.day, last))


def running_cost(terms: Terms, on: date, months: int) -> Decimal:
    """Monthly prices of so many months, each at the price of its last day."""
    ends = _month_ends(on, months)
    return sum((_line_cost(line, ends) for line in terms.lines), ZERO)


@lru_cache(maxsize=256)
def _month_ends(on: date, months: int) -> tuple[date, ...]:
    return tuple(month_start(on, count) - timedelta(days=1) for count in range(1, months + 1))


def _line_cost(line: Line, ends: tuple[date, ...]) -> Decimal:
    if line.promo_monthly is None or line.promo_until is None:
        return line.monthly * line.quantity * len(ends)
    reduced = bisect_right(ends, line.promo_until)
    full = line.monthly * (len(ends) - reduced)
    return (line.promo_monthly * reduced + full) * line.quantity


def _side(terms: Terms, on: date, one_off: Decimal, termination: Decimal) -> Side:
    extra = one_off + termination
    return Side(
        plan=terms.plan,
        steps=_steps([(d, terms.monthly(d)) for d in _changes((terms,), on)]),
        one_off=one_off,
        termination=termination,
        cost12=running_cost(terms, on, 12) + extra,
        cost24=running_cost(terms, on, 24) + extra,
        commitment_until=terms.committed_until,
    )


def bought(today: Terms, proposed: Terms) -> Counter[Line]:
    """The proposed lines that are new or changed; only their one-off costs are due."""
    return Counter(proposed.lines) - Counter(today.lines)


def _one_off(today: Terms, proposed: Terms) -> Decimal:
    lines = bought(today, proposed).items()
    return sum((line.one_off * line.quantity * times for line, times in lines), ZERO)


def _termination(today: Terms, proposed: Terms, on: date) -> Decimal:
    end = today.committed_until
    if today == proposed or end is None or end <= on:
        return ZERO
    return today.termination_fee


def _changes(contracts: tuple[Terms, ...], on: date) -> list[date]:
    """The day of comparison, and every later day on which a promotion is over."""
    ends = {line.promo_until for terms in contracts for line in terms.lines if line.promo_until}
    return [on, *sorted(end + timedelta(days=1) for end in ends if end >= on)]


def _steps(amounts: list[tuple[date, Decimal]]) -> tuple[Step, ...]:
    steps: list[Step] = []
    for since, amount in amounts:
        if not steps or steps[-1].amount != amount:
            steps.append(Step(since, amount))
    return tuple(steps)


def _missing(having: Terms, lacking: Terms) -> tuple[str, ...]:
    """Labels on the one side and not on the other, in their order, each once."""
    known = {line.label for line in lacking.lines}
    return tuple(dict.fromkeys(line.label for line in having.lines if line.label not in known))


def sentence(comparison: Comparison, language: str, currency: str = "EUR") -> str:
    """What the offer means for the customer's purse, in one sentence, dearer or not."""
    said = _Said(language, currency)
    if comparison.alone:
        core = said("alone", figures=_own_figures(comparison, said))
    elif comparison.same:
        core = said("same", monthly=said.money(comparison.today.monthly))
    else:
        opening = "dearer" if comparison.dearer else "opening"
        core = said(opening, figures=_figures(comparison, said))
    return core + _commitment(comparison, said) + "."


@dataclass(frozen=True)
class _Said:
    """The texts of this room in one language and currency."""

    language: str
    currency: str

    def __call__(self, key: str, **values: object) -> str:
        return say("comparison_texts", key, self.language, **values)

    def money(self, amount: Decimal) -> str:
        return money(abs(amount), self.language, self.currency)

    def amount(self, stem: str, difference: Decimal) -> str:
        if not difference:
            return self(f"{stem}_same")
        word = "less" if difference < 0 else "more"
        return self(f"{stem}_{word}", amount=self.money(difference))


def _figures(comparison: Comparison, said: _Said) -> str:
    first, *later = comparison.differences
    clauses = [(step.since, said.amount("month", step.amount)) for step in later]
    monthly = _in_time(said.amount("month", first.amount), clauses, said)
    total = said.amount("total", -comparison.saving24) + _included(comparison.proposed, said)
    joint = "but" if _turns(comparison) else "even" if not later else "and"
    return monthly + said(joint, clause=total)


def _in_time(first: str, later: list[tuple[date, str]], said: _Said) -> str:
    """What is paid a month, as it changes. Many changes are told by the last: the table has all."""
    if not later:
        return first
    told = said("first", clause=first)
    shown, key = (later, "then") if len(later) <= STEPS_TOLD else (later[-1:], "stepwise")
    for since, clause in shown:
        told += said(key, clause=clause, date=day(since, said.language))
    return told


def _own_figures(comparison: Comparison, said: _Said) -> str:
    """What an offer costs that has nothing to be compared with."""
    proposed = comparison.proposed
    first, *later = proposed.steps
    clauses = [(step.since, said("month_flat", amount=said.money(step.amount))) for step in later]
    monthly = _in_time(said("month_flat", amount=said.money(first.amount)), clauses, said)
    total = said("total_flat", amount=said.money(proposed.cost24)) + _included(proposed, said)
    return monthly + said("and", clause=total)


def _turns(comparison: Comparison) -> bool:
    """Whether the months, as they end up, and the two years point different ways."""
    return _sign(comparison.difference_after) != -_sign(comparison.saving24)


def _sign(amount: Decimal) -> int:
    return (amount > 0) - (amount < 0)


def _included(side: Side, said: _Said) -> str:
    parts = []
    if side.one_off > 0:
        parts.append(said("one_off", amount=said.money(side.one_off)))
    if side.termination > 0:
        parts.append(said("termination", amount=said.money(side.termination)))
    if not parts:
        return ""
    return said(
        "included", parts=said("list", first=parts[0], last=parts[-1]) if parts[1:] else parts[0]
    )


def _commitment(comparison: Comparison, said: _Said) -> str:
    before, after = comparison.today.commitment_until, comparison.proposed.commitment_until
    if after is None or after <= comparison.on:
        held = before is not None and before > comparison.on
        return said("no_commitment") if held else ""
    if comparison.same and before == after:
        return ""
    date_said = day(after, said.language)
    if before is not None and before >= after:
        return said("commitment_kept", date=date_said)
    return said("in_return" if comparison.saving24 > 0 else "commitment", date=date_said)
