"""What the board counts: what is open now from the promises themselves, what was judged from the
rollups. Reads only; a fixed number of statements, whatever is chosen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from config import outage
from crm import instants
from followups.board import cells
from followups.board.wanted import Wanted, today
from followups.models.promises import CALLBACK_TOLERANCE

# A screen that asks for too much gives way to the gate.
PATIENCE = "SET LOCAL statement_timeout = '5s'"
# Upper edges of the ages of open promises, in days; the last step has none.
AGES = (1, 3, 7, 14, 30)
BROKEN = """p.track = 'lateness' AND p.due_at + CASE p.kind WHEN 'callback'
    THEN %(patience)s::interval ELSE interval '0' END <= %(at)s::timestamptz"""
OPEN = f"""
SELECT width_bucket(extract(epoch FROM %(at)s::timestamptz - p.made_at) / 86400,
        ARRAY[{", ".join(map(str, AGES))}]::numeric[]), count(*),
    count(*) FILTER (WHERE {BROKEN}),
    count(*) FILTER (WHERE p.due_at > %(at)s AND p.due_at < %(midnight)s),
    count(*) FILTER (WHERE p.track = 'lateness' AND p.due_at > %(at)s AND p.at_risk_at <= %(at)s)
FROM followups_promise p {{join}}
WHERE p.status = 'open' AND p.team_id = ANY(%(teams)s::bigint[]) {{more}}
GROUP BY 1
"""
NUMBERS = ("kept", "late", "broken", "promised", "delivered", "seen", "called", "decided")
BY_DAY = f"""
SELECT f.day, {", ".join(f"sum(f.{name})::bigint" for name in NUMBERS)}
FROM {{cells}} f WHERE {{where}} GROUP BY f.day
"""
SPREAD = """
SELECT f.measure, CASE f.measure WHEN 'hand' THEN f.channel ELSE '' END, f.value,
    sum(f.count)::bigint
FROM {cells} f WHERE {where} GROUP BY 1, 2, 3
"""
AVOIDED = """
SELECT f.day, count(*) FROM followups_deniedcall f
WHERE f.redundant AND f.team_id = ANY(%(teams)s::bigint[]) AND f.day BETWEEN %(first)s AND %(last)s
    AND (%(campaign)s::bigint IS NULL OR f.campaign_id = %(campaign)s) GROUP BY f.day
"""
IN_SPITE = """
SELECT (c.started_at AT TIME ZONE %(zone)s)::date, count(*) FROM followups_conduct c
WHERE c.in_spite <> '{}' AND 'open_promise' = ANY(c.in_spite)
    AND (c.team_id = ANY(%(teams)s::bigint[]) OR %(strays)s AND c.team_id IS NULL)
    AND c.started_at >= %(begin)s AND c.started_at <= %(at)s
    AND (%(campaign)s::bigint IS NULL OR EXISTS (SELECT FROM crm_attempt a
        WHERE a.id = c.attempt_id AND a.campaign_id = %(campaign)s)) GROUP BY 1
"""


@contextmanager
def patiently() -> Iterator[None]:
    """Statements in here end after five seconds, finished or not: then raises outage.TooSlow."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(PATIENCE)
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise outage.TooSlow from error
        raise


@dataclass(frozen=True)
class Open:
    """What is open now; `ages` counts by step of AGES: all of them, and the broken ones."""

    broken: int
    due_today: int
    at_risk: int
    ages: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Day:
    """What was due on a day."""

    day: date
    kept: int = 0
    late: int = 0
    broken: int = 0
    promised: int = 0
    delivered: int = 0
    seen: int = 0
    called: int = 0
    decided: int = 0


@dataclass(frozen=True)
class Spread:
    """How often each value occurred: minutes by channel, hours until proof, hours of the week."""

    hand: Mapping[str, Mapping[int, int]]
    proof: Mapping[int, int]
    broken: Mapping[int, int]


@dataclass(frozen=True)
class Redundant:
    """Redundant calls of a day: those that were not made, and those that were all the same."""

    day: date
    avoided: int
    in_spite: int


