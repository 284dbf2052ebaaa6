"""The statements by which figures come from promises, and cells from figures. Nothing runs here.

`values()` fills in what all of them ask for.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from followups.models.promises import CALLBACK_TOLERANCE

# One more whenever something below counts otherwise: then all promises are counted anew.
FORMULAS = 1
# Upper edges, in minutes, of the steps in which the time until it was in hand is told.
STEPS = (5, 15, 60, 240, 480, 1440, 2880, 4320, 5760, 7200, 10080, 14400, 20160, 30240, 44640)
LONGEST = 133_920  # 93 days: what took longer stands there
MOST_HOURS = 2_232

# How each promise counts. Broken is what was written down as broken, even when it came later; what
# was agreed anew before it was late, on an answered call or by the customer, counts no more.
FIGURES = """
SELECT p.id AS promise_id, (p.due_at AT TIME ZONE %(zone)s)::date AS day, p.team_id,
    a.campaign_id, coalesce(w.channel, p.plan[p.plan_step + 1], '') AS channel, p.kind, p.owner_id,
    (extract(isodow FROM p.due_at AT TIME ZONE %(zone)s)::int - 1) * 24
        + extract(hour FROM p.due_at AT TIME ZONE %(zone)s)::int AS hour,
    CASE WHEN p.broken_at IS NOT NULL AND p.kept_at IS NULL THEN 'broken'
        WHEN p.broken_at IS NOT NULL THEN 'late'
        WHEN p.kept_at > p.due_at + CASE p.kind WHEN 'callback' THEN %(patience)s::interval
            ELSE interval '0' END THEN 'late'
        WHEN p.kept_at IS NOT NULL THEN 'kept'
        WHEN p.status = 'open' THEN 'open'
        WHEN p.status = 'replaced' AND NOT EXISTS (
            SELECT FROM followups_promise n JOIN crm_attempt c ON c.id = n.attempt_id
            WHERE n.replaces_id = p.id AND (c.result = 'answered' OR c.direction = 'inbound'))
            THEN CASE WHEN p.due_at <= %(at)s::timestamptz THEN 'broken' ELSE 'open' END
        ELSE 'void' END AS outcome,
    CASE WHEN p.readable_at >= p.made_at
        THEN ceil(extract(epoch FROM p.readable_at - p.made_at) / 60)::int
        WHEN p.readable_at IS NOT NULL THEN 0 END AS hand_minutes,
    CASE WHEN p.settled_at >= p.made_at
        THEN ceil(extract(epoch FROM p.settled_at - p.made_at) / 3600)::int
        WHEN p.settled_at IS NOT NULL THEN 0 END AS proof_hours,
    p.kind <> 'callback' AND p.status IN ('open', 'kept') AS document,
    p.kind <> 'callback' AND EXISTS (
        SELECT FROM followups_promisedelivery d JOIN offers_evidence e USING (delivery_id)
        WHERE d.promise_id = p.id AND e.grade >= 4) AS seen,
    p.kind <> 'callback' AND p.status = 'kept' AND EXISTS (
        SELECT FROM crm_attempt c WHERE c.customer_id = p.customer_id
            AND c.started_at > p.readable_at AND c.result = 'answered') AS called,
    p.kind <> 'callback' AND p.status = 'kept' AND (EXISTS (
        SELECT FROM offers_answer n WHERE n.version_id = p.version_id
            AND n.kind IN ('accepted', 'declined')) OR EXISTS (
        SELECT FROM crm_attempt c WHERE c.customer_id = p.customer_id
            AND c.started_at > p.readable_at AND c.result = 'answered'
            AND c.disposition_id IN ('accepted', 'declined'))) AS decided
FROM followups_promise p
JOIN crm_attempt a ON a.id = p.attempt_id
LEFT JOIN LATERAL (
    SELECT d.channel FROM followups_promisedelivery t JOIN offers_delivery d ON d.id = t.delivery_id
    WHERE t.promise_id = p.id ORDER BY t.delivery_id DESC LIMIT 1) w ON true
"""
COLUMNS = (
    *("promise_id", "day", "team_id", "campaign_id", "channel", "kind", "owner_id", "hour"),
    *("outcome", "hand_minutes", "proof_hours", "document", "seen", "called", "decided"),
)
DAYS = """
SELECT f.day, f.team_id, f.campaign_id, f.channel, f.kind,
    count(*) FILTER (WHERE f.outcome = 'kept') AS kept,
    count(*) FILTER (WHERE f.outcome = 'late') AS late,
    count(*) FILTER (WHERE f.outcome = 'broken') AS broken,
    count(*) FILTER (WHERE f.document) AS promised,
    count(*) FILTER (WHERE f.document AND f.hand_minutes IS NOT NULL) AS delivered,
    count(*) FILTER (WHERE f.document AND f.seen) AS seen,
    count(*) FILTER (WHERE f.document AND f.called) AS called,
    count(*) FILTER (WHERE f.document AND f.decided) AS decided
FROM followups_promisefigure f WHERE {where}
GROUP BY f.day, f.team_id, f.campaign_id, f.channel, f.kind
"""
SPREADS = """
SELECT f.day, f.team_id, f.campaign_id, f.channel, f.kind, v.measure, v.value, count(*) AS count
FROM followups_promisefigure f CROSS JOIN LATERAL (VALUES
    ('hand', CASE WHEN f.document THEN (ARRAY[%(edges)s])
        [1 + width_bucket(f.hand_minutes - 1, ARRAY[%(steps)s])] END),
    ('proof', CASE WHEN f.document THEN least(f.proof_hours, {most}) END),
    ('broken', CASE WHEN f.outcome = 'broken' THEN f.hour END)
) AS v (measure, value)
WHERE v.value IS NOT NULL AND {where}
GROUP BY f.day, f.team_id, f.campaign_id, f.channel, f.kind, v.measure, v.value
"""


def days(where: str) -> str:
    """Cells of the figures that meet the condition (on `f`)."""
    return DAYS.format(where=where)


def spreads(where: str) -> str:
    steps = ", ".join(map(str, STEPS))
    text = SPREADS.replace("%(steps)s", steps).replace("%(edges)s", f"{steps}, {LONGEST}")
    return text.format(where=where, most=MOST_HOURS)


def values(**more: Any) -> dict[str, Any]:
    return {"zone": settings.TIME_ZONE, "patience": CALLBACK_TOLERANCE, **more}
