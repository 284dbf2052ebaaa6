"""The kinds of files, side by side: their columns, how a line is read, judged, written, undone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from crm.actors import Actor
from crm.importing import contracts, do_not_call, past_calls, people, people_rows
from crm.importing.cells import Cells, Field
from crm.importing.frames import Frame
from crm.importing.judging import Judged, Written
from crm.models import Import, ImportBatch, ImportLine


class Write(Protocol):
    """Writes the good lines of a batch, judged once more under the lock."""

    def __call__(
        self, *, row: Import, batch: ImportBatch, frame: Frame, by: Actor, at: datetime
    ) -> Written: ...


class Undo(Protocol):
    """Takes what a batch changed back; how many were `undone` and `left`."""

    def __call__(self, *, row: Import, batch: int, by: Actor, at: datetime) -> Counter[str]: ...


@dataclass(frozen=True)
class Kind:
    """`needed`: of each group one column at least. `unique`: two lines with one key are one too
    many. `judge` says what each line would do; None where `people_rows.VERDICTS` does."""

    fields: tuple[Field, ...]
    needed: tuple[tuple[str, ...], ...]
    facts: Callable[[Cells, Frame], tuple[str, dict[str, Any]]]
    judge: Callable[[Import, list[ImportLine], Frame], Iterable[Judged]] | None
    write: Write
    undo: Undo | None
    lines: int  # of a batch
    unique: bool = True
    options: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    Import.Kind.CUSTOMERS: Kind(
        fields=people.FIELDS,
        needed=(("external_id",),),
        facts=people.facts,
        judge=None,
        write=people_rows.write,
        undo=people_rows.undo,
        lines=5_000,
        options=("team", "language"),
    ),
    Import.Kind.CONTRACTS: Kind(
        fields=contracts.FIELDS,
        needed=(("external_id",), ("plan",), ("monthly",)),
        facts=contracts.facts,
        judge=contracts.judge,
        write=contracts.write,
        undo=contracts.undo,
        lines=2_000,
        unique=False,
    ),
    Import.Kind.ATTEMPTS: Kind(
        fields=past_calls.FIELDS,
        needed=(("external_id", "number"), ("started_at",)),
        facts=past_calls.facts,
        judge=past_calls.judge,
        write=past_calls.write,
        undo=None,
        lines=2_000,
        options=("system", "purpose"),
    ),
    Import.Kind.DO_NOT_CALL: Kind(
        fields=do_not_call.FIELDS,
        needed=(("external_id", "number"),),
        facts=do_not_call.facts,
        judge=do_not_call.judge,
        write=do_not_call.write,
        undo=do_not_call.undo,
        lines=500,
        options=("team", "language"),
    ),
}


def of(row: Import) -> Kind:
    return KINDS[row.kind]
