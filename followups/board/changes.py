"""Which promises may count otherwise since the rollups looked last. Reads only.

Each source is read by its ids. An id is taken before its transaction commits, so what lies below
the highest one seen may still turn up: the stretch behind it is read again until every transaction
that was under way has ended. Where a row bears its transaction, only what was then invisible is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

# How many rows of a source a turn takes, and how far back the stretch behind is read at most.
BATCH, FARTHEST = 5_000, 50_000
SNAPSHOT = """
SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint
FROM pg_current_snapshot() s
"""
# Of each source: the newest id of a stretch of its rows, how many they are, and whose promises
# they touch. What the watchers of lateness are told changes no figure.
STRETCH = "s.id > %(floor)s AND (s.id > %(seen)s OR s.xact >= %(xmin)s)"
NO_XACT = "s.id > %(floor)s"
EVENTS = f"""
SELECT s.id, s.promise_id FROM followups_promiseevent s
WHERE {STRETCH} AND s.cause NOT LIKE 'rung%%' ORDER BY s.id LIMIT %(batch)s
"""
JOURNEYS = f"""
SELECT s.id, a.promise_id FROM (SELECT s.id, s.delivery_id FROM {{table}} s
    WHERE {STRETCH} ORDER BY s.id LIMIT %(batch)s) s
LEFT JOIN followups_promisedelivery a ON a.delivery_id = s.delivery_id
"""
ANSWERS = f"""
SELECT s.id, p.id FROM (SELECT s.id, s.version_id FROM offers_answer s
    WHERE {NO_XACT} ORDER BY s.id LIMIT %(batch)s) s
LEFT JOIN followups_promise p ON p.version_id = s.version_id
"""
# A conversation touches what the customer had in hand by then.
CALLS = f"""
SELECT s.id, p.id FROM (SELECT s.id, s.attempt_id, s.result FROM crm_attemptrevision s
    WHERE {NO_XACT} ORDER BY s.id LIMIT %(batch)s) s
LEFT JOIN crm_attempt c ON c.id = s.attempt_id AND s.result = 'answered'
LEFT JOIN followups_promise p ON p.customer_id = c.customer_id AND p.status = 'kept'
    AND p.readable_at < c.started_at
"""
SOURCES = {
    "promises": EVENTS,
    "deliveries": JOURNEYS.format(table="offers_deliveryevent"),
    "evidence": JOURNEYS.format(table="offers_evidence"),
    "answers": ANSWERS,
    "calls": CALLS,
}
TABLES = {
    "promises": "followups_promiseevent",
    "deliveries": "offers_deliveryevent",
    "evidence": "offers_evidence",
    "answers": "offers_answer",
    "calls": "crm_attemptrevision",
}


@dataclass(frozen=True)
class Snapshot:
    """Which transactions have ended: all below `xmin`; none from `xmax` on has begun."""

    xmin: int
    xmax: int


@dataclass(frozen=True)
class Mark:
    """How far a source was read.

    Up to `settled` nothing can turn up any more, `seen` is the highest id of the last look that
    was completed. `waiting` will be settled when all transactions below `limit` have ended. What
    a look can find behind `seen` belongs to transactions from `xmin` on. A look that was too long
    for one turn goes on behind `at`, and began when `begun` was the oldest transaction.
    """

    settled: int = 0
    seen: int = 0
    waiting: int = 0
    limit: int = 0
    xmin: int = 0
    at: int = 0
    begun: int = 0

    def paused(self, top: int, *, now: Snapshot) -> Mark:
        """The turn is full: the next one goes on behind `top`."""
        return replace(self, at=top, begun=self.begun or now.xmin)

    def completed(self, top: int, *, now: Snapshot) -> Mark:
        """Everything that was visible at `now` has been read, up to `top`."""
        done = self._settle(Snapshot(self.begun or now.xmin, now.xmax))
        xmin = min(self.begun or now.xmin, now.xmax)
        return replace(done, seen=max(self.seen, top), xmin=xmin, at=0, begun=0)

    def _settle(self, now: Snapshot) -> Mark:
        """What was seen is waited for from the next look on only, so that whoever had just taken
        an id has its transaction by then."""
        if not self.limit or self.limit > now.xmax:  # beyond it: the database of another house
            return replace(self, waiting=self.seen, limit=now.xmax)
        if self.limit > now.xmin:
            return self
        return replace(self, settled=self.waiting, waiting=self.seen, limit=now.xmax)


@dataclass(frozen=True)
class Change:
    """The promises to look at, how far that reads, and whether more is left."""

    promises: frozenset[int]
    marks: Mapping[str, Mark]
    more: bool


def snapshot() -> Snapshot:
    (found,) = _rows(SNAPSHOT, {})
    return Snapshot(*found)


def beginning() -> dict[str, Mark]:
    """The marks with which a first round over all promises begins."""
    found = {}
    for name, table in TABLES.items():
        ((top,),) = _rows(f"SELECT coalesce(max(id), 0) FROM {table}", {})
        found[name] = Mark(settled=max(0, top - BATCH), seen=top)
    return found


def since(marks: Mapping[str, Mark], *, now: Snapshot) -> Change:
    """What changed. `now` is read before, so that nothing ends in between unseen."""
    touched: set[int] = set()
    moved, more = {}, False
    for name, statement in SOURCES.items():
        mark = marks.get(name, Mark())
        xmin = mark.xmin if mark.xmin <= now.xmax else 0
        floor = max(mark.settled, mark.seen - FARTHEST, mark.at)
        values = {"floor": floor, "seen": mark.seen, "xmin": xmin, "batch": BATCH}
        rows = _rows(statement, values)
        touched |= {promise for _row, promise in rows if promise is not None}
        top = max((row for row, _promise in rows), default=0)
        full = len({row for row, _promise in rows}) >= BATCH
        moved[name] = mark.paused(top, now=now) if full else mark.completed(top, now=now)
        more = more or full
    return Change(frozenset(touched), moved, more)


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
