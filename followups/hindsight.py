"""What stood against a call at the moment when it started, read afterwards. Reads only.

Judged by the instants in the rows, so that what was settled, lifted or withdrawn later still
stood, and what was written later did not stand yet. Not read: leases, and sweeps that had stopped,
of which no past is kept (docs/gate.md says what else).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db import connection

from crm import conditions, phone
from crm.conditions import Conditions
from crm.models import Attempt
from followups.facts import hash_number, limits
from followups.rulings import stops

# An instant is read before its transaction commits: what began less than this before the call is
# taken for not written yet.
COMMITTED = timedelta(seconds=1)
# The clock of a dialer is not ours to the second.
TOLERANCE = timedelta(seconds=5)
# The longest that a policy lets a decision be valid (crm/rules.py: permit_seconds).
OLDEST_DECISION = timedelta(hours=1)

# The columns that say what a call was before it was made; one row a call.
CALLS = """
SELECT c.id, c.t, c.t - %(committed)s::interval AS known, c.customer, c.number, c.agent, c.called
FROM unnest(%(ids)s::bigint[], %(instants)s::timestamptz[], %(customers)s::bigint[],
    %(numbers)s::text[], %(agents)s::bigint[], %(called)s::text[])
    AS c (id, t, customer, number, agent, called)
"""
# Everybody who counts: whom the call was for, and who else has the number.
PEOPLE = """
SELECT c.*, c.customer AS person FROM calls c WHERE c.customer IS NOT NULL
UNION
SELECT c.*, n.customer_id FROM calls c JOIN crm_phonenumber n ON n.e164 = c.number
"""
PROMISES = """
-- By its events: open from the one that opened it, however it ended. Not a promise of the call
-- itself; and nobody's own call-back, from a quarter of an hour before its slot, nor one of
-- somebody who was away and for whom they stood in.
SELECT w.id, CASE WHEN s.status = 'kept' THEN 'reading_time'
    WHEN p.kind = 'callback' THEN 'callback_pending' ELSE 'open_promise' END, p.reference
FROM people w JOIN followups_promise p ON p.customer_id = w.person AND p.attempt_id <> w.id
JOIN crm_attempt o ON o.id = p.attempt_id AND o.logged_at <= w.known, LATERAL (
    SELECT e.to_status AS status FROM followups_promiseevent e WHERE e.promise_id = p.id
        AND e.at <= CASE WHEN e.to_status = 'open' THEN w.known ELSE w.t END
    ORDER BY e.id DESC LIMIT 1) s
WHERE s.status = 'open'
        AND NOT (p.kind = 'callback' AND p.due_at - interval '15 minutes' <= w.t AND (EXISTS (
            SELECT FROM crm_user u WHERE u.id = w.agent AND (u.id = p.owner_id
                OR u.role = 'supervisor' AND u.team_id = p.team_id)) OR EXISTS (
            WITH RECURSIVE deputies (id) AS (
                SELECT p.owner_id UNION SELECT a.deputy_id
                FROM deputies d JOIN crm_absence a ON a.user_id = d.id AND a.from_at <= w.t
                    AND a.until_at > w.t AND (a.ended_at IS NULL OR a.ended_at > w.t))
            SELECT FROM deputies d WHERE d.id = w.agent)))
    OR s.status = 'kept' AND p.kind <> 'callback'
        AND greatest(p.settled_at, p.readable_at + p.reading_hours * interval '1 hour') > w.t
        AND p.settled_at IS NOT NULL AND p.readable_at IS NOT NULL
"""
WISHES = """
SELECT w.id, CASE WHEN s.kind IN ('complaint', 'bereavement', 'separated') THEN 'suppressed'
    ELSE s.kind END, ''
FROM people w JOIN crm_suppression s ON s.customer_id = w.person
WHERE greatest(s.from_at, s.created_at) <= w.known AND (s.until_at IS NULL OR s.until_at > w.t)
    AND (s.lifted_at IS NULL OR s.lifted_at > w.t)
    AND (s.campaign_id IS NULL
        OR s.campaign_id = (SELECT a.campaign_id FROM crm_attempt a WHERE a.id = w.id))
