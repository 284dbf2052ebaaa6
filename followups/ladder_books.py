"""Ladders as people look for them: which versions there are, in which state, and who climbs by
them. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from crm import instants
from crm.models import Team
from followups import ladders
from followups.ladder import Ladder
from followups.models import LadderVersion

IN_FORCE, COMING, PAST, DRAFT = "in_force", "coming", "past", "draft"


@dataclass(frozen=True)
class Book:
    """One version. A draft is one that nobody has activated."""

    row: LadderVersion
    state: str

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def version(self) -> int:
        return self.row.version

    @property
    def label(self) -> str:
        return str(self.row)

    @property
    def ladder(self) -> Ladder:
        return Ladder.from_dict(self.row.ladder)

    @property
    def ours(self) -> bool:
        """Written here; the first one came with Kept."""
        return self.row.made_by != "system"


@dataclass
class Shelf:
    """The versions of one ladder, the newest first, and the teams that climb it."""

    name: str
    books: list[Book] = field(default_factory=list)
    teams: list[Team] = field(default_factory=list)

    def _of(self, state: str) -> list[Book]:
        return [book for book in self.books if book.state == state]

    @property
    def in_force(self) -> Book | None:
        return next(iter(self._of(IN_FORCE)), None)

    @property
    def coming(self) -> list[Book]:
        return self._of(COMING)

    @property
    def drafts(self) -> list[Book]:
        return self._of(DRAFT)

    def find(self, version: int) -> Book | None:
        return next((book for book in self.books if book.version == version), None)

    def before(self, book: Book) -> Book | None:
        """The version that this one took, or would take, the place of."""
        rows = [one for one in self.books if one.version < book.version and one.state != DRAFT]
        return rows[0] if rows else None


def shelves(*, at: datetime) -> list[Shelf]:
    """Every ladder by name, the one of everybody first. A fixed number of queries."""
    found: dict[str, list[LadderVersion]] = {}
    for row in LadderVersion.objects.filter(dropped_at=None).order_by("name", "-version"):
        found.setdefault(row.name, []).append(row)
    climbing = _climbing(at)
    shelved = [Shelf(n, _books(rows, at), climbing.get(n, [])) for n, rows in found.items()]
    return sorted(shelved, key=lambda shelf: (shelf.name != ladders.EVERYBODY, shelf.name))


def shelf(name: str, *, at: datetime) -> Shelf | None:
    return next((one for one in shelves(at=at) if one.name == name), None)


def _climbing(at: datetime) -> dict[str, list[Team]]:
    """The teams by the ladder they climb."""
    chosen, found = ladders.names_by_team(at=at), dict[str, list[Team]]()
    for team in Team.objects.order_by("name"):
        found.setdefault(chosen.get(team.pk, ladders.EVERYBODY), []).append(team)
    return found


def _books(rows: Iterable[LadderVersion], at: datetime) -> list[Book]:
    rows = list(rows)
    today = instants.house(at).date()
    begun = [row for row in rows if _day(row) and _day(row) <= today]  # type: ignore[operator]
    newest = max(begun, key=lambda row: (_day(row), row.activated_at, row.version), default=None)
    return [Book(row, _state(row, newest, today)) for row in rows]


def _day(row: LadderVersion) -> date | None:
    return row.effective_from if row.activated_at else None


def _state(row: LadderVersion, newest: LadderVersion | None, today: date) -> str:
    day = _day(row)
    if day is None:
        return DRAFT
    if row is newest:
        return IN_FORCE
    return COMING if day > today else PAST
