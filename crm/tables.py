"""Delimited files as other systems write them: encoding, delimiter and damage are found out."""

from __future__ import annotations

import csv
import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.utils.translation import gettext as _

MOST_BYTES = 512 * 1024 * 1024
MOST_COLUMNS = 100
LONGEST_LINE = 20_000  # bytes
MOST_LINES = 20  # of one record, when a cell has line breaks in it
DELIMITERS = (",", ";", "\t")
SPREADSHEETS = {".xlsx", ".xlsm", ".xls", ".ods", ".numbers"}
BOM = b"\xef\xbb\xbf"
UNREADABLE = "\N{REPLACEMENT CHARACTER}"


class Unreadable(ValueError):
    """A file that cannot be imported at all; the message says why, in words."""


@dataclass(frozen=True)
class Row:
    """One record, with the number of the line on which it begins. `problem`: it cannot be read."""

    line: int
    cells: dict[str, str]
    problem: str = ""


@dataclass(frozen=True)
class _Line:
    number: int
    text: str
    problem: str = ""


@dataclass(frozen=True)
class Table:
    """A file that was found readable; only its first line is in memory. Names of columns are
    lower case."""

    path: Path
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    sha256: str

    def rows(self) -> Iterator[Row]:
        """Every record after the header; empty lines are passed over."""
        with self.path.open("rb") as file:
            records = _records(_lines(file, self.encoding), self.delimiter)
            next(records)
            for line, cells, problem in records:
                if cells or problem:
                    yield self._row(line, cells, problem)

    def _row(self, line: int, cells: list[str], problem: str) -> Row:
        if not problem and len(cells) != len(self.columns):
            problem = _("has %(found)s cells; the header has %(wanted)s") % {
                "found": len(cells),
                "wanted": len(self.columns),
            }
        if problem:
            return Row(line, {}, problem)
        return Row(line, dict(zip(self.columns, (cell.strip() for cell in cells), strict=True)))


def read(path: Path) -> Table:
    """Looks the file over without parsing it. Raises Unreadable."""
    if not path.is_file():
        raise Unreadable(_("There is no such file."))
    if path.stat().st_size > MOST_BYTES:
        raise Unreadable(_("The file is larger than 512 MB."))
    if path.suffix.lower() in SPREADSHEETS:
        raise Unreadable(_("Spreadsheets cannot be imported: save it as CSV first."))
    if path.suffix.lower() not in {".csv", ".txt", ".tsv"}:
        raise Unreadable(_("The name of the file must end in .csv, .tsv or .txt."))
    encoding, digest = _looked_over(path)
    with path.open("rb") as file:
        first = next(_lines(file, encoding), None)
    if first is None or not first.text.strip():
        raise Unreadable(_("The file is empty, or its first line is."))
    if first.problem:
        raise Unreadable(_("The first line cannot be read: %(why)s.") % {"why": first.problem})
    delimiter = max(DELIMITERS, key=first.text.count)
    return Table(path, encoding, delimiter, _columns(path, encoding, delimiter), digest)


def _columns(path: Path, encoding: str, delimiter: str) -> tuple[str, ...]:
    with path.open("rb") as file:
        _line, cells, problem = next(_records(_lines(file, encoding), delimiter))
    names = tuple(cell.strip().casefold() for cell in cells)
    if problem:
        raise Unreadable(_("The first line cannot be read: %(why)s.") % {"why": problem})
    if len(names) > MOST_COLUMNS:
        raise Unreadable(_("The file has more than %(n)s columns.") % {"n": MOST_COLUMNS})
    doubled = {name for name in names if name and names.count(name) > 1}
    if doubled:
        raise Unreadable(
            _("Two columns have the same name: %(names)s.") % {"names": ", ".join(sorted(doubled))}
        )
    return names


def _looked_over(path: Path) -> tuple[str, str]:
    """Encoding and SHA-256 in one reading. One damaged line does not change how others are read."""
    digest, right, wrong = hashlib.sha256(), 0, 0
    with path.open("rb") as file:
        start = file.read(4096)
        if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise Unreadable(_("The file is UTF-16: save it as UTF-8."))
        if start[:4] == b"PK\x03\x04" or b"\0" in start.partition(b"\n")[0]:
            raise Unreadable(_("This is not a text file."))
        file.seek(0)
        while line := file.readline(LONGEST_LINE):
            digest.update(line)
            if not line.isascii():
                good = _is_utf8(line)
                right, wrong = right + good, wrong + (not good)
    utf8 = start.startswith(BOM) or right >= wrong
    return ("utf-8-sig" if utf8 else "cp1252"), digest.hexdigest()


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _lines(file: BinaryIO, encoding: str) -> Iterator[_Line]:
    """The lines, decoded one by one; what is too long is never held in memory as a whole."""
    number, readline = 0, file.readline
    codec = encoding.removesuffix("-sig")
    while raw := readline(LONGEST_LINE):
        number += 1
        if number == 1:
            raw = raw.removeprefix(BOM)
        cut = False
        while len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
            cut, raw = True, readline(LONGEST_LINE) or b"\n"
            if len(raw) < LONGEST_LINE:
                break
        text = raw.decode(codec, "replace")
        problem = ""
        if cut:
            problem = _("is longer than %(n)s characters") % {"n": LONGEST_LINE}
        elif UNREADABLE in text or "\0" in text:
            problem = _("has a character that cannot be read")
        yield _Line(number, text, problem)


def _records(lines: Iterator[_Line], delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """Each record: its first line, its cells, its problem. A quotation mark that is never closed
    costs its own line, and not the rest of the file."""
    waiting: deque[_Line] = deque()
    while first := (waiting.popleft() if waiting else next(lines, None)):
        taken, problem, cells = [first], first.problem, None
        while not problem and cells is None:
            cells, problem, unfinished = _parsed(taken, delimiter)
            if not unfinished:
                continue
            more = waiting.popleft() if waiting else next(lines, None)
            if more is None or more.problem or len(taken) == MOST_LINES:
                problem = _("opens a quotation mark and does not close it")
                waiting.extendleft(reversed([*taken[1:], *([more] if more else [])]))
            else:
                taken.append(more)
        yield first.number, cells or [], problem


def _parsed(taken: list[_Line], delimiter: str) -> tuple[list[str] | None, str, bool]:
    try:
        reader = csv.reader([line.text for line in taken], delimiter=delimiter, strict=True)
        return next(reader, []), "", False
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return None, "", True
        return None, _("has quotation marks that do not match"), False
