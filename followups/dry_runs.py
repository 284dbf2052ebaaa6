"""The dry run of a policy: yesterday's questions, answered again under a draft. Reads only.

What no policy decides (promises, wishes, leases) is taken from the answer as it was recorded. What
a policy decides is worked out twice, under the version in force and under the draft, for the moment
of the question and from what was known then: calls that were logged later do not count. Under the
version that gave the answer this must give the same answer; where it does not, the question is
counted as unclear and compared no further.

Hours are those of the moment, exactly: questions are put together only while the same conditions
hold (crm/conditions.py).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

from crm import conditions, instants, phone
from crm.conditions import Conditions
from crm.models import PhoneNumber, PolicyVersion
from crm.policies import Policy
from crm.policy_versions import stands_for
from crm.rules import Rules
from crm.wallclock import instant_of, zone_of
from followups import rulings
from followups.facts import array, hash_number, limits

# More questions than these are sampled. They take about a quarter of a minute.
MOST = 100_000
AT_ONCE = 20_000
EXAMPLES = 5  # of each kind
# What a policy decides, as it is called when no time is said.
DECIDED: dict[str, str | Lazy] = {
    "dnc_national": _("on a national list, or the list is not at hand"),
    "no_consent": _("no consent on file"),
    "refusal_cooloff": _("said no a short while ago"),
    "cap_attempts": _("called as often as the rules allow"),
    "cap_conversations": _("spoken to as often as the rules allow"),
    "min_gap": _("called a short while ago"),
    "calling_hours": _("outside the calling hours"),
    "holiday": _("a public holiday"),
}
ASKED = """
SELECT c.id, c.at, c.customer_ids, c.number_hash, c.purpose, c.policy, c.code, c.codes
FROM followups_gatecheck c
WHERE c.at >= %(begins)s AND c.at < %(ends)s AND c.purpose IN ('sales', 'survey')
    AND split_part(c.policy, '@', 1) = %(name)s
ORDER BY md5(c.id::text) LIMIT %(most)s
"""
COUNTED = """
SELECT count(*) FROM followups_gatecheck c
WHERE c.at >= %(begins)s AND c.at < %(ends)s AND c.purpose IN ('sales', 'survey')
    AND split_part(c.policy, '@', 1) = %(name)s
"""
# kept_gate_limits, and the gap, for many moments that are over: as they were known then.
SPOKE = """
WITH asked AS MATERIALIZED (
    SELECT * FROM unnest(%(n)s::int[], %(person)s::bigint[], %(moment)s::timestamptz[])
        AS a (n, person, at)
), dialled AS MATERIALIZED (
    SELECT * FROM unnest(%(dialled)s::int[], %(number)s::text[], %(called)s::text[],
        %(dialled_at)s::timestamptz[]) AS d (n, number, called, at)
), caps AS (
    SELECT * FROM unnest(%(caps)s::text[], %(mosts)s::int[], %(spans)s::interval[])
        AS c (code, most, span)
), shut AS (
    SELECT * FROM unnest(%(shut_in)s::text[], %(shut_by)s::text[]) AS s (country, code)
), lists AS (
    SELECT * FROM unnest(%(lists)s::text[], %(ages)s::int[], %(pardons)s::text[])
        AS l (name, age, pardon)
)
SELECT a.n, CASE c.code WHEN 'cap_contacts' THEN 'cap_conversations' ELSE c.code END
FROM asked a, caps c, LATERAL (
    SELECT t.id FROM crm_attempt t
    WHERE t.customer_id = a.person AND t.started_at > a.at - c.span AND t.logged_at <= a.at
        AND (t.direction = 'outbound' AND t.purpose IN ('sales', 'survey')
            OR t.direction = 'inbound' AND c.code = 'cap_contacts')
        AND (c.code = 'cap_attempts' OR t.result = 'answered')
    OFFSET c.most - 1 LIMIT 1) reached
UNION
SELECT d.n, CASE c.code WHEN 'cap_contacts' THEN 'cap_conversations' ELSE c.code END
FROM dialled d, caps c, LATERAL (
    SELECT t.id FROM crm_attempttext x JOIN crm_attempt t ON t.id = x.attempt_id
    WHERE x.number = d.number AND x.number <> '' AND t.started_at > d.at - c.span
        AND t.logged_at <= d.at
        AND (t.direction = 'outbound' AND t.purpose IN ('sales', 'survey')
            OR t.direction = 'inbound' AND c.code = 'cap_contacts')
        AND (c.code = 'cap_attempts' OR t.result = 'answered')
    OFFSET c.most - 1 LIMIT 1) reached
UNION
SELECT a.n, 'min_gap' FROM asked a WHERE EXISTS (
    SELECT FROM crm_attempt t WHERE t.customer_id = a.person AND t.direction = 'outbound'
        AND t.started_at > a.at - %(gap)s::interval AND t.started_at < a.at + %(gap)s::interval
        AND t.logged_at <= a.at)
