"""The file of bad lines: as they came, with their line number and why. To be mended and brought
again. Reads only.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from django.utils.translation import gettext as _

from crm.importing import cutting, kinds
from crm.importing.judging import BAD
from crm.models import Import, ImportLine

# A spreadsheet runs what begins so; a number with its sign it only reads.
FORMULA = re.compile(r"[=+\-@\t\r]")
HARMLESS = re.compile(r"[+-]?[0-9][0-9 .,/()-]*", re.ASCII)


def safe(cell: str) -> str:
    """The cell as no spreadsheet takes it for a formula."""
    dangerous = FORMULA.match(cell) and not HARMLESS.fullmatch(cell)
    return f"'{cell}" if dangerous else cell


def write(row: Import) -> Iterator[str]:
    """CSV with a semicolon, as the spreadsheets of this country read it; a batch in memory."""
    yield "\ufeff"  # else they take it for Windows-1252
    labels = {one.name: str(one.label) for one in kinds.of(row).fields}
    yield _csv([*row.headings, _("line"), _("column"), _("reason")])
    for batch in row.cut.all().iterator(chunk_size=1):
        bad = ImportLine.objects.filter(of=row, line__range=(batch.first, batch.last), verdict=BAD)
        why = {one.line: (labels.get(one.column, one.column), one.reason) for one in bad}
        if not why:
            continue
        for number, cells, _problem in cutting.lines(batch):
            if number in why:
                padded = [*cells, *[""] * (len(row.headings) - len(cells))]
                yield _csv([*padded[: len(row.headings)], str(number), *why[number]])


def _csv(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerow([safe(cell) for cell in cells])
    return out.getvalue()
