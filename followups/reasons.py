"""The words of the gate: each block's code, whom it stops, and its sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from babel.dates import format_datetime
from django.utils.translation import gettext as _

from crm import instants

SELLING = frozenset({"sales", "survey"})
ALL = SELLING | {"service", "callback"}
Overridable = Literal["yes", "no", "unless_statutory"]


@dataclass(frozen=True)
class Reason:
    """A code for machines and a sentence for people.

    `stops` are the purposes it denies; `timed` blocks end by themselves at `until`; `lifts`
    says what ends it; `overridable` by a supervisor, some only where no law sets them.
    """

    code: str
    stops: frozenset[str]
    timed: bool
    overridable: Overridable
    sentence: Callable[[], str]
    lifts: Callable[[], str]


# The order of the rows is the order in which the primary code is chosen (gate.md).
ROWS = (
    Reason(
        "clock_unsafe",
        SELLING,
        False,
        "no",
        lambda: _("Kept cannot be sure of its own promises just now."),
        lambda: _("operations restart the worker"),
    ),
    Reason(
        "deceased",
        ALL,
        False,
        "no",
        lambda: _("This customer has died, as we were told."),
        lambda: _("a correction by a supervisor"),
    ),
    Reason(
        "number_invalid",
        ALL,
        False,
        "no",
        lambda: _("This is not a phone number."),
        lambda: _("a number that can be dialled"),
    ),
    Reason(
        "dnc_company",
        SELLING | {"callback"},
        False,
        "no",
        lambda: _("The customer asked never to be called."),
        lambda: _("the customer's own wish"),
    ),
    Reason(
        "dnc_campaign",
        SELLING | {"callback"},
        False,
        "no",
        lambda: _("The customer asked not to be called for this campaign."),
        lambda: _("the customer's own wish"),
    ),
    Reason(
        "dnc_national",
        SELLING,
        False,
        "no",
        lambda: _("The national do-not-call list stands against it, or none is at hand."),
        lambda: _("a fresh national list without this number"),
    ),
    Reason(
        "suppressed",
        SELLING,
        True,
        "no",
        lambda: _("No sales calls until %(until)s."),
        lambda: _("its end, or a decision of operations"),
    ),
    Reason(
        "no_consent",
        SELLING,
        False,
        "no",
        lambda: _("Sales calls need a consent here, and none is on file."),
        lambda: _("a consent with proof"),
    ),
    Reason(
        "customer_pause",
        SELLING,
        True,
        "no",
        lambda: _("The customer wants no call before answering, until %(until)s."),
        lambda: _("the customer's answer"),
    ),
    Reason(
        "refusal_cooloff",
        SELLING,
        True,
        "unless_statutory",
        lambda: _("The customer said no a short while ago; not before %(until)s."),
        lambda: _("time"),
    ),
    Reason(
        "open_promise",
        SELLING,
        False,
        "yes",
        lambda: _("We promised a document and there is no proof yet that it arrived."),
        lambda: _("proof of delivery"),
    ),
    Reason(
        "callback_pending",
        SELLING | {"callback"},
        False,
        "yes",
        lambda: _("A call-back was promised; only its owner or deputy calls, at the agreed time."),
        lambda: _("the promised call"),
    ),
    Reason(
        "reading_time",
        SELLING,
        True,
        "yes",
        lambda: _("The customer is reading what we sent, until %(until)s."),
        lambda: _("the end of the reading period, or the customer's answer"),
    ),
    Reason(
        "cap_attempts",
        SELLING,
        True,
        "unless_statutory",
        lambda: _("Called as often as the rules allow; not before %(until)s."),
        lambda: _("the oldest call leaving the counted days"),
    ),
    Reason(
        "cap_conversations",
        SELLING,
        True,
        "unless_statutory",
        lambda: _("Spoken to as often as the rules allow; not before %(until)s."),
        lambda: _("the oldest conversation leaving the counted days"),
    ),
    Reason(
        "min_gap",
        SELLING,
        True,
        "yes",
        lambda: _("Somebody called a short while ago; not before %(until)s."),
        lambda: _("a few hours"),
    ),
    Reason(
        "calling_hours",
        SELLING | {"service"},
        True,
        "no",
        lambda: _("Outside the hours for calls where the customer lives, until %(until)s."),
        lambda: _("the next calling hours"),
    ),
    Reason(
        "holiday",
        SELLING | {"service"},
        True,
        "no",
        lambda: _("A public holiday where the customer lives; not before %(until)s."),
        lambda: _("the end of the holiday"),
    ),
    Reason(
        "leased",
        ALL,
        True,
        "no",
        lambda: _("Somebody else was just allowed to call, until %(until)s."),
        lambda: _("the end of that call"),
    ),
    Reason(
        "unknown_number",
        SELLING,
        False,
        "no",
        lambda: _("Nobody we know has this number."),
        lambda: _("a customer with this number"),
    ),
)
BY_CODE = {reason.code: reason for reason in ROWS}
ORDER = {reason.code: place for place, reason in enumerate(ROWS)}
ALLOWED = {
    "ok": lambda: _("May be called."),
    "unknown_number": lambda: _("May be called; nobody we know has this number."),
    "override": lambda: _("May be called once: a supervisor allowed it."),
    "unchecked": lambda: _("May be called, but the gate could not look."),
}


def instant(at: datetime) -> str:
    """An instant in the reader's language and the house's zone: "Tuesday 3 March, 09:00"."""
    local = instants.house(at)
    return format_datetime(local, "EEEE d MMMM, HH:mm", locale=instants.locale())


def sentence(code: str, *, until: datetime | None = None, denied: bool = True) -> str:
    """The sentence of a code in the language that is active."""
    if not denied:
        return ALLOWED[code]()
    reason = BY_CODE[code]
    if until is None and reason.timed:
        return _("Not now.")
    return reason.sentence() % {"until": instant(until) if until else ""}
