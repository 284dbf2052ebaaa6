"""What the lines of a batch say, staged by COPY, and the verdict on each. The only writer of
ImportLine. Doing a batch again leaves the same rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from crm import forgotten
from crm.importing import cutting, frames, kinds, people_rows
from crm.importing.frames import Frame
from crm.importing.judging import BAD, Judged
from crm.importing.kinds import Kind
from crm.mappings import BadCell
from crm.models import Import, ImportBatch, ImportLine

COPY = """
COPY crm_importline (of_id, line, key, facts, verdict, "column", reason) FROM STDIN
"""
GONE = "DELETE FROM crm_importline WHERE of_id = %(import)s AND line BETWEEN %(first)s AND %(last)s"
# The first of two lines about the same stands; the others refer to it.
DOUBLES = """
UPDATE crm_importline l SET verdict = 'bad', "column" = %(column)s,
    reason = replace(%(words)s::text, '000', d.line::text)
FROM crm_importline l2, LATERAL (SELECT min(e.line) AS line FROM crm_importline e
    WHERE e.of_id = l2.of_id AND e.key = l2.key AND e.line < l2.line AND e.reason = '') d
WHERE l2.id = l.id AND d.line IS NOT NULL AND l2.of_id = %(import)s AND l2.reason = ''
    AND l2.line BETWEEN %(first)s AND %(last)s
"""
APPLIED = """
UPDATE crm_importline l SET verdict = v.verdict, "column" = v.wrong, reason = v.reason
FROM ({verdicts}) v WHERE v.id = l.id
"""
GIVEN = """
SELECT * FROM unnest(%(ids)s::bigint[], %(verdicts)s::text[], %(columns)s::text[],
    %(reasons)s::text[]) AS v (id, verdict, wrong, reason)
"""
COUNTED = """
SELECT count(*) FILTER (WHERE verdict = 'new'), count(*) FILTER (WHERE verdict = 'changed'),
    count(*) FILTER (WHERE verdict = 'same'), count(*) FILTER (WHERE verdict = 'bad')
FROM crm_importline WHERE of_id = %s
"""


def stage(row: Import, batch: ImportBatch) -> None:
    """Reads the lines of a batch. One bad line stops nobody."""
    kind, frame = kinds.of(row), frames.of(row)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(GONE, _span(row, batch))
        with cursor.copy(COPY) as pipe:
            for values in _read(row, batch, kind, frame):
                pipe.write_row(values)


def _read(row: Import, batch: ImportBatch, kind: Kind, frame: Frame) -> Iterator[tuple[Any, ...]]:
    places, width = sorted(row.columns.items()), len(row.headings)
    for number, given, problem in cutting.lines(batch):
        try:
            if problem:
                raise BadCell("", problem)
            if len(given) > width and any(given[width:]):
                raise BadCell("", _("has more cells than there are headings"))
            cells = {
                name: value
                for name, place in places
                if place < len(given) and (value := given[place])
            }
            key, facts = kind.facts(cells, frame)
        except BadCell as error:
            key = cells.get("external_id", "")[:200] if not problem else ""
            yield row.pk, number, key, None, "bad", error.column, str(error)[:200]
        else:
            yield row.pk, number, key, json.dumps(facts), "", "", ""


def judge(row: Import, batch: ImportBatch) -> None:
    """Says of each staged line of a batch what it would do."""
    kind, frame = kinds.of(row), frames.of(row)
    span = _span(row, batch)
    with transaction.atomic(), connection.cursor() as cursor:
        if kind.unique:
            column = kind.needed[0][0]
            words = _("stands in line %(n)s already") % {"n": "000"}
            values: dict[str, Any] = {**span, "column": column, "words": words}
            cursor.execute(DOUBLES, values)
        if kind.judge is None:
            asked = {**span, **people_rows.verdicts(frame), "gone": people_rows.gone(span)}
            cursor.execute(APPLIED.format(verdicts=people_rows.VERDICTS), asked)
            return
        lines = list(
            ImportLine.objects.filter(
                of=row, line__range=(batch.first, batch.last), reason=""
            ).order_by("line")
        )
        apply(kind.judge(row, lines, frame))


def apply(verdicts: Iterable[Judged]) -> int:
    """Writes these verdicts on their lines; how many."""
    found = list(verdicts)
    given: dict[str, Any] = {
        "ids": [one.pk for one in found],
        "verdicts": [one.verdict for one in found],
        "columns": [one.column for one in found],
        "reasons": [one.reason for one in found],
    }
    with connection.cursor() as cursor:
        cursor.execute(APPLIED.format(verdicts=GIVEN), given)
    return len(found)


def _span(row: Import, batch: ImportBatch) -> dict[str, Any]:
    return {"import": row.pk, "first": batch.first, "last": batch.last}


def counted(row: Import) -> dict[str, int]:
    """How many lines are new, changed, the same and bad."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, [row.pk])
        new, changed, same, bad = cursor.fetchone()
    return {
        "lines_new": new,
        "lines_changed": changed,
        "lines_same": same,
        "lines_bad": bad,
    }


def good(row: Import, batch: ImportBatch) -> list[ImportLine]:
    """The lines of a batch that may be written."""
    rows = ImportLine.objects.filter(of=row, line__range=(batch.first, batch.last))
    return list(rows.exclude(verdict=BAD).only("line", "key").order_by("line"))


def spoil(row: Import, lines: Iterable[ImportLine], reason: str) -> int:
    """These lines are bad after all, and with them what is one with them; how many."""
    rows = ImportLine.objects.filter(of=row, key__in=[one.key for one in lines])
    return rows.exclude(verdict=BAD).update(verdict=BAD, column="", reason=reason[:200])


def forget_keys(keys: Iterable[str]) -> None:
    """Empties the lines about these ids of another system, of whatever import. One that waits finds
    nobody under what is left, and counts the line among the bad ones."""
    for key in keys:
        lines = ImportLine.objects.filter(key=key)
        lines.update(key=forgotten.known_as(key), facts={})


def forget(row: Import) -> None:
    ImportLine.objects.filter(of=row).delete()
