"""The rungs of a ladder in words: when, who is told, what happens besides; and at which instants
for a promise made now. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.figures import Change, Figure, beside
from crm.workdays import Calendar
from followups import ladder
from followups.ladder import Ladder, Role, Rung

ROLES: dict[str, str | Lazy] = {
    Role.OWNER: gettext_lazy("the owner"),
    Role.OWNER_AND_TEAM: gettext_lazy("the owner, and it stands on the team's board"),
    Role.SUPERVISOR: gettext_lazy("the supervisor"),
    Role.OPERATIONS: gettext_lazy("operations"),
    Role.MANAGEMENT: gettext_lazy("management, in the daily digest"),
}
TRACKS: dict[str, str | Lazy] = {
    "lateness": gettext_lazy("While nothing has left that stands"),
    "proof": gettext_lazy("While it is on its way, but not proven"),
    "item": gettext_lazy("Something that a named person has to do"),
}
PARTS = {0.25: gettext_lazy("a quarter"), 0.5: gettext_lazy("half")} | {
    0.75: gettext_lazy("three quarters")
}


@dataclass(frozen=True)
class Step:
    """A rung as it is read; `at` is its instant for the promise of the example."""

    track: str
    number: int
    rung: Rung
    at: datetime | None = None

    @property
    def title(self) -> str:
        return str(TRACKS[self.track])

    @property
    def when(self) -> str:
        words = when(self.rung, self.track)
        return words[:1].upper() + words[1:]

    @property
    def who(self) -> str:
        return str(ROLES[self.rung.role])

    @property
    def besides(self) -> str:
        return besides(self.rung)


def steps(drawn: Ladder) -> list[Step]:
    """All rungs, in the order in which people read them."""
    return [
        *(Step("lateness", n, rung) for n, rung in enumerate(drawn.lateness, 1)),
        *(Step("proof", n, rung) for n, rung in enumerate(drawn.proof, 1)),
        Step("item", 1, drawn.item),
    ]


def example(drawn: Ladder, calendar: Calendar, *, at: datetime, due_at: datetime) -> list[Step]:
    """The same with their instants for a promise made at `at`; its proof, were it on its way, is
    expected when it is due, and something that somebody has to do comes up at `at`."""
    found = [
        *ladder.lateness(drawn, calendar, at, due_at),
        *ladder.proof(drawn, calendar, due_at),
        ladder.item(drawn, calendar, at),
    ]
    both = zip(steps(drawn), found, strict=True)
    return [Step(step.track, step.number, step.rung, instant) for step, instant in both]


def changes(before: Ladder, after: Ladder) -> list[Change]:
    """What differs, moment by moment; what went comes last."""
    return beside(figures(before), figures(after))


def figures(drawn: Ladder) -> list[Figure]:
    """The rungs as figures: known by their moment, so that a changed one stands beside itself."""
    return [
        Figure(f"{step.track} {_moment(step.rung)}", step.title, step.when, _told(step))
        for step in steps(drawn)
    ]


def _moment(rung: Rung) -> str:
    return f"{rung.share} {rung.hours} {rung.days}"


def _told(step: Step) -> str:
    return f"{step.who}; {step.besides}" if step.besides else step.who


def when(rung: Rung, track: str) -> str:
    """ "when three quarters of the time are used", "4 working hours after it is due" """
    if rung.share is not None:
        return _share(rung.share)
    amount = rung.days if rung.days is not None else rung.hours
    if not amount:
        return _START[track]()
    unit = _days(rung.days) if rung.days is not None else _hours(rung.hours or 0)
    return _AFTER[track]() % {"time": unit}


_START = {
    "lateness": lambda: _("when it is due"),
    "proof": lambda: _("when its proof is expected"),
    "item": lambda: _("when it comes up"),
}
_AFTER = {
    "lateness": lambda: _("%(time)s after it is due"),
    "proof": lambda: _("%(time)s after its proof was expected"),
    "item": lambda: _("%(time)s after it came up"),
}


def _share(share: float) -> str:
    if share == 1:
        return _("when all of the time is used")
    if share in PARTS:
        return _("when %(part)s of the time is used") % {"part": PARTS[share]}
    return _("when %(percent)s %% of the time is used") % {"percent": number(share * 100)}


def _hours(hours: float) -> str:
    words = ngettext("%(n)s working hour", "%(n)s working hours", 1 if hours == 1 else 2)
    return words % {"n": number(hours)}


def _days(days: int) -> str:
    return ngettext("%(n)s working day", "%(n)s working days", days) % {"n": days}


def besides(rung: Rung) -> str:
    """What happens beside the telling; empty when nothing does."""
    acts = []
    if rung.next_channel:
        acts.append(_("the document also goes the next way"))
    if rung.bill_insert:
        acts.append(_("it also goes with the next bill, if they get paper bills"))
    return "; ".join(acts)


def number(amount: float) -> str:
    """Without a needless fraction: 4, 2.5."""
    return f"{round(amount, 2):g}"
