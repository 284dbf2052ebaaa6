"""The gate lamp: one state of three by shape, word and sentence, and what would lift it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from crm import instants
from followups.gate import Block, Decision


@dataclass(frozen=True)
class Line:
    """One block in words."""

    sentence: str
    lifts: str
    promise: str | None


@dataclass(frozen=True)
class Lamp:
    """`shape` is open (filled circle), timed (clock) or shut (bar)."""

    shape: str
    word: str
    lines: tuple[Line, ...] = ()


WAITS = {
    "open_promise": lambda: _("Waiting for proof of delivery"),
    "deceased": lambda: _("Not to be called any more"),
    "dnc_campaign": lambda: _("Never for this campaign"),
    "dnc_company": lambda: _("Never to be called"),
    "clock_unsafe": lambda: _("Kept is not sure of itself"),
    "number_invalid": lambda: _("Not a phone number"),
}


def light(
    blocks: Sequence[Block],
    *,
    at: datetime,
    permit: Decision | None = None,
    excused_until: datetime | None = None,
) -> Lamp:
    """The lamp for these blocks. `permit`: the reader was allowed to make this call, and still is.

    `excused_until`: a supervisor lets the reader make one call in spite of all of them until then.
    """
    lines = tuple(Line(block.sentence, block.lifts, block.promise) for block in blocks)
    if permit and (not blocks or permit.code == "override"):
        until = {"when": instants.brief(permit.valid_until, now=at)}
        return Lamp("open", _("Yours to call until %(when)s") % until)
    if not blocks:
        return Lamp("open", _("May be called"))
    if excused_until:
        until = {"when": instants.brief(excused_until, now=at)}
        return Lamp("open", _("Yours for one call until %(when)s") % until, lines)
    ends = [block.until for block in blocks if block.until]
    if len(ends) == len(blocks):
        when = instants.spoken(max(ends), now=at)
        return Lamp("timed", _("Not before %(when)s") % {"when": when}, lines)
    first = next(block for block in blocks if block.until is None)
    return Lamp("shut", WAITS.get(first.code, lambda: _("May not be called"))(), lines)