"""
# Other calls, to any number of a person (and without a person to the number itself), as they were
# logged by then.
EARLIER = """
SELECT w.id, w.t, w.known, w.person, a.id AS attempt, a.started_at, a.direction, a.purpose
FROM people w JOIN crm_attempt a ON a.customer_id = w.person AND a.id <> w.id
    AND a.logged_at <= w.known
    AND a.started_at <= w.t AND a.started_at > w.t - %(longest)s::interval
UNION ALL
SELECT c.id, c.t, c.known, NULL, a.id, a.started_at, a.direction, a.purpose
FROM calls c JOIN crm_attempttext x ON x.number = c.number AND x.number <> ''
JOIN crm_attempt a ON a.id = x.attempt_id AND a.id <> c.id
    AND a.logged_at <= c.known
    AND a.started_at <= c.t AND a.started_at > c.t - %(longest)s::interval
"""
CAPS = """
SELECT e.id, 'min_gap', '' FROM earlier e
WHERE e.direction = 'outbound' AND e.started_at > e.t - %(gap)s::interval
UNION ALL
SELECT e.id, CASE k.code WHEN 'cap_contacts' THEN 'cap_conversations' ELSE k.code END, ''
FROM earlier e JOIN unnest(%(caps)s::text[], %(mosts)s::int[], %(spans)s::interval[])
    AS k (code, most, span) ON e.started_at > e.t - k.span
WHERE (e.direction = 'outbound' AND e.purpose IN ('sales', 'survey')
        OR e.direction = 'inbound' AND k.code = 'cap_contacts')
    AND (k.code = 'cap_attempts' OR EXISTS (
        SELECT FROM crm_attemptrevision r WHERE r.attempt_id = e.attempt
            AND r.result = 'answered' AND r.recorded_at <= e.known))
