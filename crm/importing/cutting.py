"""Cuts a file into batches of lines: the units of work. The only writer of ImportBatch.

The same file is always cut the same way, so whoever comes after a worker that died passes over the
batches that stand there, and goes on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from crm.importing import files
from crm.importing.files import Line, Sheet
from crm.models import Import, ImportBatch
from crm.tables import Unreadable


def cut(row: Import, *, lines: int) -> Sheet | None:
    """Cuts the whole file; None when somebody else is cutting it, or has dropped it. Raises
    Unreadable."""
    there = set(ImportBatch.objects.filter(of=row).values_list("number", flat=True))
    with files.brought_back(row) as path, files.opened(path, row.file_name) as sheet:
        found = map(_within_caps, sheet.lines)
        number = 0
        while batch := list(islice(found, lines)):
            if number * lines >= files.MOST_ROWS:
                words = _("The file has more than %(n)s lines: cut it in two.")
                raise Unreadable(words % {"n": files.MOST_ROWS})
            if number not in there and not _keep(row, number, batch):
                return None
            number += 1
        if not number:
            raise Unreadable(_("The file has headings and no line below them."))
        return sheet


def _keep(row: Import, number: int, batch: list[Line]) -> bool:
    try:
        with transaction.atomic():
            # Whoever drops it waits for this batch, and forgets it with the others.
            waits = Import.objects.select_for_update(no_key=True).filter(pk=row.pk)
            if not waits.filter(status=Import.Status.UPLOADED).exists():
                return False
            ImportBatch.objects.create(
                of=row,
                number=number,
                lines=len(batch),
                first=batch[0][0],
                last=batch[-1][0],
                data=json.dumps(batch, ensure_ascii=False).encode(),
            )
    except IntegrityError:
        return False
    return True


def _within_caps(line: Line) -> Line:
    number, cells, problem = line
    if not problem and any(len(cell) > files.LONGEST_CELL for cell in cells):
        problem = _("has a cell of more than %(n)s characters") % {"n": files.LONGEST_CELL}
    return number, ([] if problem else cells), problem


def lines(batch: ImportBatch) -> Iterator[Line]:
    """The lines of a batch, as they were cut."""
    yield from json.loads(bytes(batch.data))


def blank(row: Import) -> None:
    """The cells go; how the file was cut stays, so that the import can still be undone."""
    ImportBatch.objects.filter(of=row).update(data=b"[]")


def forget(row: Import) -> None:
    ImportBatch.objects.filter(of=row).delete()
