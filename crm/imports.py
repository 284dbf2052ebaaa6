"""Imports of customers: a file in, row by row, with progress, and a reason for each refused row."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from crm import bulk, rows, tables
from crm.actors import Actor
from crm.customers import Facts
from crm.mappings import PLAIN, BadCell, ColumnMap
from crm.models import ImportRun, Team
from crm.rows import Frame
from crm.tables import Row, Table, Unreadable

log = logging.getLogger("kept.import")
BATCH = 2000


@dataclass(frozen=True)
class Refusal:
    """A row that was left out. No value of it: more people may read the list than the file."""

    line: int
    column: str
    reason: str


@dataclass
class Tally:
    """How far an import is. `read` = new + changed + same + refused, after each batch."""

    read: int = 0
    refused: int = 0
    became: Counter[str] = field(default_factory=Counter)

    def columns(self) -> dict[str, int]:
        return {
            "rows_read": self.read,
            "rows_new": self.became[bulk.NEW],
            "rows_changed": self.became[bulk.CHANGED],
            "rows_same": self.became[bulk.SAME],
            "rows_refused": self.refused,
        }


@dataclass(frozen=True)
class Listener:
    """Who hears of refused rows, and of each batch that was written."""

    refused: Callable[[Refusal], None] = lambda refusal: None
    progress: Callable[[Tally], None] = lambda tally: None


def import_customers(
    path: Path,
    *,
    by: Actor,
    at: datetime,
    mapping: ColumnMap = PLAIN,
    team: Team | None = None,
    dry_run: bool = False,
    listener: Listener | None = None,
) -> Tally:
    """Brings the customers of a file in; those without a team of their own into `team`.

    Idempotent by external id: the same file again changes nothing. A batch is one transaction,
    with its progress; an import that was cut off is simply run again. A dry run writes nothing
    at all. Raises Unreadable when nothing of the file can be taken.
    """
    table = tables.read(path)
    missing = rows.check_columns(table.columns, mapping)
    if missing:
        raise Unreadable(_("Columns are missing: %(names)s.") % {"names": ", ".join(missing)})
    frame = Frame(
        mapping=mapping,
        teams={row.slug.casefold(): row for row in Team.objects.all()},
        country=settings.DEFAULT_COUNTRY,
        as_of=_as_of(table, at),
        team=team,
    )
    run = None if dry_run else _started(table, by=by, at=at)
    tally = _all(table, frame, run, listener or Listener(), at=at)
    if run:
        ImportRun.objects.filter(pk=run.pk).update(finished_at=at)
    return tally


def _as_of(table: Table, at: datetime) -> date:
    """Months in a file are counted back from the month in which these bytes first came, so that
    the same file says the same a month later."""
    earlier = ImportRun.objects.filter(kind="customers", file_sha256=table.sha256)
    first = earlier.order_by("started_at").values_list("started_at", flat=True).first()
    return (first or at).date().replace(day=1)


def _started(table: Table, *, by: Actor, at: datetime) -> ImportRun:
    return ImportRun.objects.create(
        kind="customers",
        file_sha256=table.sha256,
        started_at=at,
        started_by=by.code,
        user=by.user,
    )


def _all(
    table: Table, frame: Frame, run: ImportRun | None, listener: Listener, *, at: datetime
) -> Tally:
    tally, seen = Tally(), dict[str, int]()
    records = table.rows()
    while batch := list(islice(records, BATCH)):
        good: list[tuple[int, Facts]] = []
        refusals = list(_sorted_out(batch, frame, seen, good))
        with transaction.atomic():
            facts = [facts for _line, facts in good]
            verdicts = bulk.put(facts, at=at) if run else bulk.compare(facts)
            refusals += [
                Refusal(line, "external_id", _("is somebody who asked to be forgotten"))
                for (line, _facts), verdict in zip(good, verdicts, strict=True)
                if verdict == bulk.ERASED
            ]
            tally.read += len(batch)
            tally.refused += len(refusals)
            tally.became.update(verdicts)
            if run:
                ImportRun.objects.filter(pk=run.pk).update(**tally.columns())
        for refusal in sorted(refusals, key=lambda refusal: refusal.line):
            listener.refused(refusal)
        listener.progress(tally)
    return tally


def _sorted_out(
    batch: list[Row], frame: Frame, seen: dict[str, int], good: list[tuple[int, Facts]]
) -> Iterator[Refusal]:
    """Fills `good`, and gives a refusal for every other row. One bad row stops nobody."""
    for row in batch:
        try:
            if row.problem:
                raise BadCell("", row.problem)
            facts = rows.facts(row.cells, frame)
            first = seen.setdefault(facts.external_id or "", row.line)
            if first != row.line:
                raise BadCell("external_id", _("stands in line %(n)s already") % {"n": first})
        except BadCell as error:
            yield Refusal(row.line, error.column, str(error))
        else:
            good.append((row.line, facts))
