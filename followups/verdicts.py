"""Many numbers judged at once, by the facts and the rules of the gate. Reads only: it is advice.

No lock is taken and nobody is leased. What speaks against a person comes from kept_gate_facts, as
for a single question; the statement here only finds out for whom it has to be asked, and in which
order the codes count.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

from crm import conditions, phone
from crm.actors import Actor
from crm.conditions import Conditions
from crm.models import Campaign
from followups import purposes, rulings
from followups.facts import ALLOWED, GUARDED, hash_number, limits
from followups.reasons import sentence

# They open and shut by the clock alone: nothing for a list that is used all day.
BY_THE_CLOCK = frozenset({"calling_hours", "holiday"})
EVERYBODY = -1  # the row of what holds for all numbers
# Whom something may speak against: never fewer than kept_gate_facts finds, and hardly more. Then
# the facts of those, a thousand people at a time.
RULED = """
WITH had AS MATERIALIZED (
    SELECT i.n, p.customer_id AS person
    FROM {source} i LEFT JOIN crm_phonenumber p ON p.e164 = i.number
    WHERE i.number IS NOT NULL
), found AS MATERIALIZED (
    SELECT h.n, h.person FROM had h
    UNION ALL
    -- Customers that were merged are one person.
    SELECT h.n, other.id FROM had h
    JOIN crm_customer one ON one.id = h.person AND one.merged_into_id IS NOT NULL
    JOIN crm_customer other ON other.merged_into_id = one.merged_into_id AND other.id <> one.id
), suspects AS MATERIALIZED (
    SELECT DISTINCT f.person FROM found f JOIN (
        SELECT p.customer_id FROM followups_promise p WHERE p.status = 'open'
        UNION ALL
        SELECT p.customer_id FROM followups_promise p WHERE p.status = 'kept'
            AND greatest(p.settled_at, p.readable_at + p.reading_hours * interval '1 hour')
                > %(at)s::timestamptz
        UNION ALL
        SELECT s.customer_id FROM crm_suppression s WHERE s.lifted_at IS NULL
        UNION ALL
        SELECT a.customer_id FROM crm_attempt a
        WHERE a.started_at > %(at)s::timestamptz - %(span)s::interval
            AND a.started_at < %(at)s::timestamptz + %(gap)s::interval
        UNION ALL
        SELECT l.customer_id FROM followups_lease l WHERE l.released_at IS NULL
            AND l.until_at > %(at)s::timestamptz
        UNION ALL
        SELECT p.customer_id FROM crm_phonenumber p WHERE p.barred
        UNION ALL
        SELECT p.customer_id FROM crm_listednumber e JOIN crm_phonenumber p ON p.e164 = e.e164
        WHERE e.list_id = ANY(%(lists)s::text[])
        UNION ALL
        SELECT f.person FROM found f WHERE cardinality(%(bases)s::text[]) > 0
    ) s ON s.customer_id = f.person
), of_people AS MATERIALIZED (
    SELECT g.person, g.code, g.until FROM (
        SELECT array_agg(s.person) AS people
        FROM (SELECT person, row_number() OVER () / 1000 AS part FROM suspects) s
        GROUP BY s.part
    ) part, LATERAL kept_gate_facts(part.people, ''::text, ''::bytea, %(gap)s::interval,
        %(at)s::timestamptz, %(guards)s::text[], %(allowed)s::interval[], {limits}) g
    WHERE g.person IS NOT NULL AND g.code = ANY(%(stops)s::text[])
), dialled AS (
    SELECT i.n, i.number, i.hashed FROM {source} i WHERE i.hashed IS NOT NULL
    UNION
    SELECT i.n, i.number, i.hashed FROM {source} i
    JOIN crm_attempttext t ON t.number = i.number AND t.number <> ''
    JOIN crm_attempt a ON a.id = t.attempt_id
        AND a.started_at > %(at)s::timestamptz - %(span)s::interval
        AND a.started_at < %(at)s::timestamptz + %(gap)s::interval
    UNION
    SELECT i.n, i.number, i.hashed FROM {source} i
    JOIN crm_listednumber e ON e.e164 = i.number AND e.list_id = ANY(%(lists)s::text[])
), against AS (
    SELECT f.n, g.code, g.until FROM found f JOIN of_people g ON g.person = f.person
    UNION ALL
    SELECT d.n, g.code, g.until
    FROM dialled d, LATERAL kept_gate_facts('{{}}'::bigint[], d.number, coalesce(d.hashed, ''),
        %(gap)s::interval,
        %(at)s::timestamptz, %(guards)s::text[], %(allowed)s::interval[], {limits}) g
    WHERE g.person IS NULL AND g.code = ANY(%(stops)s::text[])
    UNION ALL
    SELECT %(everybody)s::bigint, g.code, g.until
    FROM kept_gate_facts('{{}}'::bigint[], ''::text, ''::bytea, %(gap)s::interval,
        %(at)s::timestamptz, %(guards)s::text[], %(allowed)s::interval[], {limits}) g
    WHERE g.code = ANY(%(stops)s::text[])
    {hours}
    UNION ALL
    -- A number that nobody has: no code, unless strangers are not called; and nobody's consent.
    SELECT f.n, CASE WHEN NOT %(strangers)s::boolean THEN 'unknown_number' END, NULL
    FROM found f WHERE f.person IS NULL
    UNION ALL
    SELECT f.n, 'no_consent', NULL
    FROM found f WHERE f.person IS NULL AND 'no_consent' = ANY(%(stops)s::text[])
        AND cardinality(%(bases)s::text[]) > 0
    UNION ALL
    SELECT i.n, 'number_invalid', NULL FROM {source} i WHERE i.number IS NULL
)
SELECT x.n, min(array_position(%(stops)s::text[], x.code)) AS place,
    CASE WHEN bool_and(x.until IS NOT NULL) FILTER (WHERE x.code IS NOT NULL)
        THEN max(x.until) END AS not_before
