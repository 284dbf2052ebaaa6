"""The seal sweep: what was written since the last seal is hashed and chained.

First a turn: what is written from now on belongs to the next stretch. When the last transaction
that could still write into the old one has ended, the old one is complete for ever, and is sealed.
A sealer that dies leaves a turn that the next one finishes; of two at once one does the work.
The only writer of Seal, SealForm, SealPart and Turn.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from django.db import connection, transaction
from psycopg import sql

from crm.actors import Actor
from crm.chain import heads, ledgers, statements
from crm.chain.ledgers import Ledger
from crm.chain.statements import Span
from crm.models import Seal, SealForm, SealPart, Turn

log = logging.getLogger("kept.audit")
SEALER = Actor.sweep("seal")
START = bytes(32)  # what the first link follows
# Without anything new there is a seal an hour, so that the age of the head says something.
AT_LEAST = timedelta(hours=1)
LOOKS, PAUSE = 10, 0.1  # s; for transactions that were just at it
NEXT = "SELECT nextval('crm_stretch')"
HERE = """
SELECT system_identifier, pg_current_xact_id()::text::bigint FROM pg_control_system()
"""
COMPLETE = """
SELECT t.house <> h.system_identifier
    OR pg_snapshot_xmin(pg_current_snapshot())::text::bigint > t.xact
FROM crm_turn t, pg_control_system() h WHERE t.xact IS NOT NULL
"""
TAKE = """
INSERT INTO crm_sealpart (seal_id, form_id, part, block, rows, hash, manifest)
SELECT number, {form}, part, block, rows, hash, manifest FROM ({parts}) p
"""
LINK = """
SELECT {number}::bigint AS number, {after}::bigint AS after_stretch, {stretch}::bigint AS stretch,
    {rows}::bigint AS rows, {at}::timestamptz AS sealed_at, {by}::varchar(40) AS sealed_by,
    {before}::bytea AS previous_hash
"""


def run(*, at: datetime) -> int:
    """Turns and seals; returns how many rows came under seal."""
    turn(at=at)
    for _look in range(LOOKS):
        if complete():
            break
        time.sleep(PAUSE)
    sealed = seal(at=at)
    if sealed is None:
        return 0
    heads.give_out(heads.of(sealed))
    return sealed.rows


def turn(*, at: datetime) -> None:
    """What is written from now on belongs to the next stretch. Not while a turn is unfinished.

    Its two halves must not share a transaction: whoever still read the old stretch has a lower
    transaction number than the one that is noted here.
    """
    if connection.in_atomic_block:
        raise transaction.TransactionManagementError("a turn is no part of another transaction")
    if Turn.objects.filter(xact__isnull=False).exists():
        return
    with connection.cursor() as cursor:
        cursor.execute(NEXT)
        stretch = cursor.fetchone()[0]
        with transaction.atomic():
            cursor.execute(HERE)
            house, xact = cursor.fetchone()
            now = {"stretch": stretch, "xact": xact, "house": house, "at": at}
            if not Turn.objects.filter(xact=None, stretch__lt=stretch).update(**now):
                Turn.objects.bulk_create([Turn(**now)], ignore_conflicts=True)


def complete() -> bool:
    """Whether nobody can write below the turn any more."""
    with connection.cursor() as cursor:
        cursor.execute(COMPLETE)
        row = cursor.fetchone()
    return bool(row and row[0])


@transaction.atomic
def seal(*, at: datetime) -> Seal | None:
    """The next link, if a stretch is complete and nobody else is at it.

    None without one, and when there was nothing to seal.
    """
    mine = Turn.objects.select_for_update(skip_locked=True).filter(xact__isnull=False).first()
    if mine is None or not complete():
        return None
    last = Seal.objects.order_by("-number").first()
    number, after = (last.number + 1, last.stretch) if last else (1, 0)
    span = Span(number, after, mine.stretch - 1)
    ledgers.by_fixed_manners()
    rows = sum(_take(ledger, span) for ledger in ledgers.all_ledgers())
    Turn.objects.filter(pk=mine.pk).update(xact=None)
    if rows == 0 and last and at < last.sealed_at + AT_LEAST:
        return None
    return _link(span, rows, bytes(last.hash) if last else START, at)


def _take(ledger: Ledger, span: Span) -> int:
    """Writes the parts of one ledger; how many rows they cover."""
    columns = ledger.columns()
    form = SealForm.objects.filter(ledger=ledger.table, columns=columns).first()
    form = form or SealForm.objects.create(ledger=ledger.table, columns=columns)
    taken = sql.SQL(TAKE).format(
        form=sql.Literal(form.pk), parts=statements.parts(ledger, columns, [span])
    )
    with connection.cursor() as cursor:
        cursor.execute(taken)
        if not cursor.rowcount:
            return 0
    return sum(
        SealPart.objects.filter(seal_id=span.number, form=form).values_list("rows", flat=True)
    )


def _link(span: Span, rows: int, before: bytes, at: datetime) -> Seal:
    number, after, stretch = span.number, span.after, span.up_to
    line = sql.SQL(LINK).format(
        number=sql.Literal(number),
        after=sql.Literal(after),
        stretch=sql.Literal(stretch),
        rows=sql.Literal(rows),
        at=sql.Literal(at),
        by=sql.Literal(SEALER.code),
        before=sql.Literal(bytes(before)),
    )
    with connection.cursor() as cursor:
        cursor.execute(statements.links(line))
        _number, made, _rows = cursor.fetchone()
    return Seal.objects.create(
        number=number,
        after_stretch=after,
        stretch=stretch,
        rows=rows,
        previous_hash=bytes(before),
        hash=bytes(made),
        sealed_at=at,
        sealed_by=SEALER.code,
    )
