"""The demo's clock: moves on at will, and with it what may not seem to have slept meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from crm import calendars, heartbeats, offset
from crm.models import Team
from crm.workdays import Calendar
from followups import demo, demo_registry, leases, notices, slips
from followups.webhooks import endpoints, outbox
from offers import canaries, deliveries, intake

FURTHEST = timedelta(days=400)
_STEP = re.compile(r"\+([0-9]{1,5})([hd])", re.ASCII)


class BadStep(ValueError):
    """A step that the clock cannot make; the message says why."""


def step(text: str, *, teams: Iterable[Team], at: datetime) -> timedelta:
    """How far `+25h`, `+1d` or `opening` is from `at`. Raises BadStep.

    `opening` is the next one of any of the teams that has not begun yet.
    """
    if text == "opening":
        openings = [_next_opening(calendars.of(team, at=at), at) for team in teams]
        if not openings:
            raise BadStep(_("No team has opening hours."))
        return min(openings) - at
    found = _STEP.fullmatch(text.strip())
    if found is None:
        raise BadStep(_("A step is like +25h, +1d or opening."))
    hours = int(found[1]) * (24 if found[2] == "d" else 1)
    wanted = timedelta(hours=hours)
    if not timedelta(0) < wanted <= FURTHEST:
        raise BadStep(_("The clock goes forward only, and at most 400 days at once."))
    return wanted


def _next_opening(calendar: Calendar, at: datetime) -> datetime:
    """The start of the next opening, also when the team is at work just now."""
    return calendar.next_open(
        calendar.end_of_working_day(at, days=0) if calendar.is_open(at) else at
    )


@transaction.atomic
def move(text: str, *, teams: Iterable[Team], at: datetime) -> datetime:
    """Puts the clock forward by a step, and says what time it is then. A national list that would
    be too old there is renewed, as somebody would have done. Raises as `step` and `shift`."""
    wanted = step(text, teams=teams, at=at)
    shift(by=wanted)
    demo_registry.renew(at=at + wanted)
    return at + wanted


@transaction.atomic
def shift(*, by: timedelta) -> None:
    """Puts the product's clock forward.

    Whatever proves that a process was alive a moment ago moves with it: sweeps did not sleep,
    the intake did not stop listening, and who held a mail or a person still does.
    Raises demo.NotTheDemo, and BadStep for a step back.
    """
    demo.require()
    if by <= timedelta(0):
        raise BadStep(_("The clock goes forward only, and at most 400 days at once."))
    offset.add(by)
    heartbeats.shift(by=by)
    intake.shift(by=by)
    canaries.shift(by=by)
    deliveries.shift_leases(by=by)
    leases.shift(by=by)
    notices.shift(by=by)
    slips.shift(by=by)
    outbox.shift(by=by)
    endpoints.shift(by=by)