GROUP BY e.id, e.person, k.code, k.most, k.span HAVING count(*) >= k.most
UNION ALL
SELECT e.id, 'refusal_cooloff', '' FROM earlier e
JOIN crm_attemptrevision r ON r.attempt_id = e.attempt AND r.recorded_at <= e.known
JOIN crm_disposition d ON d.code = r.disposition_id AND d.refusal
WHERE %(rest)s::int > 0 AND e.person IS NOT NULL
    AND date_trunc('day', (e.started_at + (%(rest)s::int + 1) * interval '1 day')
        AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' > e.t
"""
HOURS = """
SELECT w.id, s.code, '' FROM people w JOIN crm_customer k ON k.id = w.person
JOIN unnest(%(shut_in)s::text[], %(shut_by)s::text[]) AS s (country, code)
    ON s.country = CASE WHEN k.country = ANY(%(covered)s::text[]) THEN k.country ELSE '' END
UNION ALL
SELECT c.id, s.code, '' FROM calls c
JOIN unnest(%(shut_in)s::text[], %(shut_by)s::text[]) AS s (country, code)
    ON s.country = CASE WHEN c.called = ANY(%(covered)s::text[]) THEN c.called ELSE '' END
WHERE c.number <> ''
"""
CONSENTS = """
SELECT w.id, 'no_consent', '' FROM people w
WHERE cardinality(%(bases)s::text[]) > 0 AND NOT EXISTS (
    SELECT FROM consents k WHERE k.id = w.id AND k.customer_id = w.person
        AND k.basis = ANY(%(bases)s::text[]))
UNION ALL
SELECT c.id, 'no_consent', '' FROM calls c
WHERE cardinality(%(bases)s::text[]) > 0 AND c.number <> ''
    AND NOT EXISTS (SELECT FROM crm_phonenumber n WHERE n.e164 = c.number)
"""
STANDING = """
SELECT w.id, k.customer_id, k.basis, k.given_at
FROM people w JOIN crm_consent k ON k.customer_id = w.person
WHERE k.given_at <= w.t AND k.recorded_at <= w.t AND (k.until_at IS NULL OR k.until_at > w.t)
    AND (k.withdrawn_at IS NULL OR k.withdrawn_at > w.known)
"""
# Of a list only the newest copy is kept: a call is judged by it when it was at hand already.
LISTS = """
SELECT c.id, 'dnc_national', '' FROM calls c WHERE EXISTS (
    SELECT FROM unnest(%(lists)s::text[], %(ages)s::int[]) AS l (name, age)
    LEFT JOIN crm_nationallist n ON n.name = l.name
    WHERE n.name IS NULL OR n.imported_at <= c.known AND n.as_of_date + l.age < c.t::date)
UNION ALL
SELECT c.id, 'dnc_national', '' FROM listed c
WHERE c.person IS NULL OR c.pardon = '' OR NOT EXISTS (
    SELECT FROM consents k WHERE k.id = c.id AND k.customer_id = c.person
        AND k.basis = 'consent' AND (c.pardon = 'any' OR k.given_at::date > c.since_date))
"""
LISTED = """
SELECT w.id, w.person, e.since_date,
    (%(pardons)s::text[])[array_position(%(lists)s::text[], e.list_id::text)] AS pardon
FROM (
    SELECT w.id, w.known, w.person, n.e164 FROM people w
    JOIN crm_phonenumber n ON n.customer_id = w.person
    UNION ALL
    SELECT c.id, c.known, NULL, c.number FROM calls c
    WHERE NOT EXISTS (SELECT FROM crm_phonenumber n WHERE n.e164 = c.number)
) w
JOIN crm_listednumber e ON e.e164 = w.e164 AND e.list_id = ANY(%(lists)s::text[])
JOIN crm_nationallist l ON l.name = e.list_id AND l.imported_at <= w.known
"""
WITH = {"calls": CALLS, "people": PEOPLE, "earlier": EARLIER, "consents": STANDING}
WITH |= {"listed": LISTED}
STOOD = "WITH " + ", ".join(f"{name} AS MATERIALIZED ({sql})" for name, sql in WITH.items())
STOOD += "\nUNION ALL\n".join((PROMISES, WISHES, CAPS, HOURS, CONSENTS, LISTS))
# An allow for this person or number that was valid when the call started; and what a supervisor's
# override, if one was used for it, left aside.
DECIDED = """
SELECT c.id, g.purpose, o.blocks
FROM unnest(%(ids)s::bigint[], %(instants)s::timestamptz[], %(customers)s::bigint[],
    %(hashes)s::bytea[], %(decisions)s::uuid[]) AS c (id, t, customer, hashed, decision)
JOIN followups_gatecheck g ON g.id = c.decision
    AND g.at BETWEEN c.t - %(oldest)s::interval - %(tolerance)s::interval
        AND c.t + %(tolerance)s::interval
LEFT JOIN followups_override o ON o.decision_id = g.id
WHERE g.decision = 'allow' AND g.purpose IN ('sales', 'survey', 'callback')
    AND g.valid_until_at >= c.t - %(tolerance)s::interval
    AND (c.customer = ANY(g.customer_ids) OR c.hashed = g.number_hash)
"""
SCRUBBED = """
SELECT c.id FROM unnest(%(ids)s::bigint[], %(instants)s::timestamptz[], %(scrubs)s::uuid[])
    AS c (id, t, scrub)
JOIN followups_scrubrun r ON r.id = c.scrub AND r.purpose IN ('sales', 'survey')
    AND r.at <= c.t + %(tolerance)s::interval AND r.valid_until_at > c.t
"""
# Who was let through to call back is judged as that: their own promised call is no block.
CALLING_BACK = frozenset(stops("callback")) - {"callback_pending"}


@dataclass(frozen=True)
class Verdict:
    """What became known of one call. `in_spite`: codes in the order of the gate's table."""

    in_spite: list[str]
    asked: str
    policy: str


@dataclass(frozen=True)
class _Decided:
    """What the gate had allowed: for which purpose, and in spite of which blocks."""

    purpose: str
    spared: frozenset[str]


def judge(calls: Sequence[Attempt]) -> dict[int, Verdict]:
    """The verdict on each call, by its id. The same few statements for one call or for hundreds,
    for each policy and each stretch of time in which its hours do not change.

    The calls are read with text and campaign. Raises policies.UnknownPolicy.
    """
    decided, scrubbed = _decided(calls), _scrubbed(calls)
    verdicts = {}
    for under, together in _grouped(calls):
        against = _against(together, under)
        for call in together:
            allowed = decided.get(call.pk)
            found = {code for code, ref in against[call.pk] if _counts(code, ref, allowed)}
            asked = "decision" if allowed else "scrub" if call.pk in scrubbed else "none"
            codes = [code for code in stops(call.purpose) if code in found]
            verdicts[call.pk] = Verdict(codes, asked, under.policy.label)
    return verdicts


def _counts(code: str, ref: str, allowed: _Decided | None) -> bool:
    if allowed is None:
        return True
    if allowed.purpose == "callback" and code not in CALLING_BACK:
        return False
    return f"{code}:{ref}" not in allowed.spared


def _grouped(calls: Iterable[Attempt]) -> list[tuple[Conditions, list[Attempt]]]:
    """The calls of one policy while its conditions hold, with these."""
    found: list[tuple[Conditions, list[Attempt]]] = []
    for name, same in groupby(sorted(calls, key=_place), key=_policy):
        under = None
        for call in same:
            if under is None or not under.hold(call.started_at):
                under = conditions.of(name, at=call.started_at)
                found.append((under, []))
            found[-1][1].append(call)
    return found


def _policy(call: Attempt) -> str:
    return call.campaign.policy if call.campaign else "none"


def _place(call: Attempt) -> tuple[str, datetime]:
    return _policy(call), call.started_at


def _against(calls: Sequence[Attempt], under: Conditions) -> dict[int, set[tuple[str, str]]]:
    values = {
        **_columns(calls),
        **limits(under),
        "numbers": [call.text.number for call in calls],
        "agents": [call.agent_id for call in calls],
        "called": [phone.region_of(call.text.number) or "" for call in calls],
        "committed": COMMITTED,
        "longest": under.longest,
    }
    found: dict[int, set[tuple[str, str]]] = {call.pk: set() for call in calls}
    for pk, code, ref in _rows(STOOD, values):
        found[pk].add((code, ref))
    return found


def _decided(calls: Sequence[Attempt]) -> dict[int, _Decided]:
    asked = [call for call in calls if call.decision_id]
    values = {
        **_columns(asked),
        "hashes": [_hashed(call) for call in asked],
        "decisions": [call.decision_id for call in asked],
        "oldest": OLDEST_DECISION,
        "tolerance": TOLERANCE,
    }
    rows = _rows(DECIDED, values) if asked else []
    return {pk: _Decided(purpose, frozenset(spared or ())) for pk, purpose, spared in rows}


def _hashed(call: Attempt) -> bytes | None:
    return hash_number(call.text.number) if call.text.number else None


def _scrubbed(calls: Sequence[Attempt]) -> set[int]:
    named = [call for call in calls if call.scrub_id]
    scrubs: list[uuid.UUID | None] = [call.scrub_id for call in named]
    values = {**_columns(named), "scrubs": scrubs, "tolerance": TOLERANCE}
    return {pk for (pk,) in _rows(SCRUBBED, values)} if named else set()


def _columns(calls: Sequence[Attempt]) -> dict[str, Any]:
    return {
        "ids": [call.pk for call in calls],
        "instants": [call.started_at for call in calls],
        "customers": [call.customer_id for call in calls],
    }


def _rows(statement: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
