"""Writes a batch. A line that the database refuses costs itself, and not the lines beside it."""

from __future__ import annotations

import copy
import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import psycopg
from django.db import DataError, IntegrityError, InternalError, connection, transaction
from django.utils.translation import gettext as _

from crm.actors import Actor
from crm.importing import frames, kinds, staging
from crm.importing.frames import Frame
from crm.importing.judging import BAD
from crm.models import Import, ImportBatch, ImportLine

log = logging.getLogger("kept.import")
# What one line can bring about. A database that is away, or in a hurry, is no line's fault: then
# the whole step is done again.
OF_A_LINE = (
    DataError,
    IntegrityError,
    InternalError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    # What COPY says is not translated.
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.InternalError,
)


@dataclass(frozen=True)
class _Turn:
    row: Import
    frame: Frame
    by: Actor
    at: datetime


def write(*, row: Import, batch: ImportBatch, by: Actor, at: datetime) -> Counter[str]:
    """How many lines were new, changed, the same, and bad after all: together all that were good
    before. Joins the caller's transaction."""
    return _write(_Turn(row, frames.of(row), by, at), batch)


def _write(turn: _Turn, batch: ImportBatch) -> Counter[str]:
    try:
        with transaction.atomic():
            written = kinds.of(turn.row).write(
                row=turn.row, batch=batch, frame=turn.frame, by=turn.by, at=turn.at
            )
            # Else a key that leads nowhere is found when the step is over, by no line at all.
            connection.check_constraints()
    except OF_A_LINE:
        return _apart(turn, batch)
    return written.counts + Counter({BAD: staging.apply(written.bad)})


def _apart(turn: _Turn, batch: ImportBatch) -> Counter[str]:
    """Each half of the lines by itself, down to the one that is at fault."""
    lines = staging.good(turn.row, batch)
    if not lines:
        raise
    if len(lines) == 1:
        return _given_up(turn, lines)
    middle = lines[len(lines) // 2].line
    halves = ((batch.first, middle - 1), (middle, batch.last))
    return sum((_write(turn, _part(batch, *half)) for half in halves), Counter[str]())


def _part(batch: ImportBatch, first: int, last: int) -> ImportBatch:
    part = copy.copy(batch)
    part.first, part.last = first, last
    return part


def _given_up(turn: _Turn, lines: list[ImportLine]) -> Counter[str]:
    at = {"import": turn.row.pk, "line": lines[0].line}
    log.exception("a line cannot be written", extra=at)
    reason = _("cannot be written; ask your administrator, the log says why")
    return Counter({BAD: staging.spoil(turn.row, lines, reason)})
