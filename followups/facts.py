"""What the gate needs to know, in one statement for one person or for thousands. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from config.timetable import SWEEPS
from crm import conditions, heartbeats
from crm.conditions import Conditions
from crm.forgotten import hash_number as hash_number

GUARDS = [sweep.name for sweep in SWEEPS if sweep.guards_gate]
# Written out, because they never change while we run.
GUARDED = "{" + ",".join(GUARDS) + "}"
ALLOWED = "{" + ",".join(f"{heartbeats.allowed(n).total_seconds()} s" for n in GUARDS) + "}"
FACTS = """
SELECT person, code, since, until, ref FROM kept_gate_facts(
    %(ids)s::bigint[], '', ''::bytea, %(gap)s::interval, %(at)s::timestamptz,
    %(guards)s::text[], %(allowed)s::interval[], %(caps)s::text[], %(mosts)s::int[],
    %(spans)s::interval[], %(rest)s::int, '', %(covered)s::text[], %(shut_in)s::text[],
    %(shut_by)s::text[], %(shut_until)s::timestamptz[], %(bases)s::text[],
    %(lists)s::text[], %(ages)s::int[], %(pardons)s::text[], %(campaign)s::bigint)
"""


@dataclass(frozen=True)
class Fact:
    """One thing that speaks against calling. `person` None: it holds for everybody.

    `ref` names what it is about: a promise, or who holds a lease.
    """

    person: int | None
    code: str
    since: datetime | None
    until: datetime | None
    ref: str | None


def limits(found: Conditions) -> dict[str, Any]:
    """What a policy limits, as the database reads it: arrays written out."""
    return {
        "gap": found.policy.min_gap,
        "caps": array(conditions.code_of(cap) for cap in found.caps),
        "mosts": array(cap.most for cap in found.caps),
        "spans": array(f"{cap.days} days" for cap in found.caps),
        "rest": found.rest_days,
        "bases": array(found.bases),
        "lists": array(rule.name for rule in found.policy.rules.lists),
        "ages": array(rule.max_age_days for rule in found.policy.rules.lists),
        "pardons": array(rule.consent_beats for rule in found.policy.rules.lists),
        "covered": array(found.covered),
        "shut_in": array(country for country, _shut in found.shut),
        "shut_by": array(shut.code for _country, shut in found.shut),
        "shut_until": array(shut.until.isoformat() for _country, shut in found.shut),
    }


def array(values: Iterable[object]) -> str:
    """An array as PostgreSQL reads it as text. The values are ours: no quotes, no backslashes."""
    return "{" + ",".join(f'"{value}"' for value in values) + "}"


def read(
    *, ids: Iterable[int], under: Conditions, at: datetime, campaign: int | None = None
) -> list[Fact]:
    """Reads without touching: no lock, no row. One query for any number of people.

    Raises ValueError for conditions that do not hold at `at`.
    """
    if not under.hold(at):
        raise ValueError("these conditions are of another moment")
    values: dict[str, Any] = {
        "ids": sorted(set(ids)),
        "at": at,
        "guards": GUARDED,
        "allowed": ALLOWED,
        "campaign": campaign,
        **limits(under),
    }
    with connection.cursor() as cursor:
        cursor.execute(FACTS, values)
        return [Fact(*row) for row in cursor.fetchall()]
