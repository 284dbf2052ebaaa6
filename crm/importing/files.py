"""The uploaded file: its caps, its bytes in the database, its rows.

The only writer of ImportPiece.
"""

from __future__ import annotations

import codecs
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from crm import tables
from crm.importing import spreadsheets
from crm.models import Import, ImportPiece
from crm.tables import Unreadable

MOST_BYTES = 256 * 1024 * 1024
MOST_COLUMNS = 100
MOST_ROWS = 2_000_000
LONGEST_CELL = 4_000
PIECE = 4 * 1024 * 1024
SHEETS = (".xlsx", ".xlsm")
TEXTS = (".csv", ".tsv", ".txt")
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Line = tuple[int, list[str], str]  # number, cells, why it cannot be read


@dataclass(frozen=True)
class Sheet:
    """A file that was found readable: its headings, how it is written, and its lines once."""

    headings: list[str]
    about: dict[str, str]
    lines: Iterator[Line]


def check(path: Path, name: str) -> None:
    """What can be said before anything is parsed. Raises Unreadable, in words."""
    suffix = Path(name).suffix.lower()
    if path.stat().st_size == 0:
        raise Unreadable(_("The file is empty."))
    if path.stat().st_size > MOST_BYTES:
        raise Unreadable(_("The file is larger than 256 MB: cut it in two."))
    if suffix in SHEETS:
        spreadsheets.look_over(path)
    elif suffix in (".xls", ".ods", ".numbers"):
        raise Unreadable(_("This kind of spreadsheet is not read: save it as .xlsx or CSV."))
    elif suffix not in TEXTS:
        raise Unreadable(_("The name of the file must end in .csv, .tsv, .txt or .xlsx."))
    else:
        with opened(path, name):
            pass


@contextmanager
def opened(path: Path, name: str) -> Iterator[Sheet]:
    """The rows of a file of either kind. Raises Unreadable."""
    if Path(name).suffix.lower() in SHEETS:
        with spreadsheets.rows(path) as (sheet, rows):
            yield _spreadsheet(sheet, rows)
    else:
        with _as_utf8(path) as (plain, utf16):
            table = tables.read(plain)
            about = {
                "encoding": "utf-16" if utf16 else table.encoding.removesuffix("-sig"),
                "delimiter": table.delimiter,
            }
            yield Sheet(list(table.columns), about, _of_table(table))


def _of_table(table: tables.Table) -> Iterator[Line]:
    for row in table.rows():
        cells = [row.cells.get(name, "") for name in table.columns]
        yield row.line, cells, row.problem


def _spreadsheet(name: str, rows: Iterator[tuple[int, list[str]]]) -> Sheet:
    """Its first row that is not empty names the columns."""
    first = next((cells for _number, cells in rows if any(cells)), [])
    headings = [cell.strip().casefold() for cell in first]
    if not any(headings):
        raise Unreadable(_("The first row names no column."))
    if len(headings) > MOST_COLUMNS:
        raise Unreadable(_("The file has more than %(n)s columns.") % {"n": MOST_COLUMNS})
    doubled = {one for one in headings if one and headings.count(one) > 1}
    if doubled:
        words = _("Two columns have the same name: %(names)s.")
        raise Unreadable(words % {"names": ", ".join(sorted(doubled))})
    lines = ((number, cells, "") for number, cells in rows if any(cells))
    return Sheet(headings, {"sheet": name[:100]}, lines)


@contextmanager
def _as_utf8(path: Path) -> Iterator[tuple[Path, bool]]:
    """The file itself, or a copy of one that some programs write as UTF-16."""
    with path.open("rb") as file:
        if file.read(2) not in UTF_16:
            # Named .csv, because the reader of tables asks for a name that it knows.
            with tempfile.TemporaryDirectory(prefix="kept-import-") as folder:
                plain = Path(folder) / "file.csv"
                plain.symlink_to(path.resolve())
                yield plain, False
            return
    with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", newline="") as copy:
        try:
            with path.open(encoding="utf-16", newline="") as text:
                while piece := text.read(PIECE):
                    copy.write(piece)
        except UnicodeError as error:
            raise Unreadable(_("The file begins like UTF-16 and is not.")) from error
        copy.flush()
        yield Path(copy.name), True


def keep(row: Import, chunks: Iterable[bytes]) -> None:
    """Stores the bytes, piece by piece."""
    waiting, number = bytearray(), 0
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= PIECE:
            ImportPiece.objects.create(of=row, number=number, data=bytes(waiting[:PIECE]))
            del waiting[:PIECE]
            number += 1
    if waiting:
        ImportPiece.objects.create(of=row, number=number, data=bytes(waiting))


@contextmanager
def brought_back(row: Import) -> Iterator[Path]:
    """The uploaded file on disk for as long as it is looked at."""
    with tempfile.NamedTemporaryFile(prefix="kept-import-") as file:
        for number in row.pieces.values_list("number", flat=True):
            file.write(bytes(row.pieces.get(number=number).data))
        file.flush()
        yield Path(file.name)


def forget(row: Import) -> None:
    ImportPiece.objects.filter(of=row).delete()
