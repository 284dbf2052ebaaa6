"""What must never be, looked for in the rows. Reads only.

Open promises are looked at a stretch at a time, so that a turn costs the same among a thousand
and among millions. Everything else is found by indexes that hold only what is in trouble.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from crm import heartbeats
from crm.chain import inspections
from followups import conduct
from offers import canaries, intake
from offers.models import Delivery

Found = dict[str, list[str]]
STRETCH = 50_000  # open promises of one turn: less than a second
# So long everybody whose turn it is may take, before it is a finding.
PATIENCE = timedelta(minutes=2)
UNKNOWN_PATIENCE = timedelta(hours=24)
MOST = 1_000  # rows of one finding that are counted
WATCHDOG = "watchdog"

LOOKED = """
WITH looked AS MATERIALIZED (
    SELECT p.id, p.kind, p.made_at, p.cycle, p.track, p.rung, p.rungs, p.next_rung_at, p.failures
    FROM followups_promise p WHERE p.status = 'open' AND {which}
), wrong AS (
    SELECT 'unserved_promise' AS code, l.id FROM looked l
    WHERE l.kind <> 'callback' AND l.made_at <= %(since)s::timestamptz
    AND NOT EXISTS (SELECT FROM followups_item i WHERE i.promise_id = l.id AND i.closed_at IS NULL)
    AND NOT EXISTS (
        SELECT FROM followups_promisedelivery a JOIN offers_delivery d ON d.id = a.delivery_id
        LEFT JOIN offers_deliveryproof f ON f.delivery_id = d.id
        WHERE a.promise_id = l.id AND (d.status IN ('queued', 'claimed', 'sending', 'retry')
            OR d.status = 'sent' AND NOT f.failed))
    UNION ALL
    SELECT 'no_next_rung', l.id FROM looked l
    WHERE l.next_rung_at IS NULL AND l.rung < cardinality(l.rungs)
        AND l.made_at <= %(since)s::timestamptz
    UNION ALL
    SELECT 'rung_out_of_order', l.id FROM looked l
    WHERE EXISTS (SELECT FROM generate_series(2, cardinality(l.rungs)) AS step (n)
            WHERE l.rungs[step.n] < l.rungs[step.n - 1])
        OR l.next_rung_at IS NOT NULL AND l.failures = 0
            AND l.next_rung_at IS DISTINCT FROM l.rungs[l.rung + 1]
            -- After a rung that reached nobody the next one comes at once.
            AND NOT EXISTS (SELECT FROM followups_escalation e WHERE e.promise_id = l.id
                AND e.cycle = l.cycle AND e.track = l.track AND e.rung = l.rung - 1
                AND e.at = l.next_rung_at)
)
SELECT (SELECT count(*) FROM looked), (SELECT max(id) FROM looked),
    (SELECT coalesce(json_object_agg(code, ids), '{{}}') FROM (
        SELECT code, array_agg(id ORDER BY id) AS ids FROM wrong GROUP BY code) AS by_code)
"""
ONWARDS = LOOKED.format(which="p.id > %(after)s::bigint ORDER BY p.id LIMIT %(most)s")
AGAIN = LOOKED.format(which="p.id = ANY(%(ids)s::bigint[])")
OVERDUE = """
SELECT id FROM followups_promise
WHERE status = 'open' AND next_rung_at <= %(since)s::timestamptz
ORDER BY next_rung_at LIMIT %(most)s
"""
# Escalated is what a person was asked about, or what another way was taken for.
DOUBTS = """
SELECT p.id FROM offers_delivery d JOIN followups_promisedelivery a ON a.delivery_id = d.id
JOIN followups_promise p ON p.id = a.promise_id
WHERE d.status = 'unknown' AND d.settled_at <= %(day)s::timestamptz AND p.status = 'open'
AND NOT EXISTS (SELECT FROM followups_item i WHERE i.promise_id = p.id
    AND (i.closed_at IS NULL OR i.delivery_id = d.id))
AND NOT EXISTS (SELECT FROM followups_promisedelivery b
    WHERE b.promise_id = p.id AND b.delivery_id > d.id)
ORDER BY p.id LIMIT %(most)s
"""


@dataclass(frozen=True)
class Stretch:
    """Open promises that were looked at: how many, up to which, and what is wrong with them."""

    looked: int
    last: int | None
    found: Found


def onwards(*, after: int, at: datetime, most: int = STRETCH) -> Stretch:
    """The next open promises behind this one, in the order of their ids."""
    return _looked(ONWARDS, {"after": after, "most": most}, at)


def again(ids: Collection[int], *, at: datetime) -> Found:
    """Those in which something was wrong before, as they are now."""
    return _looked(AGAIN, {"ids": list(ids)}, at).found if ids else {}


def _looked(statement: str, values: dict[str, Any], at: datetime) -> Stretch:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**values, "since": at - PATIENCE})
        looked, last, found = cursor.fetchone()
    return Stretch(looked, last, {code: [str(pk) for pk in ids] for code, ids in found.items()})


def everywhere(*, at: datetime) -> Found:
    """What is found without looking at every promise."""
    found = {
        "rung_overdue": _ids(OVERDUE, at),
        "lease_overrun": _overrun(at),
        "unknown_unattended": _ids(DOUBTS, at),
        "unjudged_call": list(_texts(conduct.unjudged().values_list("pk", flat=True)[:MOST])),
        # Whoever looks is awake itself.
        "sweep_late": [name for name in heartbeats.stale(at=at) if name != WATCHDOG],
        "intake_silent": [intake.expected()] if intake.silent(at=at) else [],
        "audit_unsealed": inspections.unsealed(at=at),
        "audit_altered": inspections.altered(),
        "canary_lost": list(_texts(canaries.lost(at=at))),
    }
    return {code: subjects for code, subjects in found.items() if subjects}


def _ids(statement: str, at: datetime) -> list[str]:
    values: dict[str, Any] = {"since": at - PATIENCE, "day": at - UNKNOWN_PATIENCE, "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(_texts(pk for (pk,) in cursor.fetchall()))


def _overrun(at: datetime) -> list[str]:
    held = Delivery.objects.filter(
        status__in=("claimed", "sending"), lease_until_at__lte=at - PATIENCE
    )
    return list(_texts(held.order_by("pk").values_list("pk", flat=True)[:MOST]))


def _texts(pks: Iterable[int]) -> Iterator[str]:
    return (str(pk) for pk in pks)


def everything(*, at: datetime) -> Found:
    """Everything that is wrong just now, however many turns of the watchdog it would take."""
    found, after = everywhere(at=at), 0
    while True:
        stretch = onwards(after=after, at=at)
        for code, subjects in stretch.found.items():
            found.setdefault(code, []).extend(subjects)
        if stretch.last is None:
            return found
        after = stretch.last
