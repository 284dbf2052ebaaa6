"""The lists of the board: the rows behind each number, the worst first. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

from crm import instants
from followups import queries
from followups.board import causes
from followups.board.numbers import span
from followups.board.wanted import Wanted
from followups.models import Promise, PromiseFigure
from followups.queries import PromiseRow

PER_PAGE = 100
# So many promises are read at once when all of them are wanted.
AT_ONCE = 500
HOUR = timedelta(hours=1)
TITLES: dict[str, str | Lazy] = {
    "broken": _("Broken promises, worst first"),
    "due": _("Due today"),
    "at_risk": _("At risk, the next to fall due first"),
    "kept_rate": _("Not kept in time, the newest due day first"),
    "proof": _("Proven, the slowest first"),
}
EMPTY: dict[str, str | Lazy] = {
    "broken": _("Nothing is broken: every promise that is due stands or is proven."),
    "due": _("Nothing more is due today."),
    "at_risk": _("Nothing is at risk: what is open has time, or is on its way."),
    "kept_rate": _("Everything that was due in these days was kept in time, or is open."),
    "proof": _("No document that was due in these days is proven yet."),
}


@dataclass(frozen=True)
class Row:
    """A promise in a list of the board."""

    row: PromiseRow
    figure: PromiseFigure | None
    at: datetime

    @property
    def promise(self) -> Promise:
        return self.row.promise

    @property
    def late(self) -> bool:
        """Whether a cause and a culprit are to be told: it was not kept in time."""
        return self.row.state in {"broken", "kept_late"} or self.promise.broken_at is not None

    @property
    def cause(self) -> str:
        """The key of the cause; what stands in the way now, or what was the cause."""
        if self.promise.status == Promise.Status.OPEN or self.figure is None:
            return self.row.trouble.cause
        return self.figure.cause

    @property
    def cause_word(self) -> str:
        return str(causes.CAUSES.get(self.cause, ""))

    @property
    def blamed(self) -> str:
        """Whose lateness it is, in words; empty for what is not late."""
        read_back = self.promise.address_accepted_at is not None
        code = causes.blame(self.cause, read_back=read_back) if self.late else ""
        return str(causes.BLAMED.get(code, ""))

    @property
    def sentence(self) -> str:
        open_now = self.promise.status == Promise.Status.OPEN
        return self.row.trouble.sentence if open_now else self.row.word

    @property
    def campaign(self) -> str:
        found = self.promise.attempt.campaign
        return found.name if found else ""

    @property
    def way(self) -> str:
        return self.row.way

    @property
    def hours_late(self) -> int:
        """Whole hours since it was due, until it was kept; 0 for what is in time."""
        until = self.promise.kept_at or self.at
        return max(0, (until - self.promise.due_at) // HOUR)

    @property
    def lateness(self) -> str:
        return span(self.hours_late) if self.late and self.hours_late else ""

    @property
    def proof(self) -> str:
        hours = self.figure.proof_hours if self.figure else None
        return span(hours) if hours is not None else ""


@dataclass(frozen=True)
class Shown:
    """The rows of a page of a list, and how many there are altogether. Pages count from 1."""

    rows: tuple[Row, ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PER_PAGE))

    @property
    def first(self) -> int:
        """The place of the first row of this page in the whole list."""
        return (self.page - 1) * PER_PAGE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def before(self) -> int | None:
        return self.page - 1 if self.page > 1 else None

    @property
    def after(self) -> int | None:
        return self.page + 1 if self.page < self.pages else None


def _broken(wanted: Wanted, at: datetime) -> QuerySet[Promise]:
    rows = Promise.objects.broken(at).filter(wanted.promises())
    return rows.order_by("due_at", "pk")


def _due(wanted: Wanted, at: datetime) -> QuerySet[Promise]:
    midnight = instants.midnight(at)
    rows = Promise.objects.open().filter(due_at__gt=at, due_at__lt=midnight + timedelta(days=1))
    return rows.filter(wanted.promises()).order_by("due_at", "pk")


def _at_risk(wanted: Wanted, at: datetime) -> QuerySet[Promise]:
    rows = Promise.objects.at_risk(at).filter(wanted.promises())
    return rows.order_by("due_at", "pk")


def _not_in_time(wanted: Wanted, at: datetime) -> QuerySet[PromiseFigure]:
    Outcome = PromiseFigure.Outcome
    rows = PromiseFigure.objects.filter(outcome__in=[Outcome.LATE, Outcome.BROKEN])
    return rows.filter(wanted.figures(at)).order_by("-day", "-pk")


def _proven(wanted: Wanted, at: datetime) -> QuerySet[PromiseFigure]:
    rows = PromiseFigure.objects.filter(document=True, proof_hours__isnull=False)
    return rows.filter(wanted.figures(at)).order_by("-proof_hours", "-pk")


# By promises or by their figures, which are far narrower: both have the promise's key.
LISTS: dict[str, Callable[[Wanted, datetime], QuerySet[Any]]] = {
    "broken": _broken,
    "due": _due,
    "at_risk": _at_risk,
    "kept_rate": _not_in_time,
    "proof": _proven,
}


def shown(code: str, *, wanted: Wanted, at: datetime, page: int = 1) -> Shown:
    """A page of a list; of one that is not there, the last. The same number of statements for one
    row and for a hundred."""
    found = LISTS[code](wanted, at)
    total = found.order_by().count()
    page = min(max(page, 1), max(1, -(-total // PER_PAGE)))
    start = (page - 1) * PER_PAGE
    ids = found.values_list("pk", flat=True)[start : start + PER_PAGE]
    return Shown(tuple(_rows(ids, at)), total, page)


def newest_broken(*, wanted: Wanted, at: datetime, most: int) -> tuple[Row, ...]:
    """The broken promises that fell due last."""
    rows = _broken(wanted, at).order_by("-due_at", "-pk")
    return tuple(_rows(rows.values_list("pk", flat=True)[:most], at))


def every(code: str, *, wanted: Wanted, at: datetime) -> Iterator[Row]:
    """All rows of a list, read some at a time."""
    ids = list(LISTS[code](wanted, at).values_list("pk", flat=True))
    for first in range(0, len(ids), AT_ONCE):
        yield from _rows(ids[first : first + AT_ONCE], at)


def _rows(ids: Iterable[int], at: datetime) -> Iterator[Row]:
    wanted = list(ids)
    rows = queries.with_journeys(Promise.objects.filter(pk__in=wanted))
    rows = rows.select_related(
        "customer__text", "text", "owner", "team", "attempt__campaign", "figure"
    )
    found = {row.pk: row for row in rows.defer("calendar", "ladder", "rungs")}
    for pk in wanted:
        if row := found.get(pk):
            figure = getattr(row, "figure", None)
            yield Row(queries.row_of(row, at=at), figure, at)
