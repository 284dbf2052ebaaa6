"""Files that leave the house for a spreadsheet, CSV and XLSX: no cell of them is ever a formula.

The one room that writes either; what a list holds is said by whoever has the list.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

# Without it spreadsheets take UTF-8 for Windows-1252.
BOM = "\ufeff"
# A spreadsheet takes a cell that begins so for a formula (or, after a tab, may).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# A number with its sign it only reads; a telephone number stays one that can be brought again.
NUMBER = re.compile(r"[+-]?[0-9][0-9 .,/()-]*", re.ASCII)
AT_ONCE = 200
_BLANKS = " \u00a0"
# What XML cannot hold; a cell of a stranger may.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def harmless(cell: str) -> str:
    """The cell as no spreadsheet runs it, also behind blanks."""
    dangerous = cell.lstrip(_BLANKS).startswith(FORMULA) and not NUMBER.fullmatch(cell)
    return f"'{cell}" if dangerous else cell


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return harmless(value) if isinstance(value, str) else str(value)


def csv_lines(rows: Iterable[Sequence[object]], *, delimiter: str = ",") -> str:
    """These rows as text, each closed by CR LF. Texts, numbers, instants; None is empty."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([_plain(value) for value in row] for row in rows)
    return text.getvalue()


def csv_file(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A whole file for a spreadsheet, some lines at a time."""
    yield BOM + csv_lines([heads])
    rest = iter(rows)
    while some := list(islice(rest, AT_ONCE)):
        yield csv_lines(some)


def xlsx_file(
    title: str, heads: Sequence[str], rows: Iterable[Sequence[object]], *, widths: Sequence[int]
) -> IO[bytes]:
    """A file, read from its beginning; whoever reads it closes it. Rows are not kept in memory."""
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, (name, width) in enumerate(zip(heads, widths, strict=True)):
        sheet.column_dimensions[chr(ord("A") + number)].width = max(width, len(name) + 2)
    sheet.append([_cell(sheet, name, bold=True) for name in heads])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    file = tempfile.TemporaryFile(prefix="kept-export-")  # noqa: SIM115 (the answer closes it)
    book.save(file)
    file.seek(0)
    return file


def _cell(sheet: Any, value: object, *, bold: bool = False) -> WriteOnlyCell:
    if isinstance(value, str):
        cell = WriteOnlyCell(sheet, value=_UNWRITABLE.sub("", harmless(value)))
        cell.data_type = "s"  # never a formula, whatever it begins with
    else:
        cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, datetime):
        cell.number_format = "yyyy-mm-dd hh:mm"
    if bold:
        cell.font = Font(bold=True)
    return cell
