"""Looks whether everything that was sealed is still as it was sealed. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from psycopg import sql

from crm.chain import differences, ledgers, sealing, statements
from crm.chain.differences import Fault
from crm.chain.heads import Head
from crm.chain.ledgers import Ledger
from crm.chain.statements import Span
from crm.models import Pruned, Seal, SealForm, SealPart, Turn

SEALS = 500  # of one look at the most
ROWS = 200_000  # about so many, or one seal that has more
STORED = """
SELECT number, after_stretch, stretch, rows, sealed_at, sealed_by, previous_hash
FROM crm_seal WHERE number >= {first} AND number <= {last}
"""
# One statement, one snapshot: a seal that is just being made is seen whole or not at all.
BEYOND = """
SELECT count(*) FILTER (WHERE t.xact IS NULL AND r.stretch < t.stretch),
    count(*) FILTER (WHERE r.stretch > pg_sequence_last_value('crm_stretch'::regclass))
FROM {table} r, crm_turn t WHERE r.stretch > (SELECT max(stretch) FROM crm_seal)
"""
Report = Callable[[int, int], None]


@dataclass
class Outcome:
    """What was looked at, and what is wrong with it."""

    seals: int = 0
    rows: int = 0
    heads: int = 0
    newest: Head | None = None
    faults: list[Fault] = field(default_factory=list)
    pruned: list[Pruned] = field(default_factory=list)


def _silent(_done: int, _all: int) -> None:
    return None


def verify(
    *, since: datetime | None = None, heads: Iterable[Head] = (), report: Report = _silent
) -> Outcome:
    """Recomputes every link, and every row under the seals since then (all without `since`).

    `heads` are what was given outside. `report` is told how many of how many rows are done. What
    has no seal yet (the last minute or two) cannot be judged.
    """
    outcome = Outcome(pruned=list(Pruned.objects.order_by("pk")))
    seals = Seal.objects.order_by("number")
    if since:
        seals = seals.filter(sealed_at__gte=since)
    known = list(seals.values_list("number", "after_stretch", "stretch", "rows"))
    outcome.seals, total = len(known), sum(rows for *_span, rows in known)
    before = Seal.objects.filter(number=known[0][0] - 1).first() if known and since else None
    gone = {(row.ledger, row.part) for row in outcome.pruned}
    for batch in _batches(known):
        before, faults = _links(batch, before)
        outcome.faults += faults
        with transaction.atomic():
            ledgers.by_fixed_manners()
            for ledger in ledgers.all_ledgers():
                rows, faults = _ledger(ledger, batch, gone)
                outcome.rows += rows
                outcome.faults += faults
        report(outcome.rows, total)
    outcome.newest = Head(before.number, bytes(before.hash).hex()) if before else None
    outcome.faults += [*_unknown_ledgers(), *_tail(known)]
    for head in heads:
        outcome.heads += 1
        outcome.faults += _outside(head)
    return outcome


def _batches(known: list[tuple[int, int, int, int]]) -> Iterator[list[Span]]:
    """Seals that are looked at together; the first of all comes alone."""
    batch: list[Span] = []
    rows = 0
    for number, after, up_to, many in known:
        if batch and (len(batch) == SEALS or rows + many > ROWS or batch[0].number == 1):
            yield batch
            batch, rows = [], 0
        batch.append(Span(number, after, up_to))
        rows += many
    if batch:
        yield batch


def _links(batch: list[Span], before: Seal | None) -> tuple[Seal | None, list[Fault]]:
    """The links themselves: no gap, each follows the one before, each is what its hash says."""
    faults: list[Fault] = []
    first, last = batch[0].number, batch[-1].number
    source = sql.SQL(STORED).format(first=sql.Literal(first), last=sql.Literal(last))
    with transaction.atomic(), connection.cursor() as cursor:
        ledgers.by_fixed_manners()
        cursor.execute(statements.links(source))
        made = {number: (bytes(digest), rows) for number, digest, rows in cursor.fetchall()}
    for seal in Seal.objects.filter(number__range=(first, last)).order_by("number"):
        faults += differences.of_link(seal, before, *made[seal.number], start=sealing.START)
        before = seal
    return before, faults


def _ledger(
    ledger: Ledger, batch: list[Span], gone: set[tuple[str, str]]
) -> tuple[int, list[Fault]]:
    """The rows of one ledger under these seals."""
    rows, faults = 0, []
    present = set(ledger.columns().split(", "))
    for columns, spans in _by_form(ledger, batch):
        missing = sorted(set(columns.split(", ")) - present)
        if missing:
            faults.append(differences.unreadable(ledger, spans, missing))
            continue
        found = _found(ledger, columns, spans)
        rows += sum(many for many, _digest in found.values())
        wanted = _wanted(ledger, spans)
        wrong = {
            (number, part)
            for number, part, block in found.keys() | wanted.keys()
            if found.get((number, part, block)) != wanted.get((number, part, block))
        }
        there = {(number, part) for number, part, _block in found}
        for number, part in sorted(wrong):
            if (ledger.table, part) in gone and (number, part) not in there:
                continue
            span = next(span for span in spans if span.number == number)
            faults += differences.of_part(ledger, columns, span, part)
    return rows, faults


def _by_form(ledger: Ledger, batch: list[Span]) -> Iterator[tuple[str, list[Span]]]:
    """Seals in a row that were hashed alike. One without rows of this ledger goes by any form."""
    parts = _parts(batch)
    mine = dict(parts.filter(form__ledger=ledger.table).values_list("seal_id", "form__columns"))
    newest = SealForm.objects.filter(ledger=ledger.table).order_by("-pk").first()
    usual = ledger.columns() if newest is None else newest.columns
    for columns, spans in groupby(batch, key=lambda span: mine.get(span.number, usual)):
        yield columns, list(spans)


def _parts(spans: list[Span]) -> QuerySet[SealPart]:
    return SealPart.objects.filter(seal__gte=spans[0].number, seal__lte=spans[-1].number)


Parts = dict[tuple[int, str, int], tuple[int, bytes]]


def _found(ledger: Ledger, columns: str, spans: list[Span]) -> Parts:
    statement = sql.SQL("SELECT number, part, block, rows, hash FROM ({}) f").format(
        statements.parts(ledger, columns, spans)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return {
            (number, part, block): (rows, bytes(digest))
            for number, part, block, rows, digest in cursor.fetchall()
        }


def _wanted(ledger: Ledger, spans: list[Span]) -> Parts:
    rows = _parts(spans).filter(form__ledger=ledger.table)
    return {
        (row.seal_id, row.part, row.block): (row.rows, bytes(row.hash))
        for row in rows.defer("manifest")
    }


def _unknown_ledgers() -> Iterator[Fault]:
    """Sealed tables that are no ledgers any more."""
    tables = {ledger.table for ledger in ledgers.all_ledgers()}
    sealed: Any = SealForm.objects.values_list("ledger", flat=True).distinct()
    for table in sorted(set(sealed) - tables):
        yield Fault("ledger_gone", f"{table} was sealed and is no ledger any more.", table)


def _tail(known: list[tuple[int, int, int, int]]) -> Iterator[Fault]:
    """What stands behind the last seal although it was sealed, or claims a time to come."""
    if not Turn.objects.exists():
        if known:
            yield Fault("tail", "The mark of the sealer is gone: somebody took it out.")
        return
    for ledger in ledgers.all_ledgers():
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(BEYOND).format(table=ledger.identifier))
            behind, ahead = cursor.fetchone()
        if behind:
            yield differences.behind_the_last(ledger, behind)
        if ahead:
            yield differences.ahead_of_time(ledger, ahead)


def _outside(head: Head) -> Iterator[Fault]:
    """Whether the chain still has the link that was given outside."""
    seal = Seal.objects.filter(number=head.number).first()
    if seal is None:
        yield differences.head_missing(head.number)
    elif bytes(seal.hash).hex() != head.hash:
        yield differences.head_other(seal)
