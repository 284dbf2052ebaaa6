"""Months of a ledger that are removed: only when all of it was sealed, and with a sealed note."""

from __future__ import annotations

from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import Max, Sum
from psycopg import sql

from crm import audit
from crm.actors import Actor
from crm.chain.ledgers import Ledger
from crm.models import Pruned, Seal, SealPart

COUNT = """
SELECT count(*), count(*) FILTER (WHERE r.stretch IS NULL AND {last} = 0 OR r.stretch > {last})
FROM {table} r WHERE {month} >= {begins} AND {month} < {ends}
"""


class NotSealed(Exception):
    """Some of it has no seal, or is not what was sealed; in words."""


def note(*, ledger: Ledger, month: date, by: Actor, at: datetime) -> Pruned:
    """Writes down that this month (UTC) of the ledger is removed, in the transaction that does it.

    Raises NotSealed. The rows themselves are the caller's to remove. A month is noted once.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("the note and the removing are one act")
    part = f"{month:%Y-%m}"
    last = Seal.objects.aggregate(last=Max("stretch"))["last"] or 0
    there, unsealed = _count(ledger, month, last)
    if unsealed:
        raise NotSealed(f"{unsealed:,} rows of {part} in {ledger.table} have no seal yet.")
    parts = SealPart.objects.filter(form__ledger=ledger.table, part=part)
    sealed = parts.aggregate(rows=Sum("rows"), last=Max("seal_id"))
    if there != (sealed["rows"] or 0):
        raise NotSealed(
            f"{ledger.table} has {there:,} rows of {part}, and {sealed['rows'] or 0:,} were sealed."
            " Run verify_audit."
        )
    data = {"ledger": ledger.table, "part": part, "rows": there}
    audit.write(action="ledger_pruned", subject="house", by=by, at=at, data=data)
    return Pruned.objects.create(
        ledger=ledger.table,
        part=part,
        rows=there,
        up_to_seal=sealed["last"] or 0,
        at=at,
        by=by.code,
    )


def _count(ledger: Ledger, month: date, last: int) -> tuple[int, int]:
    """How many rows the month has, and how many of them have no seal."""
    begins = datetime.fromisoformat(f"{month:%Y-%m}-01T00:00:00+00:00")
    ends = begins.replace(year=begins.year + begins.month // 12, month=begins.month % 12 + 1)
    statement = sql.SQL(COUNT).format(
        last=sql.Literal(last),
        table=ledger.identifier,
        month=sql.Identifier(ledger.month_of),
        begins=sql.Literal(begins),
        ends=sql.Literal(ends),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        there, unsealed = cursor.fetchone()
    return there, unsealed
