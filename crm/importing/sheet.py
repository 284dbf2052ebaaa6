"""The spreadsheet's reader, alone in a process of its own: `python -m crm.importing.sheet IN OUT`.

What it opens was made by a stranger, so it starts with limits on memory, time and output, and knows
neither the database nor a secret. Writes JSON lines: first the sheet's name, then [row, [cell…]].
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import date, datetime, time, timedelta
from typing import TextIO

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

MEMORY = 1536 * 1024 * 1024  # address space, bytes
SECONDS = 100  # of the processor
OUTPUT = 768 * 1024 * 1024
MOST_CELLS = 40_000_000
EMPTY, TOO_LARGE = 3, 4  # exit codes


def main() -> int:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, OUTPUT),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    book = CalamineWorkbook.from_path(sys.argv[1])
    for name in _visible(book):
        sheet = book.get_sheet_by_name(name)
        if not sheet.height or not sheet.width:
            continue
        if sheet.total_height * sheet.total_width > MOST_CELLS:
            return TOO_LARGE
        with open(sys.argv[2], "w", encoding="utf-8") as out:
            _write(sheet, out)
        return 0
    return EMPTY


def _visible(book: CalamineWorkbook) -> list[str]:
    return [
        row.name
        for row in book.sheets_metadata
        if row.visible == SheetVisibleEnum.Visible and row.typ == SheetTypeEnum.WorkSheet
    ]


def _write(sheet: CalamineSheet, out: TextIO) -> None:
    out.write(json.dumps(sheet.name) + "\n")
    top = (sheet.start or (0, 0))[0]
    for number, row in enumerate(sheet.iter_rows(), start=top + 1):
        out.write(json.dumps([number, [text(cell) for cell in row]]) + "\n")


def text(cell: object) -> str:
    """A cell as a person reads it: whole numbers without .0, days as 2026-11-20."""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        plain = cell.time() == time(0)
        return cell.date().isoformat() if plain else cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date | time | timedelta):
        return cell.isoformat() if not isinstance(cell, timedelta) else str(cell)
    return str(cell).strip()


if __name__ == "__main__":
    sys.exit(main())
