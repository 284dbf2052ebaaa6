"""The sweep of imports: one batch after the other, until nothing is left or its share is used.

Each step is one short transaction over one batch, and what comes next is read from the rows: a
worker that is killed loses the step it was in, and whoever comes next does it again. Two workers
on one import do each step once.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import translation

from crm.actors import Actor
from crm.importing import cutting, jobs, kinds, staging, writing
from crm.models import Import
from crm.tables import Unreadable

log = logging.getLogger("kept.import")
Clock = Callable[[], datetime]
SWEEPER = Actor.sweep("imports")
# One turn: the others wait for the same workers, and two of them guard the gate.
SHARE = timedelta(seconds=10)
Status = Import.Status


def run(*, clock: Clock, share: timedelta = SHARE) -> int:
    """One turn over every import that is at work; returns the number of steps taken."""
    jobs.forget_old(at=clock())
    until, steps = clock() + share, 0
    # The small ones first: nobody waits for minutes behind a million lines.
    for row in Import.objects.filter(status__in=jobs.AT_WORK).order_by("lines", "pk"):
        try:
            with translation.override(row.language):
                steps += _turn(row, clock=clock, until=until)
        except Exception:
            log.exception("could not go on", extra={"import": row.pk})
    return steps


def _turn(row: Import, *, clock: Clock, until: datetime) -> int:
    steps = 0
    while (at := clock()) < until and step(row, at=at):
        steps += 1
    return steps


def step(row: Import, *, at: datetime) -> bool:
    """The next piece of work on an import; False when there is none that somebody else has not."""
    row.refresh_from_db()
    if row.status == Status.UPLOADED:
        return _cut(row, at)
    with transaction.atomic():
        if not _alone(row):
            return False
        row.refresh_from_db()
        acts = {Status.CHECKING: _check, Status.RUNNING: _write, Status.UNDOING: _undo}
        act = acts.get(Status(row.status))
        moved = act(row, at) if act else False
        # Somebody dropped it meanwhile: then nothing of this step stays either.
        transaction.set_rollback(not moved)
        return moved


def _alone(row: Import) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('import'), %s)", [row.pk])
        return bool(cursor.fetchone()[0])


def _cut(row: Import, at: datetime) -> bool:
    """The file becomes batches, each in a transaction of its own."""
    try:
        sheet = cutting.cut(row, lines=kinds.of(row).lines)
    except Unreadable as error:
        return jobs.refuse(row=row, why=str(error), by=SWEEPER, at=at)
    return bool(sheet and jobs.read(row=row, sheet=sheet, by=SWEEPER, at=at))


def _check(row: Import, at: datetime) -> bool:
    """First every line is read, then every line is judged: a line may depend on a later one."""
    number = row.batches_done
    if number == 2 * row.batches:
        return jobs.checked(row=row, by=SWEEPER, at=at)
    act = staging.stage if number < row.batches else staging.judge
    act(row, row.cut.get(number=number % row.batches))
    return jobs.counted(row, Counter(), of=number)


def _write(row: Import, at: datetime) -> bool:
    number = row.batches_done
    if number == row.batches:
        return jobs.done(row=row, by=SWEEPER, at=at)
    batch = row.cut.get(number=number)
    counts = writing.write(row=row, batch=batch, by=_author(row), at=at)
    return jobs.counted(row, counts, of=number)


def _undo(row: Import, at: datetime) -> bool:
    """The last batch first: whoever stands in two batches gets back what was before the first."""
    number, undo = row.batches_done, kinds.of(row).undo
    if number == row.batches or undo is None:
        return jobs.undone(row=row, by=SWEEPER, at=at)
    by = Actor(code=row.undone_by)
    counts = undo(row=row, batch=row.batches - 1 - number, by=by, at=at)
    return jobs.counted(row, Counter(left=counts["left"]), of=number)


def _author(row: Import) -> Actor:
    """Who started it is the author of what it writes."""
    return Actor(code=row.started_by)


def share_done(row: Import) -> int:
    """How far the present work is, of 100."""
    total = row.batches * (2 if row.status == Status.CHECKING else 1)
    return min(100, row.batches_done * 100 // total) if total else 0
