"""Sales calls that the gate denied, once for each customer, campaign and day: the only writer of
DeniedCall."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

# Periods of the board are shorter; the first round begins so long ago.
KEPT_FOR = timedelta(days=93)
# An answer is stamped after its locks were taken and written at once: this long after, it is there.
WRITTEN_WITHIN = timedelta(seconds=15)
AT_ONCE = 20_000
# An open promise in the way makes the call redundant, and its customer the one that counts (a
# shared number names several). Else the first person, or the number when nobody has it.
DENIED = """
WITH denied AS (
    SELECT g.id, g.at, g.by, g.code, g.campaign_id, g.codes, g.answer, g.customer_ids,
        g.number_hash
    FROM followups_gatecheck g
    WHERE g.decision = 'deny' AND g.purpose = 'sales' AND g.at > %(since)s AND g.at <= %(until)s
    ORDER BY g.at LIMIT %(most)s
), told AS (
    SELECT d.*, p.customer_id AS owed, p.reference, p.team_id AS owing FROM denied d
    LEFT JOIN LATERAL (
        SELECT DISTINCT ON (p.customer_id) p.customer_id, p.reference, p.team_id
        FROM jsonb_array_elements(d.answer -> 'blocks') AS block
        JOIN followups_promise p ON p.reference = block ->> 'promise'
        WHERE 'open_promise' = ANY(d.codes) AND block ->> 'code' = 'open_promise'
        ORDER BY p.customer_id, p.reference) p ON true
), named AS (
    -- What the gate answered keeps no reference to its rows: who or what is gone is passed over.
    SELECT t.*, u.id AS customer, CASE WHEN u.id IS NULL THEN t.number_hash END AS number,
        a.id AS campaign, coalesce(a.team_id, u.team_id) AS team,
        (t.at AT TIME ZONE %(zone)s)::date AS day
    FROM told t LEFT JOIN crm_campaign a ON a.id = t.campaign_id
    LEFT JOIN crm_customer u ON u.id = coalesce(t.owed, t.customer_ids[1])
    WHERE u.id IS NOT NULL OR coalesce(t.owed, t.customer_ids[1]) IS NULL
), counted AS (
    SELECT n.day, n.customer, n.number, n.campaign, count(*) AS requests, min(n.at) AS first_at,
        (array_agg(n.by ORDER BY n.at))[1] AS first_by,
        (array_agg(n.code ORDER BY n.at))[1] AS code, bool_or(n.owed IS NOT NULL) AS redundant,
        coalesce((array_agg(n.reference ORDER BY n.at) FILTER (WHERE n.owed IS NOT NULL))[1], '')
            AS promise,
        coalesce((array_agg(n.owing ORDER BY n.at) FILTER (WHERE n.owed IS NOT NULL))[1],
            min(n.team)) AS team
    FROM named n GROUP BY n.day, n.customer, n.number, n.campaign
), wrote AS (
    INSERT INTO followups_deniedcall AS k (day, customer_id, number_hash, campaign_id, team_id,
        code, redundant, promise, requests, first_at, first_by)
    SELECT c.day, c.customer, c.number, c.campaign, c.team, c.code, c.redundant, c.promise,
        c.requests, c.first_at, c.first_by
    FROM counted c
    ON CONFLICT ON CONSTRAINT denied_call_once_a_day DO UPDATE SET
        requests = k.requests + excluded.requests,
        redundant = k.redundant OR excluded.redundant,
        promise = CASE WHEN k.redundant THEN k.promise ELSE excluded.promise END,
        team_id = CASE WHEN k.redundant THEN k.team_id ELSE excluded.team_id END
)
SELECT count(*), max(at) FROM denied
"""

FORGOTTEN = """
DELETE FROM followups_deniedcall WHERE id IN (
    SELECT id FROM followups_deniedcall WHERE day < %(first)s ORDER BY day LIMIT %(most)s)
"""


def forget_old(*, at: datetime) -> int:
    """The denials_tidy sweep: drops days that are older than the house keeps them; how many rows.

    The board looks back 90 days at most.
    """
    first = (at - timedelta(days=settings.DENIED_CALLS_KEPT_DAYS)).date()
    with connection.cursor() as cursor:
        cursor.execute(FORGOTTEN, {"first": first, "most": AT_ONCE})
        return int(cursor.rowcount)


def gather(*, since: datetime, at: datetime) -> tuple[datetime, bool]:
    """Counts what was denied after `since`; returns until when it counted, and whether more is
    left."""
    until = max(since, at - WRITTEN_WITHIN)
    values: dict[str, Any] = {
        "since": since,
        "until": until,
        "most": AT_ONCE,
        "zone": settings.TIME_ZONE,
    }
    with connection.cursor() as cursor:
        cursor.execute(DENIED, values)
        found, last = cursor.fetchone()
    more = found >= AT_ONCE
    return (last if more else until), more