FROM against x GROUP BY x.n ORDER BY x.n
"""
# The policy's figures. Hours are asked apart: they shut nearly everybody, and whole lists leave
# them out.
LIMITS = """%(caps)s::text[], %(mosts)s::int[], %(spans)s::interval[], %(rest)s::int, '',
        '{}', '{}', '{}', '{}', %(bases)s::text[],
        %(lists)s::text[], %(ages)s::int[], %(pardons)s::text[], %(campaign)s::bigint"""
# Where its people live, and the country of the number itself.
HOURS = """UNION ALL
    SELECT f.n, h.code, h.until
    FROM found f JOIN {source} i ON i.n = f.n LEFT JOIN crm_customer c ON c.id = f.person
    JOIN unnest(%(shut_in)s::text[], %(shut_by)s::text[], %(shut_until)s::timestamptz[])
        AS h (country, code, until) ON h.code = ANY(%(stops)s::text[]) AND h.country IN (
        CASE WHEN i.called = ANY(%(covered)s::text[]) THEN i.called ELSE '' END,
        CASE WHEN coalesce(c.country, i.called) = ANY(%(covered)s::text[])
            THEN coalesce(c.country, i.called) ELSE '' END)"""
HASHED = """
SELECT number_hash FROM followups_lease
WHERE number_hash IS NOT NULL AND released_at IS NULL AND until_at > %s
UNION SELECT mark FROM crm_forgottenmark WHERE kind = 'number' AND lifted_at IS NULL
"""
GIVEN = """(
    SELECT u.n, u.number, u.hashed, u.called
    FROM unnest(%(numbers)s::text[], %(hashes)s::bytea[], %(called)s::text[])
        WITH ORDINALITY AS u (number, hashed, called, n)
)"""


@dataclass(frozen=True)
class Verdict:
    """What the gate would answer about one number now. `number` is E.164, or empty."""

    allow: bool
    code: str
    not_before: datetime | None = None
    number: str = ""

    @property
    def reason(self) -> str:
        return sentence(self.code, until=self.not_before, denied=not self.allow)


INVALID = Verdict(allow=False, code="number_invalid")
FINE = Verdict(allow=True, code="ok")
Ruled = tuple[int, int | None, datetime | None]  # n, place among the codes, not_before
Against = tuple[int | None, datetime | None]  # the same without n


@dataclass(frozen=True)
class Terms:
    """Under which rules a whole list is judged, and at which moment."""

    purpose: str
    under: Conditions
    at: datetime
    stops: tuple[str, ...]
    strangers: bool
    campaign: int | None = None

    def values(self) -> dict[str, Any]:
        return {
            **limits(self.under),
            "span": self.under.longest,
            "at": self.at,
            "campaign": self.campaign,
            "guards": GUARDED,
            "allowed": ALLOWED,
            "stops": list(self.stops),
            "strangers": self.strangers or "unknown_number" not in self.stops,
            "everybody": EVERYBODY,
        }

    def verdict(self, own: Against | None, everybody: Against | None) -> Verdict:
        """What the rows of the ruling mean: that of a number, and the one of all numbers."""
        if own and own[0] and self.stops[own[0] - 1] == INVALID.code:
            return INVALID
        against = harshest(own, everybody)
        if against is None:
            return FINE
        place, not_before = against
        if place is None:
            return Verdict(allow=True, code="unknown_number")
        return Verdict(allow=False, code=self.stops[place - 1], not_before=not_before)


def terms(
    *,
    purpose: str = "sales",
    campaign: Campaign | None = None,
    without: Collection[str] = (),
    by: Actor,
    at: datetime,
) -> Terms:
    """The rules of one list: those that a single question of the same caller would meet.

    A list names no promise and no ticket, so a call-back or a service call is judged like a
    sale. `without` leaves codes out. Raises policies.UnknownPolicy.
    """
    judged = purposes.strictest(purpose, campaign=campaign, reference="", by=by)
    under = conditions.of(campaign.policy if campaign else "none", at=at)
    return Terms(
        purpose=judged,
        under=replace(under, shut=()) if {*without} >= BY_THE_CLOCK else under,
        at=at,
        stops=tuple(code for code in rulings.stops(judged) if code not in without),
        strangers=settings.GATE_UNKNOWN_NUMBER == "allow",
        campaign=campaign.pk if campaign else None,
    )


def hashed_numbers(*, at: datetime) -> set[bytes]:
    """Hashes of the numbers of which only a hash is known: that somebody was just allowed to call,
    and those of people who were forgotten."""
    with connection.cursor() as cursor:
        cursor.execute(HASHED, [at])
        return {bytes(row[0]) for row in cursor.fetchall()}


def of(written: Sequence[str], terms: Terms) -> list[Verdict]:
    """The verdict on each number as it was written, in the same order. Two statements."""
    numbers = [_normal(text) for text in written]
    known = hashed_numbers(at=terms.at)
    hashes = [known_hash(number, known) if number else None for number in numbers]
    called = [_region(number, terms) for number in numbers]
    values = {**terms.values(), "numbers": numbers, "hashes": hashes, "called": called}
    hours = HOURS.format(source=GIVEN)
    with connection.cursor() as cursor:
        cursor.execute(RULED.format(source=GIVEN, limits=LIMITS, hours=hours), values)
        ruled = {row[0]: row[1:] for row in cursor.fetchall()}
    everybody = ruled.get(EVERYBODY)
    verdicts = (terms.verdict(ruled.get(n), everybody) for n in range(1, len(numbers) + 1))
    return [replace(v, number=e164 or "") for v, e164 in zip(verdicts, numbers, strict=True)]


def _region(number: str | None, terms: Terms) -> str:
    """The country of a number, where that matters."""
    return (number and terms.under.shut and phone.region_of(number)) or ""


def known_hash(number: str, known: set[bytes]) -> bytes | None:
    """The hash of a number, if it is among these; hashing is dear, so not without any at all."""
    if not known:
        return None
    hashed = hash_number(number)
    return hashed if hashed in known else None


def _normal(text: str) -> str | None:
    try:
        return phone.normalise(text, settings.DEFAULT_COUNTRY)
    except phone.NotANumber:
        return None


def harshest(own: Against | None, everybody: Against | None) -> Against | None:
    """What is known of a number and what holds for all of them, as one."""
    if everybody is None:
        return own
    if own is None or own[0] is None or everybody[0] is None:
        return everybody
    lasts = max(own[1], everybody[1]) if own[1] and everybody[1] else None
    return min(own[0], everybody[0]), lasts


def rows_of(source: str, terms: Terms) -> Generator[Ruled, None, None]:
    """The ruling over a table of (n, number, hashed), by n, as COPY brings it: constant memory.

    Of calling hours it says nothing: a list is used for a whole day.

    Only rows about which there is something to say: a number without one is fine.
    """
    with connection.cursor() as cursor:
        # COPY takes no values of its own: the driver writes them into the text.
        own = psycopg.ClientCursor(connection.connection)
        text = own.mogrify(RULED.format(source=source, limits=LIMITS, hours=""), terms.values())
        with cursor.copy(f"COPY ({text}) TO STDOUT") as pipe:
            pipe.set_types(["int8", "int4", "timestamptz"])
            yield from pipe.rows()