UNION
SELECT d.n, 'min_gap' FROM dialled d WHERE EXISTS (
    SELECT FROM crm_attempttext x JOIN crm_attempt t ON t.id = x.attempt_id
    WHERE x.number = d.number AND x.number <> '' AND t.direction = 'outbound'
        AND t.started_at > d.at - %(gap)s::interval AND t.started_at < d.at + %(gap)s::interval
        AND t.logged_at <= d.at)
UNION
SELECT a.n, 'refusal_cooloff' FROM asked a WHERE %(rest)s::int > 0 AND EXISTS (
    SELECT FROM crm_attempt t JOIN crm_disposition d ON d.code = t.disposition_id AND d.refusal
    WHERE t.customer_id = a.person AND t.logged_at <= a.at
        AND t.started_at > a.at - (%(rest)s::int + 1) * interval '1 day'
        AND date_trunc('day', (t.started_at + (%(rest)s::int + 1) * interval '1 day')
            AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' > a.at)
UNION
-- A no on the customer's page rests whatever the policy says.
SELECT a.n, 'refusal_cooloff' FROM asked a JOIN crm_suppression s ON s.customer_id = a.person
WHERE s.kind = 'refusal_cooloff' AND s.created_at <= a.at
    AND (s.lifted_at IS NULL OR s.lifted_at > a.at) AND (s.until_at IS NULL OR s.until_at > a.at)
UNION
SELECT a.n, s.code FROM asked a JOIN crm_customer k ON k.id = a.person JOIN shut s
    ON s.country = CASE WHEN k.country = ANY(%(covered)s::text[]) THEN k.country ELSE '' END
UNION
SELECT d.n, s.code FROM dialled d JOIN shut s
    ON s.country = CASE WHEN d.called = ANY(%(covered)s::text[]) THEN d.called ELSE '' END
UNION
SELECT a.n, 'no_consent' FROM asked a
WHERE cardinality(%(bases)s::text[]) > 0 AND NOT EXISTS (SELECT FROM crm_consent k
    WHERE k.customer_id = a.person AND k.basis = ANY(%(bases)s::text[])
        AND k.recorded_at <= a.at AND k.given_at <= a.at
        AND (k.withdrawn_at IS NULL OR k.withdrawn_at > a.at)
        AND (k.until_at IS NULL OR k.until_at > a.at))
UNION
-- Of the lists only today's copies are known.
SELECT a.n, 'dnc_national' FROM asked a JOIN lists l ON NOT EXISTS (
    SELECT FROM crm_nationallist o WHERE o.name = l.name AND o.as_of_date + l.age >= a.at::date)
UNION
SELECT a.n, 'dnc_national' FROM asked a JOIN crm_phonenumber p ON p.customer_id = a.person
JOIN crm_listednumber e ON e.e164 = p.e164 JOIN lists l ON l.name = e.list_id
WHERE l.pardon = '' OR NOT EXISTS (SELECT FROM crm_consent k
    WHERE k.customer_id = a.person AND k.basis = 'consent'
        AND k.recorded_at <= a.at AND k.given_at <= a.at
        AND (k.withdrawn_at IS NULL OR k.withdrawn_at > a.at)
        AND (k.until_at IS NULL OR k.until_at > a.at)
        AND (l.pardon = 'any' OR k.given_at::date > e.since_date))
"""


@dataclass(frozen=True)
class Asked:
    """One question of yesterday, about people we know, and what spoke against it."""

    id: UUID
    at: datetime
    people: tuple[int, ...]
    purpose: str
    policy: str
    codes: tuple[str, ...]
    number: str = ""  # E.164, when one of its people still has it


@dataclass(frozen=True)
class Day:
    """What was asked on a day under a policy. `total` also counts what is not in `asked`."""

    total: int
    looked: int
    strangers: int  # numbers that nobody has: of them only a hash is kept
    excused: int  # a supervisor let them through
    asked: tuple[Asked, ...]


def run(draft: PolicyVersion, *, at: datetime) -> dict[str, Any]:
    """What the draft would have answered yesterday, for PolicyVersion.compared: counts and ids.

    Yesterday is the last whole day of the house.
    """
    now = stands_for(draft, at=at)
    on = instants.house(at).date() - timedelta(days=1)
    then = Policy(draft.name, draft.version, on, draft.title, Rules.read(draft.rules))
    day = _asked_on(on, now.name)
    found = {"day": on.isoformat(), "name": now.name, "against": now.label}
    counted = {"total": day.total, "looked": day.looked}
    apart = {"strangers": day.strangers, "excused": day.excused}
    return {**found, **counted, **apart, **_compare(day.asked, now, then)}


def _compare(asked: tuple[Asked, ...], now: Policy, then: Policy) -> dict[str, Any]:
    before, after = _spoken(asked, now), _spoken(asked, then)
    unclear, otherwise, unchanged, same = 0, 0, 0, Counter[str]()
    changed: dict[str, list[tuple[Asked, str, str]]] = defaultdict(list)
    for n, one in enumerate(asked):
        fixed = {code for code in one.codes if code not in DECIDED}
        old, new = (_first(one, fixed | spoken[n]) for spoken in (before, after))
        if one.policy == now.label and bool(old) != bool(one.codes):
            unclear += 1
        elif bool(old) == bool(new):
            same["deny" if old else "allow"] += 1
            unchanged += bool(fixed)
            otherwise += old != new
        else:
            changed[f"deny {new}" if new else f"allow {old}"].append((one, old, new))
    return {
        "unclear": unclear,
        "same_allow": same["allow"],
        "same_deny": same["deny"],
        "fixed": unchanged,
        "otherwise": otherwise,
        "denied": _counts(changed, "deny"),
        "allowed": _counts(changed, "allow"),
        "examples": [_example(*row) for rows in changed.values() for row in rows[:EXAMPLES]],
    }


def _first(one: Asked, codes: set[str]) -> str:
    """The code that would have been answered; empty for an allow."""
    return next((code for code in rulings.stops(one.purpose) if code in codes), "")


def _counts(changed: dict[str, list[Any]], verdict: str) -> dict[str, int]:
    return {
        key.partition(" ")[2]: len(rows)
        for key, rows in sorted(changed.items())
        if key.startswith(f"{verdict} ")
    }


def _example(one: Asked, before: str, after: str) -> dict[str, Any]:
    return {
        "decision": str(one.id),
        "at": one.at.isoformat(),
        "people": list(one.people),
        "before": before,
        "after": after,
    }


def _asked_on(on: date, name: str) -> Day:
    zone = zone_of(settings.TIME_ZONE)
    begins, ends = (
        instant_of(datetime.combine(day, time(0)), zone) for day in (on, on + timedelta(days=1))
    )
    values: dict[str, Any] = {"begins": begins, "ends": ends, "name": name, "most": MOST}
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, values)
        total = cursor.fetchone()[0]
        cursor.execute(ASKED, values)
        rows = cursor.fetchall()
    known = [row for row in rows if row[2] and row[6] != "override"]
    excused = sum(row[6] == "override" for row in rows)
    found = _numbered(known)
    return Day(total, len(rows), len(rows) - len(known) - excused, excused, found)


def _numbered(rows: list[Any]) -> tuple[Asked, ...]:
    """The questions in the order of time, each with the number that it was about."""
    people = {person for row in rows for person in row[2]}
    held = PhoneNumber.objects.filter(customer_id__in=people).values_list("customer_id", "e164")
    numbers = {(person, hash_number(e164)): e164 for person, e164 in held}
    found = []
    for pk, moment, ids, hashed, purpose, policy, _answer, codes in rows:
        key = bytes(hashed) if hashed else b""
        number = next((numbers[one, key] for one in ids if (one, key) in numbers), "")
        found.append(Asked(pk, moment, tuple(ids), purpose, policy, tuple(codes), number))
    return tuple(sorted(found, key=lambda one: (one.at, str(one.id))))


def _spoken(asked: tuple[Asked, ...], policy: Policy) -> list[set[str]]:
    """For each question the codes that this version sets against it."""
    spoken: list[set[str]] = [set() for _question in asked]
    for under, numbers in _together(asked, policy):
        with connection.cursor() as cursor:
            cursor.execute(SPOKE, _values(under, [(n, asked[n]) for n in numbers]))
            for n, code in cursor.fetchall():
                spoken[n].add(code)
    return spoken


def _together(asked: tuple[Asked, ...], policy: Policy) -> Iterator[tuple[Conditions, list[int]]]:
    """The questions in the order of time, as long as the same conditions hold."""
    under, numbers = None, list[int]()
    for n, one in enumerate(asked):
        if under is None or not under.hold(one.at) or len(numbers) == AT_ONCE:
            if under and numbers:
                yield under, numbers
            if under is None or not under.hold(one.at):
                under = conditions.of_policy(policy, at=one.at)
            numbers = []
        numbers.append(n)
    if under and numbers:
        yield under, numbers


def _values(under: Conditions, rows: Iterable[tuple[int, Asked]]) -> dict[str, Any]:
    rows = list(rows)
    pairs = [(n, person, one.at) for n, one in rows for person in one.people]
    dialled = [(n, one) for n, one in rows if one.number]
    return {
        **limits(under),
        "n": array(n for n, _person, _at in pairs),
        "person": array(person for _n, person, _at in pairs),
        "moment": array(moment.isoformat() for _n, _person, moment in pairs),
        "dialled": array(n for n, _one in dialled),
        "number": array(one.number for _n, one in dialled),
        "called": array(phone.region_of(one.number) or "" for _n, one in dialled),
        "dialled_at": array(one.at.isoformat() for _n, one in dialled),
    }
