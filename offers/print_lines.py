"""The lines of a print run: who is on the list, in which order, and what became of each sheet.

The only writer of PrintLine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from crm.actors import Actor
from offers.models import Delivery, PrintLine, PrintRun, ReturnFile

Status = PrintLine.Status
# Bill order: the customers as the billing system numbers them, then as they were promised.
NUMBER = """
WITH ordered AS (
    SELECT line.id, row_number() OVER (ORDER BY customer.reference, line.delivery_id) AS place
    FROM offers_printline line
    JOIN offers_delivery delivery ON delivery.id = line.delivery_id
    JOIN crm_customer customer ON customer.id = delivery.customer_id
    WHERE line.run_id = %s AND line.status = 'pending'
)
UPDATE offers_printline line SET sequence = ordered.place
FROM ordered WHERE ordered.id = line.id
"""


def add(*, run: PrintRun, delivery: Delivery, by: Actor, at: datetime) -> PrintLine:
    """One more on the list; its place is decided when the list is closed."""
    return PrintLine.objects.create(run=run, delivery=delivery, joined_at=at, joined_by=by.code)


def drop_unprepared(*, run: PrintRun) -> int:
    """Takes off the list what was taken back before the run closed: it was never prepared."""
    gone = PrintLine.objects.filter(run=run, status=Status.PENDING, pages=None)
    return gone.update(status=Status.DROPPED)


def drop(*, line: PrintLine) -> None:
    """Takes one off the list: it cannot be printed."""
    PrintLine.objects.filter(pk=line.pk, sequence=None).update(status=Status.DROPPED)


def to_prepare(run: PrintRun) -> QuerySet[PrintLine]:
    """Lines whose document nobody has made sure of yet."""
    rows = PrintLine.objects.filter(run=run, status=Status.PENDING, pages=None)
    return rows.filter(delivery__status=Delivery.Status.CLAIMED)


PREPARED = """
UPDATE offers_printline line SET pages = given.pages, sha256 = given.sha256
FROM unnest(%(ids)s::bigint[], %(pages)s::integer[], %(sums)s::text[]) AS given (id, pages, sha256)
WHERE line.id = given.id
"""


def prepared(found: Mapping[int, tuple[int, str]]) -> None:
    """Their documents are there: by line, so many sheets with the cover, and the sum."""
    values: dict[str, Any] = {
        "ids": list(found),
        "pages": [pages for pages, _sum in found.values()],
        "sums": [sha256 for _pages, sha256 in found.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(PREPARED, values)


def number(*, run: PrintRun) -> int:
    """Gives every line its place; returns N."""
    with connection.cursor() as cursor:
        cursor.execute(NUMBER, [run.pk])
        return cursor.rowcount


def stretch(run: PrintRun, *, first: int, last: int) -> QuerySet[PrintLine]:
    """The numbered lines of a stretch, in order, with what a sheet shows."""
    rows = PrintLine.objects.filter(run=run, sequence__range=(first, last))
    return rows.select_related("delivery__text", "delivery__customer").order_by("sequence")


def told(
    *, line_ids: Sequence[int], status: str, file: ReturnFile, happened_at: datetime, at: datetime
) -> int:
    """The mail room's word about lines that nobody had spoken of; its evidence follows."""
    rows = PrintLine.objects.filter(pk__in=line_ids, status=Status.PENDING)
    return rows.update(status=status, told_in=file, happened_at=happened_at, tell_at=at)


def told_alone(*, delivery: Delivery, status: str, happened_at: datetime) -> int:
    """Somebody's word about one sheet, without a file; its evidence is theirs to write."""
    rows = PrintLine.objects.filter(delivery=delivery, status=Status.PENDING)
    return rows.update(status=status, happened_at=happened_at, tell_at=None)


def tell_whole(*, run: PrintRun, at: datetime) -> int:
    """The run left as a whole: every line that nobody has spoken of gets its evidence."""
    rows = PrintLine.objects.filter(run=run, status=Status.PENDING)
    return rows.update(tell_at=at)


def to_tell(*, at: datetime) -> QuerySet[PrintLine]:
    """Lines whose evidence waits, oldest first."""
    rows = PrintLine.objects.filter(tell_at__lte=at).order_by("tell_at", "pk")
    return rows.select_related("run", "delivery", "told_in")


def recorded(*, line: PrintLine) -> None:
    """Its evidence stands."""
    PrintLine.objects.filter(pk=line.pk).update(tell_at=None)


def put_off(*, line: PrintLine, until: datetime) -> None:
    """A line that throws waits, so that the others are not delayed."""
    PrintLine.objects.filter(pk=line.pk).update(tell_at=until)
