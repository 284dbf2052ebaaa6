"""GateCheck: what was answered, by month. Its rows are written with the ruling (rulings.py)."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from crm.actors import Actor
from crm.chain import ledgers, pruning

MONTHS_AHEAD = 2


def instant_of(decision_id: uuid.UUID) -> datetime:
    """When a decision was taken, to the millisecond, read from its id."""
    return datetime.fromtimestamp((decision_id.int >> 80) / 1000, UTC)


def _month(at: datetime, ahead: int = 0) -> datetime:
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    index = first.year * 12 + first.month - 1 + ahead
    return first.replace(year=index // 12, month=index % 12 + 1)


def keep_partitions(*, at: datetime) -> int:
    """Makes the partitions of this month and the next two; returns how many were missing."""
    return sum(
        _make_partition(_month(at, ahead), _month(at, ahead + 1))
        for ahead in range(MONTHS_AHEAD + 1)
    )


@transaction.atomic
def _make_partition(start: datetime, end: datetime) -> bool:
    name = f"followups_gatecheck_{start:%Y_%m}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('gate check partitions'))")
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone()[0]:
            return False
        for statement in PARTITION:
            cursor.execute(
                sql.SQL(statement).format(
                    name=sql.Identifier(name),
                    start=sql.Literal(start.isoformat()),
                    end=sql.Literal(end.isoformat()),
                )
            )
    return True


@transaction.atomic
def drop_month(month: date, *, by: Actor, at: datetime) -> int:
    """Removes the answers of a whole month (UTC), noted under seal; how many there were.

    Raises crm.chain.pruning.NotSealed when some of it has no seal, or is not what was sealed.
    """
    name = f"followups_gatecheck_{month:%Y_%m}"
    ledger = ledgers.named("followups_gatecheck")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('gate check partitions'))")
        cursor.execute("SELECT to_regclass(%s)", [name])
        if ledger is None or cursor.fetchone()[0] is None:
            return 0
        noted = pruning.note(ledger=ledger, month=month, by=by, at=at)
        cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    return noted.rows


# What came before its month had a partition waits in the rest, and moves over.
PARTITION = (
    "ALTER TABLE followups_gatecheck_rest DISABLE TRIGGER USER",
    "CREATE TABLE {name} (LIKE followups_gatecheck INCLUDING ALL)",
    "INSERT INTO {name} SELECT * FROM followups_gatecheck_rest WHERE at >= {start} AND at < {end}",
    "DELETE FROM followups_gatecheck_rest WHERE at >= {start} AND at < {end}",
    "ALTER TABLE followups_gatecheck_rest ENABLE TRIGGER USER",
    "ALTER TABLE followups_gatecheck ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})",
    """CREATE TRIGGER gate_check_no_truncate BEFORE TRUNCATE ON {name}
        FOR EACH STATEMENT EXECUTE FUNCTION kept_gate_checks_not_emptied()""",
)
SLACK = timedelta(milliseconds=2)


def find(decision_id: uuid.UUID) -> dict[str, Any] | None:
    """The row of a decision; the id names the month, so one partition is read."""
    try:
        at = instant_of(decision_id)
    except (ValueError, OverflowError):  # not one of ours: it lies beyond the calendar
        return None
    return _one(
        "SELECT * FROM followups_gatecheck WHERE id = %s AND at BETWEEN %s AND %s",
        [decision_id, at - SLACK, at + SLACK],
    )


def _one(statement: str, values: list[Any]) -> dict[str, Any] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
        columns = [column.name for column in cursor.description]
    if row is None:
        return None
    found = dict(zip(columns, row, strict=True))
    if isinstance(found["answer"], str):
        found["answer"] = json.loads(found["answer"])
    return found
