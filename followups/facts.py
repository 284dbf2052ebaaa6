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

from config.timetable import SWEEPS
from crm import heartbeats

GUARDS = [sweep.name for sweep in SWEEPS if sweep.guards_gate]
# Written out, because they never change while we run.
GUARDED = "{" + ",".join(GUARDS) + "}"
ALLOWED = "{" + ",".join(f"{heartbeats.allowed(n).total_seconds()} s" for n in GUARDS) + "}"
FACTS = """
SELECT person, code, since, until, ref FROM kept_gate_facts(
    %(ids)s::bigint[], '', ''::bytea, %(gap)s::interval, %(at)s::timestamptz,
    %(guards)s::text[], %(allowed)s::interval[])
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


def hash_number(e164: str) -> bytes:
    """A keyed hash of a number: rows that stay can be compared, and tell nobody the number."""
    return hmac.new(settings.HASH_PEPPER.encode(), e164.encode(), hashlib.sha256).digest()[:16]


def read(*, ids: Iterable[int], gap: timedelta, at: datetime) -> list[Fact]:
    """Reads without touching: no lock, no row. One query for any number of people."""
    values: dict[str, Any] = {
        "ids": sorted(set(ids)),
        "gap": gap,
        "at": at,
        "guards": GUARDED,
        "allowed": ALLOWED,
    }
    with connection.cursor() as cursor:
        cursor.execute(FACTS, values)
        return [Fact(*row) for row in cursor.fetchall()]
