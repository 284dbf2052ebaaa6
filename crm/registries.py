"""National do-not-call lists: a file of numbers becomes our copy. The only writer of both tables.

A file is compared first, so that a person sees what it would change; then it is applied whole, in
one transaction, or not at all. Like every bulk import it takes no lock on persons or numbers.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from crm import audit, phone
from crm.actors import Actor
from crm.models import ListedNumber, NationalList
from crm.tables import Unreadable

PIECE = 1 << 20
# More refused lines than this share: the file is not what it should be, and nothing is taken.
MOST_REFUSED = 0.01
# A copy that loses more than this share of its numbers is probably half a file.
MOST_LOST = 0.2
TURN = "SELECT pg_advisory_xact_lock(hashtext('national list'), hashtext(%s))"
STAGE = """
DROP TABLE IF EXISTS pg_temp.read_list, pg_temp.new_list;
CREATE TEMPORARY TABLE read_list (e164 text, since date) ON COMMIT DROP
"""
UNIQUE = """
CREATE TEMPORARY TABLE new_list ON COMMIT DROP AS
SELECT e164, min(since) AS since FROM read_list GROUP BY e164
"""
COUNTED = """
SELECT (SELECT count(*) FROM new_list),
    (SELECT count(*) FROM new_list n WHERE NOT EXISTS (
        SELECT FROM crm_listednumber o WHERE o.list_id = %(name)s AND o.e164 = n.e164)),
    (SELECT count(*) FROM crm_listednumber o WHERE o.list_id = %(name)s AND NOT EXISTS (
        SELECT FROM new_list n WHERE n.e164 = o.e164)),
    (SELECT count(*) FROM crm_listednumber o WHERE o.list_id = %(name)s)
"""
# Whoever has a number that comes or goes: for them the gate changes.
TOUCHED = """
INSERT INTO crm_gatechange (customer_id, cause, at, xact)
SELECT DISTINCT p.customer_id, 'national_list', %(at)s::timestamptz,
    pg_current_xact_id()::text::bigint
FROM crm_phonenumber p WHERE
    EXISTS (SELECT FROM new_list n WHERE n.e164 = p.e164) <> EXISTS (
        SELECT FROM crm_listednumber o WHERE o.list_id = %(name)s AND o.e164 = p.e164)
"""
GONE = """
DELETE FROM crm_listednumber o WHERE o.list_id = %(name)s
    AND NOT EXISTS (SELECT FROM new_list n WHERE n.e164 = o.e164)
"""
CAME = """
INSERT INTO crm_listednumber (list_id, e164, since_date)
SELECT %(name)s, n.e164, n.since FROM new_list n
ON CONFLICT (list_id, e164) DO UPDATE SET since_date = excluded.since_date
"""


class Refused(ValueError):
    """A file that would change more than a list changes; the message says what."""


@dataclass
class Difference:
    """What a file changes. `refused`: line numbers whose number or date cannot be read."""

    numbers: int = 0
    added: int = 0
    removed: int = 0
    before: int = 0
    refused: list[int] = field(default_factory=list)


def bring_in(
    path: Path,
    *,
    name: str,
    as_of: date,
    by: Actor,
    at: datetime,
    apply: bool,
    forced: bool = False,
) -> Difference:
    """Compares the file with our copy of the list and, with `apply`, makes it our copy.

    One number a line, or `number;date` (ISO, or day first), with or without a heading. Raises
    Unreadable for a file that is no such list, and Refused for one of another day than it can be,
    older than our copy, or that would lose a fifth of the numbers, unless `forced`.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # Two imports of one list wait for each other.
        cursor.execute(TURN, [name])
        if as_of > at.date():
            raise Refused(_("The list is of a day that has not come."))
        ours = NationalList.objects.filter(pk=name).first()
        if ours and as_of < ours.as_of_date and not forced:
            words = _("Our copy is of %(ours)s, which is newer.")
            raise Refused(words % {"ours": ours.as_of_date.isoformat()})
        cursor.execute(STAGE)
        found, digest = _read(path, cursor)
        cursor.execute(UNIQUE)
        cursor.execute(COUNTED, {"name": name})
        found.numbers, found.added, found.removed, found.before = cursor.fetchone()
        _check(found, forced=forced)
        if apply:
            facts = {"as_of_date": as_of, "numbers": found.numbers, "sha256": digest}
            _apply(cursor, name=name, facts=facts, by=by, at=at)
        return found


def _apply(
    cursor: CursorWrapper, *, name: str, facts: dict[str, Any], by: Actor, at: datetime
) -> None:
    author = {"imported_at": at, "imported_by": by.code}
    NationalList.objects.update_or_create(pk=name, defaults={**facts, **author})
    for statement in (TOUCHED, GONE, CAME):
        cursor.execute(statement, {"name": name, "at": at})
    cursor.execute(f"ANALYZE {ListedNumber._meta.db_table}")
    data = {**facts, "as_of_date": facts["as_of_date"].isoformat()}
    audit.write(action="list_imported", subject=f"list:{name}", by=by, at=at, data=data)


def _check(found: Difference, *, forced: bool) -> None:
    if not found.numbers:
        raise Unreadable(_("The file has no number."))
    if len(found.refused) > MOST_REFUSED * (found.numbers + len(found.refused)):
        words = _("%(count)d lines cannot be read; the first is line %(line)d.")
        raise Unreadable(words % {"count": len(found.refused), "line": found.refused[0]})
    if found.removed > MOST_LOST * found.before and not forced:
        words = _("%(removed)d of %(before)d numbers would go: is this the whole list?")
        raise Refused(words % {"removed": found.removed, "before": found.before})


def _read(path: Path, cursor: CursorWrapper) -> tuple[Difference, str]:
    """Streams the file into the stage; constant memory."""
    found, digest = Difference(), hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
        with (
            path.open(encoding="utf-8-sig", newline="") as text,
            cursor.copy("COPY read_list (e164, since) FROM STDIN") as stage,
        ):
            for row in _rows(text, found):
                stage.write_row(row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(_("The file is not a list of numbers in UTF-8.")) from error
    return found, digest.hexdigest()


def _rows(text: IO[str], found: Difference) -> Iterator[tuple[str, date | None]]:
    for line, cells in enumerate(csv.reader(text, delimiter=";"), start=1):
        if not cells or not cells[0].strip():
            continue
        try:
            number = phone.normalise(cells[0], settings.DEFAULT_COUNTRY)
            since = _day(cells[1].strip()) if len(cells) > 1 and cells[1].strip() else None
        except ValueError:
            if line > 1:  # the first line may be a heading
                found.refused.append(line)
            continue
        yield number, since


def _day(text: str) -> date:
    """2026-11-20, or 20/11/2026 with any of / . - between. ValueError for anything else."""
    parts = text.replace(".", "/").replace("-", "/").split("/")
    if len(parts) == 3 and len(parts[2]) == 4:
        parts.reverse()
    year, month, day = (int(part) for part in parts)
    return date(year, month, day)
