"""The feed: which numbers are blocked, for those who keep a list of their own. Reads only.

First every blocked number of the house, page by page; then, for ever, the numbers of those to whom
something happened since. Each line says how a number stands now, so that reading one twice, or a
page again, does no harm. A cursor stops below the oldest transaction that is still writing: what
commits late under a lower number is therefore never passed over.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection

from crm import merges
from crm.actors import Actor
from crm.models import PhoneNumber
from followups import facts, verdicts
from followups.verdicts import Terms

MOST = 10_000
# Leases end before anybody has read of them, hours are the same for a whole country, and of a
# silence the page itself tells (`safe`).
PASSING = frozenset({"leased", "clock_unsafe"}) | verdicts.BY_THE_CLOCK
# The epoch changes when a copy becomes the house, also on the same server.
HOUSE = """
SELECT (system_identifier # coalesce((SELECT epoch FROM crm_house), 0)) & 9223372036854775807,
    pg_snapshot_xmin(s)::text::bigint,
    pg_snapshot_xmax(s)::text::bigint
FROM pg_control_system(), pg_current_snapshot() AS s
"""
# One statement, one snapshot: what it sees below its own xmin is all that will ever be there.
CHANGED = """
SELECT g.xact, g.id, g.customer_id FROM crm_gatechange g
WHERE (g.xact, g.id) > (%s::bigint, %s::bigint)
    AND g.xact < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
ORDER BY g.xact, g.id LIMIT %s
"""


class UnknownCursor(ValueError):
    """Not one of ours, or of a database that was restored since: begin again without one."""


@dataclass(frozen=True)
class Cursor:
    """How far somebody has read: the changes up to here, and in the first round the numbers."""

    house: int
    xact: int
    change: int
    number: int | None = None  # None: all numbers were read once

    def __str__(self) -> str:
        parts = [self.house, self.xact, self.change, self.number]
        return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@dataclass(frozen=True)
class Entry:
    """How a number stands. `not_before`: when it is clear by itself; None when something must
    happen first."""

    number: str
    blocked: bool
    code: str
    not_before: datetime | None


@dataclass(frozen=True)
class Page:
    """`more`: there is more at once. Not `safe`: Kept doubts itself; sell to nobody."""

    entries: tuple[Entry, ...]
    next: Cursor
    more: bool
    safe: bool


def page(*, since: str, limit: int, by: Actor, at: datetime) -> Page:
    """What follows the cursor `since`; the beginning when it is empty. Raises UnknownCursor."""
    cursor = _started(since)
    terms = verdicts.terms(without=PASSING, by=by, at=at)
    if cursor.number is None:
        cursor, numbers, more = _changed(cursor, limit)
        entries = _entries(numbers, terms)
    else:
        cursor, numbers, more = _numbered(cursor, limit)
        entries = [entry for entry in _entries(numbers, terms) if entry.blocked]
    return Page(tuple(entries), cursor, more, _safe(terms))


def _started(since: str) -> Cursor:
    with connection.cursor() as reader:
        reader.execute(HOUSE)
        house, oldest, youngest = reader.fetchone()
    if not since:
        return Cursor(house, oldest, 0, 0)
    cursor = _read(since)
    # A restored database counts its transactions anew: an older cursor would miss what comes.
    if cursor.house != house or cursor.xact > youngest:
        raise UnknownCursor
    return cursor


def _read(since: str) -> Cursor:
    try:
        parts = json.loads(base64.urlsafe_b64decode(since + "=" * (-len(since) % 4)))
        house, xact, change, number = parts
    except (ValueError, TypeError) as error:
        raise UnknownCursor from error
    given = [house, xact, change, 0 if number is None else number]
    if any(type(part) is not int or not 0 <= part < 2**63 for part in given):
        raise UnknownCursor
    return Cursor(house, xact, change, number)


def _changed(cursor: Cursor, limit: int) -> tuple[Cursor, list[str], bool]:
    """The numbers of those to whom something happened, and how far that reaches."""
    with connection.cursor() as reader:
        reader.execute(CHANGED, [cursor.xact, cursor.change, limit])
        rows = reader.fetchall()
    if not rows:
        return cursor, [], False
    people = merges.group_of(person for _xact, _change, person in rows)
    numbers = PhoneNumber.objects.filter(customer_id__in=people).values_list("e164", flat=True)
    xact, change, _person = rows[-1]
    return replace(cursor, xact=xact, change=change), sorted(set(numbers)), len(rows) == limit


def _numbered(cursor: Cursor, limit: int) -> tuple[Cursor, list[str], bool]:
    """The next numbers of the first round; after the last of them the changes begin."""
    rows = list(
        PhoneNumber.objects.filter(pk__gt=cursor.number)
        .order_by("pk")
        .values_list("pk", "e164")[:limit]
    )
    last = rows[-1][0] if len(rows) == limit else None
    return replace(cursor, number=last), [e164 for _pk, e164 in rows], True


def _entries(numbers: Iterable[str], terms: Terms) -> list[Entry]:
    found = list(numbers)
    return [
        Entry(
            number, not verdict.allow, verdict.code if not verdict.allow else "", verdict.not_before
        )
        for number, verdict in zip(found, verdicts.of(found, terms), strict=True)
    ]


def _safe(terms: Terms) -> bool:
    known = facts.read(ids=[], under=terms.under, at=terms.at)
    return not any(fact.code == "clock_unsafe" for fact in known)
