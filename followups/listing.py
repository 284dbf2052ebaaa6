"""Lists of numbers as dialers export them: delimiter, heading and column are found out.

Nothing is decoded. Bytes are read one to one, and written back as they came, whatever the encoding;
only the cell with the number is looked at as text. So a list with damaged letters is still a list.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from crm import phone
from crm.customers import fold
from crm.tables import BOM, SPREADSHEETS, Unreadable
from followups import records
from followups.records import Block, Form, Record, text

DELIMITERS = (",", ";", "\t", "|")
START = 1 << 20  # bytes by which other kinds of files are told
SAMPLE = 200  # rows by which the column is found out
QUOTED = re.compile(r'"(?:[^"]|"")*"')
# How a column of numbers is called, without blanks, dashes and case.
NAMES = {
    *("phone", "phonenumber", "telephone", "telephonenumber", "tel", "telno", "mobile", "msisdn"),
    *("number", "cell", "gsm", "callerid", "e164", "telefon", "telefonnummer", "rufnummer"),
    *("handy", "telefoon", "telefoonnummer", "nummer", "numero", "numerodetelephone"),
}


@dataclass(frozen=True)
class Listing:
    """A list that was found readable. `place` is the column of the number, counted from 0."""

    path: Path
    delimiter: str
    place: int
    width: int
    heading: bool

    @property
    def form(self) -> Form:
        return Form(self.delimiter, self.place, self.width)

    def heading_line(self) -> Record | None:
        """The first record, when it names the columns."""
        return next(self._records(), None) if self.heading else None

    def rows(self) -> Iterator[Record]:
        """Every record after the heading, in order; empty lines too."""
        return islice(self._records(), int(self.heading), None)

    def blocks(self) -> Iterator[Block]:
        """The same records, many at once and several times as fast."""
        with self.path.open("rb") as file:
            _skip_mark(file)
            yield from records.blocks(file, self.form, skip=int(self.heading))

    def _records(self) -> Iterator[Record]:
        with self.path.open("rb") as file:
            _skip_mark(file)
            yield from records.each(records.lines(file), self.form)


def look_at(
    path: Path, *, column: str = "", delimiter: str = "", heading: bool | None = None
) -> Listing:
    """Finds out how to read a list. Raises Unreadable, and says why in words.

    `column` is a name in the heading, or a place counted from 1; `heading` None: found out.
    """
    _refuse_other_kinds(path)
    with path.open("rb") as file:
        _skip_mark(file)
        first = next((line for line in records.lines(file) if line.strip()), None)
    if first is None:
        raise Unreadable(_("The list is empty."))
    delimiter = delimiter or _delimiter(first)
    sample = _sample(path, delimiter)
    if not sample:
        raise Unreadable(_("The first line cannot be read: its quotation marks do not match."))
    place = _place(sample, column)
    if heading is None:
        named = bool(column) and not column.isdigit()
        heading = named or _is_heading(sample[0], place)
    return Listing(path, delimiter, place, len(sample[0]), heading)


def _refuse_other_kinds(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(START)
    if path.suffix.lower() in SPREADSHEETS or start[:4] == b"PK\x03\x04":
        raise Unreadable(_("This is a spreadsheet or an archive: save the list as CSV."))
    if start[:2] == b"\x1f\x8b":
        raise Unreadable(_("The list is compressed: unpack it first."))
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise Unreadable(_("The list is UTF-16: save it as UTF-8."))
    if b"\0" in start[:4096]:
        raise Unreadable(_("This is not a text file."))
    if b"\r" in start and b"\n" not in start:
        raise Unreadable(
            _("The lines end in an old way (CR alone): save the list with LF or CRLF.")
        )


def _skip_mark(file: BinaryIO) -> None:
    if file.read(len(BOM)) != BOM:
        file.seek(0)


def _delimiter(first: str) -> str:
    """The most frequent one outside of quotation marks; a list of one column has none."""
    bare = QUOTED.sub("", first)
    return max(DELIMITERS, key=bare.count)


def _sample(path: Path, delimiter: str) -> list[list[str]]:
    """The cells of the first rows that can be read; none when the first one cannot."""
    with path.open("rb") as file:
        _skip_mark(file)
        found: list[list[str]] = []
        read = records.each(records.lines(file), Form(delimiter))
        for _line, whole, _end, cell, problem in islice(read, SAMPLE):
            if problem and not found:
                return []
            if cell is not None:
                found.append(_cells(whole, delimiter))
    return found


def _cells(text: str, delimiter: str) -> list[str]:
    return next(csv.reader(text.split("\n"), delimiter=delimiter), [])


def _place(sample: list[list[str]], column: str) -> int:
    first = sample[0]
    if column.isdigit():
        if not 1 <= int(column) <= len(first):
            raise Unreadable(
                _("There is no column %(column)s: the first line has %(found)d.")
                % {"column": column, "found": len(first)}
            )
        return int(column) - 1
    names = [_plain(cell) for cell in first]
    if column:
        return _named(_plain(column), names, column, first)
    if len(first) == 1:
        return 0
    known = [place for place, name in enumerate(names) if name in NAMES]
    return known[0] if len(known) == 1 else _by_content(sample, known, first)


def _named(wanted: str, names: list[str], column: str, first: list[str]) -> int:
    if names.count(wanted) == 1:
        return names.index(wanted)
    shown = ", ".join(text(cell) for cell in first[:20])
    if wanted in names:
        raise Unreadable(_("Several columns are called %(column)s.") % {"column": column})
    raise Unreadable(
        _("There is no column %(column)s. The first line has: %(names)s.")
        % {"column": column, "names": shown}
    )


def _by_content(sample: list[list[str]], known: list[int], first: list[str]) -> int:
    """The one column that mostly holds telephone numbers."""
    hits: Counter[int] = Counter()
    for cells in sample[1:] or sample:
        hits.update(p for p, cell in enumerate(cells) if dialable(cell))
    half = max(1, len(sample[1:] or sample) / 2)
    found = [
        place for place, count in hits.items() if count >= half and (not known or place in known)
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Unreadable(_("No column holds telephone numbers: say which one it is (column=)."))
    raise Unreadable(
        _("Several columns hold telephone numbers (%(names)s): say which one (column=).")
        % {"names": ", ".join(text(first[p]) or str(p + 1) for p in found)}
    )


def _is_heading(cells: list[str], place: int) -> bool:
    """A first row whose cell has no digits to speak of names the columns."""
    return sum(character.isdigit() for character in cells[place]) < 4


def _plain(cell: str) -> str:
    return re.sub(r"[\W_]", "", fold(text(cell)))


def dialable(cell: str) -> bool:
    """Whether a cell holds a telephone number."""
    try:
        phone.normalise(text(cell), settings.DEFAULT_COUNTRY)
    except phone.NotANumber:
        return False
    return True
