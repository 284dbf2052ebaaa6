"""The file of bad lines: as they came, with their line number and why. To be mended and brought
again. Reads only.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from crm import exports
from crm.importing import cutting, kinds
from crm.importing.judging import BAD
from crm.models import Import, ImportLine


def write(row: Import) -> Iterator[str]:
    """CSV with a semicolon, as the spreadsheets of this country read it; a batch in memory."""
    yield exports.BOM
    labels = {one.name: str(one.label) for one in kinds.of(row).fields}
    yield _line([*row.headings, _("line"), _("column"), _("reason")])
    for batch in row.cut.all().iterator(chunk_size=1):
        bad = ImportLine.objects.filter(of=row, line__range=(batch.first, batch.last), verdict=BAD)
        why = {one.line: (labels.get(one.column, one.column), one.reason) for one in bad}
        if not why:
            continue
        for number, cells, _problem in cutting.lines(batch):
            if number in why:
                padded = [*cells, *[""] * (len(row.headings) - len(cells))]
                yield _line([*padded[: len(row.headings)], str(number), *why[number]])


def _line(cells: list[str]) -> str:
    return exports.csv_lines([cells], delimiter=";")
