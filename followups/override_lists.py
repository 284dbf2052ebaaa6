"""Overrides as the screens show them: one's own, those to decide, those of the week. Reads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from crm import access, actors, excerpts
from crm.excerpts import Excerpt
from crm.models import Customer, Team, User
from followups import gate, overridable, overrides
from followups.gate import Block
from followups.models import Override

LONGEST = 200
WEEK = timedelta(days=7)
# How long a no stays on the agent's sheet.
SAID = timedelta(minutes=30)
# What was in the way, in a word: when it stood is told where it still stands.
NOUNS: dict[str, Callable[[], str]] = {
    "open_promise": lambda: _("a promised document without proof"),
    "callback_pending": lambda: _("a promised call-back"),
    "reading_time": lambda: _("reading time"),
    "min_gap": lambda: _("a call shortly before"),
    "cap_attempts": lambda: _("called often enough"),
    "cap_conversations": lambda: _("spoken to often enough"),
    "refusal_cooloff": lambda: _("a no shortly before"),
}
STATES: dict[str, Callable[[], str]] = {
    "asked": lambda: _("waits for an answer"),
    "refused": lambda: _("refused"),
    "waits": lambda: _("waits for operations"),
    "stands": lambda: _("stands"),
    "used": lambda: _("used"),
    "over": lambda: _("not used"),
}


@dataclass(frozen=True)
class Row:
    """One override in a list: how it stands at that moment, and who had a hand in it."""

    override: Override
    state: str
    people: dict[str, str]

    @property
    def word(self) -> str:
        return STATES[self.state]()

    @property
    def blocks(self) -> list[tuple[str, str]]:
        """What was in the way, each with the promise that it was about."""
        parts = (text.partition(":") for text in self.override.blocks)
        return [(NOUNS.get(code, lambda c=code: c)(), promise) for code, _colon, promise in parts]

    @property
    def granted_by(self) -> str:
        return self.people.get(self.override.granted_by, "")

    @property
    def seconded_by(self) -> str:
        return self.people.get(self.override.seconded_by, "")

    @property
    def refused_by(self) -> str:
        return self.people.get(self.override.refused_by, "")


def state(override: Override, *, at: datetime) -> str:
    """Where it stands: one of STATES."""
    if override.refused_at:
        return "refused"
    if override.until_at is None:
        return "asked"
    if override.used_at:
        return "used"
    if override.until_at <= at:
        return "over"
    return "waits" if override.needs_second and not override.seconded_at else "stands"


def _rows(found: Iterable[Override], at: datetime) -> list[Row]:
    rows = list(found)
    hands = ((row.granted_by, row.seconded_by, row.refused_by) for row in rows)
    people = actors.names({code for codes in hands for code in codes})
    return [Row(row, state(row, at=at), people) for row in rows]


def _whole(rows: QuerySet[Override]) -> QuerySet[Override]:
    return rows.select_related("customer__text", "agent__team", "text")


def of_agent(
    *, customer: Customer, agent: User, blocks: Collection[Block], purpose: str, at: datetime
) -> Row | None:
    """What the reader's sheet has to say: what holds for these blocks, else what waits, else what
    something new has overtaken, else a fresh no."""
    mine = Override.objects.filter(customer=customer, agent=agent, used_at=None)
    current = Q(granted_at=None, refused_at=None) | Q(until_at__gt=at) | Q(refused_at__gt=at - SAID)
    rows = _rows(_whole(mine.filter(current))[:10], at)
    places = {"waits": 1, "asked": 2, "stands": 3, "refused": 4}

    def place(row: Row) -> int:
        return 0 if covers(row, blocks, purpose=purpose) else places[row.state]

    return min(rows, key=place, default=None)


def covers(row: Row | None, blocks: Collection[Block], *, purpose: str) -> bool:
    """Whether it holds and everything that stands now stood when it was granted."""
    if row is None or row.state != "stands" or row.override.purpose != purpose:
        return False
    granted = row.override.granted_at
    newer = any(block.since and granted and block.since > granted for block in blocks)
    return not newer and {overridable.key(block) for block in blocks} <= {*row.override.blocks}


@dataclass(frozen=True)
class Waiting:
    """Something for the reader to decide or to sign, with what stands against it now."""

    row: Row
    blocks: tuple[Block, ...]


def waiting(*, user: User, at: datetime) -> Excerpt[Waiting]:
    """Requests of the own team for a supervisor; what wants a second signature for operations."""
    asked = excerpts.of(_whole(of_reader(user, at=at)).order_by("pk"), most=LONGEST)
    rows = _rows(asked, at)
    found: dict[tuple[str, int], tuple[Block, ...]] = {}
    for purpose in sorted({row.override.purpose for row in rows}):
        theirs = [row.override for row in rows if row.override.purpose == purpose]
        campaigns = overridable.campaigns_of(theirs, purpose=purpose)
        people = [row.customer for row in theirs]
        blocks = gate.blocks(people, purpose=purpose, at=at, campaigns=campaigns)
        found |= {(purpose, pk): stand for pk, stand in blocks.items()}
    every = (Waiting(row, found[row.override.purpose, row.override.customer_id]) for row in rows)
    return Excerpt(every, total=asked.total)


def of_reader(user: User, *, at: datetime) -> QuerySet[Override]:
    """What waits for this person."""
    if access.may(user, "grant_override"):
        return within_reach(user) & overrides.pending()
    return within_reach(user) & overrides.granted(at=at).filter(seconded_at=None)


def within_reach(user: User) -> QuerySet[Override]:
    """What this person may decide or sign, or might have; nothing for those who decide nothing."""
    if access.may(user, "grant_override"):
        return Override.objects.filter(agent__in=overrides.callers(user))
    if access.may(user, "second_override"):
        return Override.objects.filter(needs_second=True)
    return Override.objects.none()


def count(*, teams: QuerySet[Team], at: datetime) -> int:
    """How many calls were let through in the last seven days."""
    return _week(teams, at).exclude(granted_at=None).count()


def week(*, teams: QuerySet[Team], at: datetime) -> Excerpt[Row]:
    """What was decided in the last seven days, the newest first."""
    found = excerpts.of(_whole(_week(teams, at)).order_by("-pk"), most=LONGEST)
    return Excerpt(_rows(found, at), total=found.total)


def _week(teams: QuerySet[Team], at: datetime) -> QuerySet[Override]:
    decided = Q(granted_at__gt=at - WEEK) | Q(refused_at__gt=at - WEEK)
    return Override.objects.filter(decided, agent__team__in=teams)


def about(*, customer: Customer, user: User, at: datetime) -> list[Row]:
    """What waits for the reader about this customer."""
    rows = of_reader(user, at=at).filter(customer=customer)
    return _rows(_whole(rows)[:10], at)


def granter(override: Override) -> str:
    """Who granted it; empty when nobody did yet."""
    return actors.names([override.granted_by]).get(override.granted_by, "")
