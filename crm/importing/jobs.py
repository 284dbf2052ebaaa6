"""Imports and their moves. The only writer of Import and its events.

UPLOADED -> READ -> CHECKING -> CHECKED -> RUNNING -> DONE -> UNDOING -> UNDONE; before RUNNING it
may be REFUSED or DROPPED. Who moves it is whoever finds it in the status that the move starts from.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from crm import audit
from crm.actors import Actor
from crm.importing import changes, cutting, files, headings, kinds, staging
from crm.models import Import, ImportEvent
from crm.wishes import LEAST_WORDS

Status = Import.Status
MOVES: dict[str, frozenset[str]] = {
    "": frozenset({Status.UPLOADED}),
    Status.UPLOADED: frozenset({Status.READ, Status.REFUSED, Status.DROPPED}),
    Status.READ: frozenset({Status.CHECKING, Status.DROPPED}),
    Status.CHECKING: frozenset({Status.CHECKED, Status.REFUSED, Status.DROPPED}),
    Status.CHECKED: frozenset({Status.CHECKING, Status.RUNNING, Status.DROPPED}),
    Status.RUNNING: frozenset({Status.DONE}),
    Status.DONE: frozenset({Status.UNDOING}),
    Status.UNDOING: frozenset({Status.UNDONE}),
}
AT_WORK = (Status.UPLOADED, Status.CHECKING, Status.RUNNING, Status.UNDOING)
DROPPABLE = (Status.UPLOADED, Status.READ, Status.CHECKING, Status.CHECKED)
# So long an import can be undone and its file looked at; then both are forgotten.
KEPT = timedelta(days=30)
LONGEST_GROUND = 400


class Refused(ValueError):
    """What cannot be done with an import so; `field` is at fault, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@transaction.atomic
def upload(*, path: Path, name: str, kind: str, language: str, by: Actor, at: datetime) -> Import:
    """Takes a file in. Raises Unreadable for one that can be seen to be none."""
    name = Path(name).name
    files.check(path, name)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    suffix = Path(name).suffix
    row = Import.objects.create(
        kind=kind,
        file_name=f"{Path(name).stem[: 120 - len(suffix)]}{suffix}"[-120:],
        sha256=digest.hexdigest(),
        size=path.stat().st_size,
        language=language,
        uploaded_at=at,
        uploaded_by=by.code,
    )
    with path.open("rb") as file:
        files.keep(row, iter(lambda: file.read(1 << 20), b""))
    _note(row, "", "uploaded", by=by, at=at)
    return row


def read(*, row: Import, sheet: files.Sheet, by: Actor, at: datetime) -> bool:
    """The file is cut into batches, and its columns are known."""
    batches = list(row.cut.values_list("lines", flat=True))
    return _move(
        row,
        Status.READ,
        source=Status.UPLOADED,
        cause="read",
        by=by,
        at=at,
        headings=sheet.headings,
        about=sheet.about,
        batches=len(batches),
        lines=sum(batches),
    )


def refuse(*, row: Import, why: str, by: Actor, at: datetime) -> bool:
    """It cannot be imported at all; nothing of it stays but why."""
    with transaction.atomic():
        won = _move(
            row, Status.REFUSED, source=row.status, cause="refused", by=by, at=at, why=why[:400]
        )
        if won:
            _forget(row, at=at)
    return won


def choose(
    *, row: Import, columns: Mapping[str, int], options: Mapping[str, Any], by: Actor, at: datetime
) -> bool:
    """Says which column is which, and begins to check; remembered for the next file like it.

    Raises Refused. A checked import may be given other columns, and is checked anew.
    """
    kind = kinds.of(row)
    for group in kind.needed:
        if not any(name in columns for name in group):
            labels = [str(one.label) for one in kind.fields if one.name in group]
            words = _("One column has to be: %(names)s.")
            raise Refused("columns", words % {"names": _(" or ").join(labels)})
    source = row.status if row.status in (Status.READ, Status.CHECKED) else Status.READ
    facts = {"columns": dict(columns), "options": dict(options), "batches_done": 0}
    with transaction.atomic():
        won = _move(row, Status.CHECKING, source=source, cause="columns", by=by, at=at, **facts)
        if won:
            headings.remember(
                kind=row.kind,
                headings=row.headings,
                columns=columns,
                options=options,
                by=by,
                at=at,
            )
            staging.forget(row)
    return won


def checked(*, row: Import, by: Actor, at: datetime) -> bool:
    """Every line has its verdict."""
    counts = staging.counted(row)
    source = Status.CHECKING
    return _move(row, Status.CHECKED, source=source, cause="checked", by=by, at=at, **counts)


