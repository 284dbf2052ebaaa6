"""Counts beforehand what the board shows: the only writer of the figures and their cells.

A turn looks at the promises that may count otherwise since the last one, writes their figures
anew, and adds up the cells of the days and teams they belong to and belonged to. The first round
goes over all promises by their ids, some in each turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from followups.board import causes, cells, changes, denials
from followups.board.changes import Mark
from followups.board.wanted import today
from followups.models import PromiseFigure, RollupMark

# A first round takes so many promises in a turn.
AT_ONCE = 5_000
# The page says when the figures are older than this.
OLD = timedelta(seconds=60)
THESE = "ANY(%(ids)s::bigint[])"
NEW = f"SELECT {', '.join(cells.COLUMNS)} FROM ({cells.FIGURES} WHERE p.id = {THESE}) n"
TOLD = ", ".join(f"{name} = excluded.{name}" for name in cells.COLUMNS[1:])
WAS = ", ".join(f"f.{name}" for name in cells.COLUMNS[1:])
IS = ", ".join(f"excluded.{name}" for name in cells.COLUMNS[1:])
WRITE = f"""
INSERT INTO followups_promisefigure AS f ({", ".join(cells.COLUMNS)}, cause)
SELECT n.*, '' FROM ({NEW}) n
ON CONFLICT (promise_id) DO UPDATE SET {TOLD} WHERE ({WAS}) IS DISTINCT FROM ({IS})
"""
PLACES = f"SELECT DISTINCT day, team_id FROM followups_promisefigure WHERE promise_id = {THESE}"
EACH = "(f.day, f.team_id) IN (SELECT * FROM unnest(%(days)s::date[], %(teams)s::bigint[]))"
CELL = "day, team_id, campaign_id, channel, kind"
ADD_UP = (
    f"DELETE FROM followups_dayfigure f WHERE {EACH}",
    f"""INSERT INTO followups_dayfigure ({CELL}, kept, late, broken, promised, delivered, seen,
        called, decided) {cells.days(EACH)}""",
    f"DELETE FROM followups_spreadfigure f WHERE {EACH}",
    f"INSERT INTO followups_spreadfigure ({CELL}, measure, value, count) {cells.spreads(EACH)}",
)
# Agreed anew with nobody: judged when its first due time passes, of which no event tells.
FELL_DUE = """
SELECT f.promise_id FROM followups_promisefigure f JOIN followups_promise p ON p.id = f.promise_id
WHERE f.outcome = 'open' AND f.day <= %(today)s AND p.status = 'replaced' AND p.due_at <= %(at)s
"""
NEXT = """
SELECT id FROM followups_promise WHERE id > %(after)s ORDER BY id LIMIT %(most)s
"""


def roll(*, at: datetime) -> int:
    """The rollups sweep: returns how many figures it looked at while more are left; 0 when the
    figures are complete. Two at once do the work once: the second does nothing."""
    with transaction.atomic():
        if not _alone():
            return 0
        now = changes.snapshot()
        row = RollupMark.objects.filter(pk=1).first() or _begin(at)
        if row.formulas != cells.FORMULAS:
            row.promise, row.formulas = 0, cells.FORMULAS
        marks = {name: Mark(**mark) for name, mark in row.read.items()}
        change = changes.since(marks, now=now)
        ids, row.promise = _next_of_round(row.promise)
        ids |= change.promises | {pk for (pk,) in _rows(FELL_DUE, _today(at))}
        _count(sorted(ids), at)
        row.checks_at, denials_left = denials.gather(since=row.checks_at, at=at)
        row.read = {name: asdict(mark) for name, mark in change.marks.items()}
        left = row.promise is not None or change.more or denials_left
        row.at = row.at if left else at
        row.save()
    return max(1, len(ids)) if left else 0


def age(*, at: datetime) -> timedelta | None:
    """How old the figures are; None before the first round is over."""
    rolled = RollupMark.objects.filter(pk=1).values_list("at", flat=True).first()
    return max(at - rolled, timedelta(0)) if rolled else None


def _alone() -> bool:
    return bool(_rows("SELECT pg_try_advisory_xact_lock(hashtext('rollups'))", {})[0][0])


def _begin(at: datetime) -> RollupMark:
    marks = {name: asdict(mark) for name, mark in changes.beginning().items()}
    begun = at - denials.KEPT_FOR
    return RollupMark(pk=1, read=marks, promise=0, checks_at=begun, formulas=cells.FORMULAS)


def _today(at: datetime) -> dict[str, Any]:
    return {"at": at, "today": today(at)}


def _next_of_round(after: int | None) -> tuple[set[int], int | None]:
    """The next promises of the first round; None when it is over."""
    if after is None:
        return set(), None
    found = [pk for (pk,) in _rows(NEXT, {"after": after, "most": AT_ONCE})]
    return set(found), found[-1] if len(found) == AT_ONCE else None


def _count(ids: list[int], at: datetime) -> None:
    if not ids:
        return
    before = set(_rows(PLACES, {"ids": ids}))
    _run(WRITE, cells.values(ids=ids, at=at))
    _tell_causes(ids, at)
    _add_up(before | set(_rows(PLACES, {"ids": ids})))


def _tell_causes(ids: Iterable[int], at: datetime) -> None:
    """Of what was not kept in time; what came in time after all has none."""
    rows = PromiseFigure.objects.filter(pk__in=ids)
    rows.exclude(outcome__in=["late", "broken"]).exclude(cause="").update(cause="")
    known = dict(rows.filter(outcome__in=["late", "broken"]).values_list("pk", "cause"))
    found = causes.find(known, at=at) if known else {}
    other = [PromiseFigure(pk=pk, cause=cause) for pk, cause in found.items() if known[pk] != cause]
    PromiseFigure.objects.bulk_update(other, ["cause"], batch_size=500)


def _add_up(places: Iterable[tuple[Any, ...]]) -> None:
    found = list(places)
    values = {"days": [day for day, _team in found], "teams": [team for _day, team in found]}
    for statement in ADD_UP:
        _run(statement, values)


def check(*, at: datetime) -> dict[str, int]:
    """How many figures and cells differ from what would be written now; all 0 when all is well.

    Reads everything: for a test, or for a doubt."""
    figures = f"SELECT {', '.join(cells.COLUMNS)} FROM ({cells.FIGURES}) n"
    stored = f"SELECT {', '.join(cells.COLUMNS)} FROM followups_promisefigure"
    numbers = "kept, late, broken, promised, delivered, seen, called, decided"
    spread = "measure, value, count"
    return {
        "figures": _differences(stored, figures, cells.values(at=at)),
        "days": _differences(
            f"SELECT {CELL}, {numbers} FROM followups_dayfigure", cells.days("true"), {}
        ),
        "spreads": _differences(
            f"SELECT {CELL}, {spread} FROM followups_spreadfigure", cells.spreads("true"), {}
        ),
    }


def _differences(one: str, other: str, values: Mapping[str, Any]) -> int:
    both = f"(({one}) EXCEPT ({other})) UNION ALL (({other}) EXCEPT ({one}))"
    return int(_rows(f"SELECT count(*) FROM ({both}) d", values)[0][0])


def _rows(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall())


def _run(statement: str, values: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
