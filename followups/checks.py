"""GateCheck: what was answered, by month. The only writer of that table."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from config import prepared
from config.prepared import Statement

MONTHS_AHEAD = 2
INSERT = Statement(
    "gate_check",
    """
INSERT INTO followups_gatecheck (id, at, by, agent_id, customer_ids, number_hash, purpose,
    campaign_id, decision, code, codes, reserve, request_id, policy, valid_until_at, answer)
VALUES (%(id)s, %(at)s, %(by)s, %(agent_id)s, %(customer_ids)s, %(number_hash)s, %(purpose)s,
    %(campaign_id)s, %(decision)s, %(code)s, %(codes)s, %(reserve)s, %(request_id)s, %(policy)s,
    %(valid_until_at)s, %(answer)s)
""",
)


@dataclass(frozen=True)
class Check:
    """One answer of the gate, as its row keeps it."""

    at: datetime
    by: str
    agent_id: int | None
    customer_ids: list[int]
    number_hash: bytes | None
    purpose: str
    campaign_id: int | None
    decision: str
    code: str
    codes: list[str]
    reserve: bool
    request_id: str
    policy: str
    valid_until_at: datetime
    answer: dict[str, Any]


def new_id(at: datetime) -> uuid.UUID:
    """A UUID of version 7 (RFC 9562): its first 48 bits are the milliseconds of `at`."""
    stamp = int(at.timestamp() * 1000)
    tail = int.from_bytes(uuid.uuid4().bytes[6:], "big") & ((1 << 80) - 1)
    value = (stamp << 80) | tail
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=value)


def instant_of(decision_id: uuid.UUID) -> datetime:
    """When a decision was taken, to the millisecond, read from its id."""
    return datetime.fromtimestamp((decision_id.int >> 80) / 1000, UTC)


def write(*, decision_id: uuid.UUID, check: Check, durable: bool) -> None:
    """Adds the row. A deny may commit asynchronously; what allows somebody to call may not."""
    values = {**vars(check), "id": decision_id, "answer": json.dumps(check.answer)}
    prepared.run(INSERT, values)
    if not durable:
        prepared.may_lag()


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


# What came before its month had a partition waits in the rest, and moves over.
PARTITION = (
    "ALTER TABLE followups_gatecheck_rest DISABLE TRIGGER USER",
    "CREATE TABLE {name} (LIKE followups_gatecheck INCLUDING ALL)",
    "INSERT INTO {name} SELECT * FROM followups_gatecheck_rest WHERE at >= {start} AND at < {end}",
    "DELETE FROM followups_gatecheck_rest WHERE at >= {start} AND at < {end}",
    "ALTER TABLE followups_gatecheck_rest ENABLE TRIGGER USER",
    "ALTER TABLE followups_gatecheck ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})",
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


def of_request(*, by: str, request_id: str, since: datetime) -> dict[str, Any] | None:
    """What was answered to the same actor under the same request id."""
    return _one(
        "SELECT * FROM followups_gatecheck WHERE by = %s AND request_id = %s AND at >= %s"
        " AND request_id <> '' ORDER BY at DESC LIMIT 1",
        [by, request_id, since],
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
