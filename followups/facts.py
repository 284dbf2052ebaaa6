"""What the gate needs to know, in one statement for one person or for thousands. Reads only."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from config import prepared
from config.prepared import Statement
from config.timetable import SWEEPS
from crm import customers, heartbeats

GUARDS = [sweep.name for sweep in SWEEPS if sweep.guards_gate]
# Written out, because they never change while we run: the planner then knows how few they are.
GUARDED = ", ".join(
    f"('{name}', interval '{heartbeats.allowed(name).total_seconds()} s')" for name in GUARDS
)
# The people of a number, locked in the order of their ids; then the number itself.
LOCK_PEOPLE = Statement(
    "gate_lock_people",
    """
SELECT pg_advisory_xact_lock(id), id FROM (
    SELECT DISTINCT customer_id AS id FROM crm_phonenumber WHERE e164 = %(number)s
    UNION SELECT unnest(%(ids)s::bigint[]) ORDER BY 1
) people
""",
)
LOCK_NUMBER = Statement("gate_lock_number", customers.LOCK_NUMBER.replace("%s", "%(number)s"))
# An attempt from a machine whose clock runs ahead counts as well, within one gap.
FACTS = """
WITH clock AS MATERIALIZED (SELECT coalesce(%(at)s::timestamptz, kept_now()) AS at),
people AS MATERIALIZED (
    SELECT DISTINCT customer_id AS id FROM crm_phonenumber WHERE e164 = %(number)s
    UNION SELECT unnest(%(ids)s::bigint[])
)
SELECT NULL::bigint, 'clock', at, NULL::timestamptz, NULL::text FROM clock
UNION ALL
SELECT id, 'person', NULL, NULL, c.reference FROM people JOIN crm_customer c USING (id)
UNION ALL
SELECT p.customer_id, 'open_promise', p.made_at, NULL, p.reference
FROM people JOIN followups_promise p ON p.customer_id = people.id
WHERE p.status = 'open'
UNION ALL
SELECT p.customer_id, 'reading_time', p.readable_at,
    greatest(p.settled_at, p.readable_at + p.reading_hours * interval '1 hour'), p.reference
FROM people JOIN followups_promise p ON p.customer_id = people.id CROSS JOIN clock
WHERE p.status = 'kept'
    AND greatest(p.settled_at, p.readable_at + p.reading_hours * interval '1 hour') > clock.at
UNION ALL
SELECT s.customer_id, CASE s.kind WHEN 'dnc_company' THEN 'dnc_company' ELSE 'suppressed' END,
    s.from_at, s.until_at, NULL
FROM people JOIN crm_suppression s ON s.customer_id = people.id CROSS JOIN clock
WHERE s.lifted_at IS NULL AND (s.until_at IS NULL OR s.until_at > clock.at)
UNION ALL
SELECT a.customer_id, 'min_gap', max(a.started_at), max(a.started_at) + %(gap)s::interval, NULL
FROM people JOIN crm_attempt a ON a.customer_id = people.id CROSS JOIN clock
WHERE a.direction = 'outbound'
    AND a.started_at > clock.at - %(gap)s::interval AND a.started_at < clock.at + %(gap)s::interval
GROUP BY a.customer_id
UNION ALL
SELECT NULL, 'min_gap', max(a.started_at), max(a.started_at) + %(gap)s::interval, NULL
FROM crm_attempttext t JOIN crm_attempt a ON a.id = t.attempt_id CROSS JOIN clock
WHERE t.number = %(number)s AND t.number <> '' AND a.direction = 'outbound'
    AND a.started_at > clock.at - %(gap)s::interval AND a.started_at < clock.at + %(gap)s::interval
HAVING max(a.started_at) IS NOT NULL
UNION ALL
SELECT l.customer_id, 'leased', l.taken_at, l.until_at, l.holder || ' ' || l.decision_id
FROM people JOIN followups_lease l ON l.customer_id = people.id CROSS JOIN clock
WHERE l.released_at IS NULL AND l.until_at > clock.at
UNION ALL
SELECT NULL, 'leased', l.taken_at, l.until_at, l.holder || ' ' || l.decision_id
FROM followups_lease l CROSS JOIN clock
WHERE l.number_hash = %(hash)s::bytea AND l.released_at IS NULL AND l.until_at > clock.at
UNION ALL
SELECT NULL, 'clock_unsafe', h.beat_at, NULL, g.name
FROM (VALUES {guards}) AS g(name, allowed)
LEFT JOIN crm_heartbeat h ON h.name = g.name CROSS JOIN clock
WHERE coalesce(h.beat_at + g.allowed, '-infinity') <= clock.at
    AND coalesce(h.grace_until_at, '-infinity') <= clock.at
""".replace("{guards}", GUARDED)
FACTS_PREPARED = Statement("gate_facts", FACTS)


@dataclass(frozen=True)
class Fact:
    """One thing that speaks for or against calling. `person` None: it holds for everybody."""

    person: int | None
    code: str
    since: datetime | None
    until: datetime | None
    ref: str | None


@dataclass(frozen=True)
class Facts:
    """What was read in one statement, at one instant of the database's clock."""

    at: datetime
    people: tuple[int, ...]
    references: tuple[str, ...]  # of the people, in the same order
    rows: tuple[Fact, ...]


def hash_number(e164: str) -> bytes:
    """A keyed hash of a number: rows that stay can be compared, and tell nobody the number."""
    return hmac.new(settings.HASH_PEPPER.encode(), e164.encode(), hashlib.sha256).digest()[:16]


def _values(number: str, ids: Iterable[int], gap: timedelta, at: datetime | None) -> dict[str, Any]:
    return {
        "at": at,
        "number": number,
        "hash": hash_number(number) if number else b"",
        "ids": sorted(set(ids)),
        "gap": gap,
    }


def _facts(rows: list[tuple[Any, ...]]) -> Facts:
    facts = [Fact(*row) for row in rows]
    clock = next(fact.since for fact in facts if fact.code == "clock")
    if clock is None:
        raise RuntimeError("the database told no time")
    people = {f.person: f.ref or "" for f in facts if f.code == "person" and f.person}
    return Facts(
        at=clock,
        people=tuple(sorted(people)),
        references=tuple(people[person] for person in sorted(people)),
        rows=tuple(fact for fact in facts if fact.code not in {"clock", "person"}),
    )


def read(
    *, number: str = "", ids: Iterable[int] = (), gap: timedelta, at: datetime | None
) -> Facts:
    """Reads without touching: no lock, no row. One query for any number of people."""
    with connection.cursor() as cursor:
        cursor.execute(FACTS, _values(number, ids, gap, at))
        return _facts(cursor.fetchall())


def hold_and_read(
    *, number: str, ids: Iterable[int], gap: timedelta, at: datetime | None
) -> tuple[Facts, set[int]]:
    """Takes the locks, then reads in a new statement; also returns whom the locks cover.

    One round trip, three statements: the last has its own snapshot, taken after the locks, and
    so sees a promise that was committed while it waited (gate.md 6; one statement would not).
    """
    values = _values(number, ids, gap, at)
    locks = [LOCK_PEOPLE, LOCK_NUMBER] if number else [LOCK_PEOPLE]
    held, *_, read_ = prepared.together([*locks, FACTS_PREPARED], values)
    return _facts(read_), {row[1] for row in held}


def hold_request(*, by: str, request_id: str) -> None:
    """Two requests with the same id wait for each other, so that both get one answer."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", [f"gate {by}", request_id]
        )
