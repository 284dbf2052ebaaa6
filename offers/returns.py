"""The mail room's word: return files taken in once, and the evidence that each line becomes.

The only writer of ReturnFile. Taking a file in marks its lines; the evidence follows in the sweep,
line by line, so that a file of a hundred thousand lines is answered at once.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from crm.actors import Actor
from crm.tables import Unreadable
from offers import bill_runs, deliveries, evidence, postal, print_lines, returned
from offers.models import Delivery, Evidence, PrintLine, PrintRun, ReturnFile

log = logging.getLogger("kept.returns")
Kind = Evidence.Kind
KINDS = {"mailed": Kind.POSTED, "spoiled": Kind.FAILED, "missing": Kind.FAILED}
# After so many working days a sheet that nobody confirmed may or may not have left.
PATIENCE_DAYS = 2
BATCH = 500
AT_ONCE = 5_000


def take_in(*, run: PrintRun, path: Path, by: Actor, at: datetime) -> ReturnFile:
    """Reads a return file and marks its lines; the same file again changes nothing.

    Raises Unreadable, in words, for a run that is not printed yet and for what is no such file.
    """
    if run.status not in {PrintRun.Status.PRINTED, PrintRun.Status.MAILED}:
        raise Unreadable(_("This run is not printed yet, so nothing of it can have left."))
    with transaction.atomic():
        # One file of a run at a time: the second sees what the first has marked.
        run = PrintRun.objects.select_for_update().get(pk=run.pk)
        table, reading = returned.read(run=run, path=path, at=at)
        known = ReturnFile.objects.filter(run=run, sha256=table.sha256).first()
        return known or _kept(run, table.sha256, reading, by, at)


def _kept(
    run: PrintRun, sha256: str, reading: returned.Reading, by: Actor, at: datetime
) -> ReturnFile:
    file = ReturnFile.objects.create(
        run=run,
        sha256=sha256,
        received_at=at,
        received_by=by.code,
        counts=dict(reading.counts),
        problems=sorted(reading.problems, key=lambda problem: int(str(problem["line"]))),
    )
    for status, rows in reading.new.items():
        for happened_at, ids in _by_instant(rows).items():
            for start in range(0, len(ids), AT_ONCE):
                some = ids[start : start + AT_ONCE]
                print_lines.told(
                    line_ids=some, status=status, file=file, happened_at=happened_at, at=at
                )
    left = reading.new.get("mailed")
    if left:
        bill_runs.mailed(run=run, by=by, at=at, mailed_at=min(moment for _pk, moment in left))
    bill_runs.note(run=run, cause="return_file", by=by, at=at, file=file.pk)
    return file


def _by_instant(rows: list[tuple[int, datetime]]) -> dict[datetime, list[int]]:
    """A mail room writes the same time on many lines: one statement for each time."""
    groups: dict[datetime, list[int]] = {}
    for pk, happened_at in rows:
        groups.setdefault(happened_at, []).append(pk)
    return groups


def record_due(*, at: datetime, most: int = BATCH) -> int:
    """Evidence for the lines that were spoken of, some hundreds in a turn."""
    recorded = 0
    for line in print_lines.to_tell(at=at)[:most]:
        try:
            recorded += _record(line, at)
        except Exception:
            log.exception("could not record a line", extra={"line": line.pk})
            print_lines.put_off(line=line, until=at + timedelta(hours=1))
    return recorded


@transaction.atomic
def _record(line: PrintLine, at: datetime) -> bool:
    """The line's evidence; not before its delivery is on its way by our own books."""
    if line.delivery.status == Delivery.Status.CLAIMED:
        return False
    whole = line.status == PrintLine.Status.PENDING
    event = evidence.Event(
        source="mail_room",
        event_id=f"{line.code}:{'whole' if whole else line.status}",
        kind=Kind.BATCH_MAILED if whole else KINDS[line.status],
        occurred_at=(line.run.mailed_at if whole else line.happened_at) or at,
        words="" if whole else line.status,
        ours=True,  # the reading has refused what cannot be
    )
    by = Actor(code=line.told_in.received_by if line.told_in else line.run.mailed_by)
    evidence.record(delivery=line.delivery, event=event, by=by, at=at)
    print_lines.recorded(line=line)
    return True


def overdue(run: PrintRun) -> datetime | None:
    """From when on a line of this run that nobody confirmed is an alarm."""
    if run.mailed_at is None or run.whole_at is not None:
        return None
    return postal.mail_days().add_working_days(run.mailed_at, PATIENCE_DAYS)


def doubt_due(*, at: datetime) -> int:
    """What nobody confirmed in time may or may not have left: UNKNOWN, and an alarm."""
    waiting = PrintRun.objects.filter(
        status=PrintRun.Status.MAILED, whole_at=None, doubted_at=None, total__gt=0
    )
    return sum(_doubt(run, at) for run in waiting if (limit := overdue(run)) and limit <= at)


@transaction.atomic
def _doubt(run: PrintRun, at: datetime) -> int:
    ids = list(
        PrintLine.objects.filter(
            run=run, status=PrintLine.Status.PENDING, sequence__isnull=False
        ).values_list("delivery_id", flat=True)
    )
    for start in range(0, len(ids), AT_ONCE):
        deliveries.move_paper(
            ids=ids[start : start + AT_ONCE],
            source="sending",
            to="unknown",
            by=bill_runs.SWEEPER,
            at=at,
            cause="unconfirmed",
        )
    bill_runs.doubt(run=run, lines=len(ids), at=at)
    return len(ids)


def came_back(*, code: str, by: Actor, at: datetime) -> Delivery | None:
    """A letter or bill came back by post: the address is bad. None when no sheet has this mark."""
    found = returned.CODE.fullmatch(code.strip())
    line = PrintLine.objects.filter(delivery=int(found[1])).first() if found else None
    if line is None or line.sequence is None:
        return None
    event = evidence.Event(
        source="mail_room",
        event_id=f"{line.code}:returned",
        kind=Kind.RETURNED,
        occurred_at=at,
        hard=True,
    )
    evidence.record(delivery=line.delivery, event=event, by=by, at=at)
    return line.delivery