def start(*, row: Import, leave_bad: bool, by: Actor, at: datetime) -> bool:
    """Begins to write. Raises Refused: bad lines are left out only when somebody says so."""
    if row.status == Status.CHECKED and row.lines_bad and not leave_bad:
        raise Refused("leave_bad", _("Say that the bad lines are left out, or mend the file."))
    if row.status == Status.CHECKED and row.lines_bad == row.lines:
        raise Refused("leave_bad", _("Every line is bad: there is nothing to import."))
    zero = dict.fromkeys(("lines_new", "lines_changed", "lines_same", "batches_done"), 0)
    with transaction.atomic():
        won = _move(
            row,
            Status.RUNNING,
            source=Status.CHECKED,
            cause="started",
            by=by,
            at=at,
            started_at=at,
            started_by=by.code,
            leave_bad=leave_bad,
            **zero,
        )
        if won:
            audit.write(action="import_started", subject=f"import:{row.pk}", by=by, at=at)
    return won


def done(*, row: Import, by: Actor, at: datetime) -> bool:
    """The last batch is written. What was staged is not needed any more, but for the bad lines."""
    return _move(row, Status.DONE, source=Status.RUNNING, cause="done", by=by, at=at)


def can_undo(row: Import, *, at: datetime) -> bool:
    """Whether somebody may ask for it: what it changed is still known."""
    known = row.status == Status.DONE and row.blanked_at is None
    return known and kinds.of(row).undo is not None and row.uploaded_at > at - KEPT


def undo(*, row: Import, ground: str, by: Actor, at: datetime) -> bool:
    """Begins to take everything back. Raises Refused: a wish not to be called ends for a reason."""
    if not can_undo(row, at=at):
        return False
    ground = ground.strip()[:LONGEST_GROUND]
    if row.kind == Import.Kind.DO_NOT_CALL and len(ground) < LEAST_WORDS:
        raise Refused("ground", _("Say why, in at least 15 characters."))
    stamp: dict[str, Any] = {"undone_at": at, "undone_by": by.code, "ground": ground}
    with transaction.atomic():
        won = _move(
            row,
            Status.UNDOING,
            source=Status.DONE,
            cause="undo",
            by=by,
            at=at,
            batches_done=0,
            **stamp,
        )
        if won:
            audit.write(action="import_undone", subject=f"import:{row.pk}", by=by, at=at)
    return won


def undone(*, row: Import, by: Actor, at: datetime) -> bool:
    return _move(row, Status.UNDONE, source=Status.UNDOING, cause="undone", by=by, at=at)


def drop(*, row: Import, by: Actor, at: datetime) -> bool:
    """Somebody thought better of it: nothing was imported, and the file is forgotten."""
    if row.status not in DROPPABLE:
        return False
    with transaction.atomic():
        won = _move(row, Status.DROPPED, source=row.status, cause="dropped", by=by, at=at)
        if won:
            _forget(row, at=at)
    return won


def counted(row: Import, counts: Counter[str], *, of: int) -> bool:
    """A batch of the present status is ready; False when somebody else had done it."""
    rows = Import.objects.filter(pk=row.pk, status=row.status, batches_done=of)
    columns = {
        f"lines_{name}": F(f"lines_{name}") + counts[name]
        for name in ("new", "changed", "same", "bad", "left")
        if counts[name]
    }
    return bool(rows.update(batches_done=of + 1, **columns))


def forget_old(*, at: datetime) -> int:
    """Blanks what is a month old: files, lines, what was there before."""
    rows = Import.objects.filter(uploaded_at__lte=at - KEPT, blanked_at=None)
    old = list(rows.exclude(status__in=AT_WORK).order_by("pk")[:20])
    for row in old:
        if row.status in DROPPABLE:
            drop(row=row, by=Actor.sweep("imports"), at=at)
        else:
            with transaction.atomic():
                _forget(row, at=at)
    return len(old)


def forget_people(ids: Iterable[int], *, keys: Iterable[str], until: datetime) -> None:
    """Nothing of these people stays in imports that were brought before `until`.

    Of an import that is over the file, its cells and its lines go, for they hold whole lines of
    others and of them alike; what it changed of the others can still be undone. One that waits or
    is at work keeps its file until it is over: the sweep comes again.
    """
    changes.forget_people(ids)
    staging.forget_keys(keys)
    over = Import.objects.filter(uploaded_at__lte=until, blanked_at=None)
    for row in over.filter(
        status__in=(Status.DONE, Status.UNDONE), pieces__isnull=False
    ).distinct():
        files.forget(row)
        cutting.blank(row)
        staging.forget(row)


def _forget(row: Import, *, at: datetime) -> None:
    for room in (files, cutting, staging, changes):
        room.forget(row)
    Import.objects.filter(pk=row.pk).update(blanked_at=at)


def _move(
    row: Import, to: str, *, source: str, cause: str, by: Actor, at: datetime, **columns: Any
) -> bool:
    """Compare-and-set with its event; False when somebody was first."""
    if to not in MOVES.get(source, ()):
        return False
    with transaction.atomic():
        if not Import.objects.filter(pk=row.pk, status=source).update(status=to, **columns):
            return False
        row.refresh_from_db()
        _note(row, source, cause, by=by, at=at)
    return True


def _note(row: Import, source: str, cause: str, *, by: Actor, at: datetime) -> None:
    ImportEvent.objects.create(
        of=row, from_status=source, to_status=row.status, cause=cause, at=at, by=by.code
    )