def open_now(wanted: Wanted, *, at: datetime) -> Open:
    join, more, values = _narrowed(wanted)
    midnight = instants.midnight(at)
    values |= {
        "at": at,
        "midnight": midnight + timedelta(days=1),
        "patience": CALLBACK_TOLERANCE,
        "teams": list(wanted.teams),
    }
    rows = _rows(OPEN.format(join=join, more=more), values)
    ages = {row[0]: (row[1], row[2]) for row in rows}
    return Open(
        broken=sum(row[2] for row in rows),
        due_today=sum(row[3] for row in rows),
        at_risk=sum(row[4] for row in rows),
        ages=tuple(ages.get(step, (0, 0)) for step in range(len(AGES) + 1)),
    )


def _narrowed(wanted: Wanted) -> tuple[str, str, dict[str, Any]]:
    """The filters of what is open, as SQL; the rollups are joined only where they are asked."""
    told = {
        "p.owner_id": wanted.agent.pk if wanted.agent else None,
        "p.kind": wanted.kind,
        "f.campaign_id": wanted.campaign.pk if wanted.campaign else None,
        "f.channel": wanted.channel,
        "f.cause": wanted.cause,
        "f.outcome": "broken" if wanted.cause else "",
    }
    told = {name: value for name, value in told.items() if value}
    join = any(name.startswith("f.") for name in told)
    values = {name[2:]: value for name, value in told.items()}
    return (
        "JOIN followups_promisefigure f ON f.promise_id = p.id" if join else "",
        "".join(f" AND {name} = %({name[2:]})s" for name in told),
        values,
    )


def by_day(wanted: Wanted, *, at: datetime) -> list[Day]:
    """Every day of the period, the first one first; days without promises too."""
    found = {row[0]: Day(*row) for row in _of_cells(BY_DAY, "dayfigure", wanted, at)}
    first = wanted.first_day(at)
    days = [first + timedelta(days=number) for number in range(wanted.days)]
    return [found.get(day) or Day(day) for day in days]


def spread(wanted: Wanted, *, at: datetime) -> Spread:
    hand: dict[str, Counter[int]] = defaultdict(Counter)
    other: dict[str, Counter[int]] = {"proof": Counter(), "broken": Counter()}
    for measure, channel, value, count in _of_cells(SPREAD, "spreadfigure", wanted, at):
        (hand[channel] if measure == "hand" else other[measure])[value] += count
    return Spread(hand, other["proof"], other["broken"])


def _of_cells(statement: str, table: str, wanted: Wanted, at: datetime) -> list[tuple[Any, ...]]:
    """From the cells; of one agent, who has no cells, from the figures in the same way."""
    where, values = wanted.cells(at, owner=True)
    if not wanted.agent:
        text = statement.format(cells=f"followups_{table}", where=where)
    else:
        build = cells.days if table == "dayfigure" else cells.spreads
        text = statement.format(cells=f"({build(where)})", where="true")
    return _rows(text, values)


def redundant(wanted: Wanted, *, at: datetime) -> list[Redundant]:
    """Every day of the period. Only team, campaign and period narrow it."""
    first = wanted.first_day(at)
    begin = instants.midnight(at)
    values = {
        "teams": list(wanted.teams),
        "strays": wanted.strays,
        "campaign": wanted.campaign.pk if wanted.campaign else None,
        "zone": settings.TIME_ZONE,
        "at": at,
    }
    days = {"first": first, "last": today(at)}
    begun = {"begin": begin - timedelta(days=wanted.days - 1)}
    avoided = dict(_rows(AVOIDED, {k: values[k] for k in ("teams", "campaign")} | days))
    made = dict(_rows(IN_SPITE, values | begun))
    return [
        Redundant(day, avoided.get(day, 0), made.get(day, 0))
        for day in (first + timedelta(days=number) for number in range(wanted.days))
    ]


def median(values: Mapping[int, int]) -> int | None:
    """The middle of values with their counts; the lower one of two."""
    half, so_far = sum(values.values()) / 2, 0
    for value in sorted(values):
        so_far += values[value]
        if so_far >= half:
            return value
    return None


def _rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
