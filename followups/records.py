"""The records of a delimited list as they came, one by one, or a block of them at once.

Nothing is decoded: one byte is one character, and back. Most lists are plain: no quotation marks,
the same number of cells in each line. A block of such lines is never looked at line by line.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from typing import BinaryIO

from django.utils.translation import gettext as _

from crm.tables import Unreadable

PLAIN = "latin-1"  # one byte, one character, and back
BLOCK = 1 << 20  # bytes read at once
LONGEST_LINE = 1 << 20
MOST_LINES = 20  # of one record, when a cell has line breaks in it
AT_ONCE = 20_000  # records of a block that had to be read one by one

# One row: its line, its text as it came, its line end, the number as written, and why it cannot be
# read. A row that cannot be read has no number; an empty line has neither number nor problem.
Record = tuple[int, str, str, str | None, str]


@dataclass(frozen=True)
class Form:
    """How a list is written. `place`: the column that is wanted; `width` 0: any number of cells."""

    delimiter: str
    place: int = 0
    width: int = 0


@dataclass(frozen=True)
class Block:
    """Some records in order, column by column: texts, line ends, cells. `problems` are line and
    reason of those that cannot be read, by their place in the block; `empty` the places of lines
    without anything."""

    texts: list[str]
    ends: list[str]
    form: Form
    odd: list[str | None] | None = None  # the cells, where they had to be found one by one
    problems: dict[int, tuple[int, str]] = field(default_factory=dict)
    empty: frozenset[int] = frozenset()

    @cached_property
    def rows(self) -> Sequence[int]:
        """The places of the records that are not empty."""
        places = range(len(self.texts))
        return [place for place in places if place not in self.empty] if self.empty else places

    @cached_property
    def cells(self) -> list[str | None]:
        """The wanted cell of each record; None where there is none."""
        if self.odd is not None:
            return self.odd
        delimiter, place = self.form.delimiter, self.form.place
        return [text.split(delimiter, place + 1)[place] for text in self.texts]


def text(cell: str) -> str:
    """What stands in a cell that was read byte by byte."""
    if cell.isascii():
        return cell
    raw = cell.encode(PLAIN)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def lines(file: BinaryIO) -> Iterator[str]:
    """The lines without their LF; never more than a block and a line in memory."""
    return chain.from_iterable(_chunks(file))


def _chunks(file: BinaryIO) -> Iterator[list[str]]:
    rest, number = "", 0
    while block := file.read(BLOCK):
        found = (rest + block.decode(PLAIN)).split("\n")
        rest = found.pop()
        number += len(found)
        yield found
        if len(rest) > LONGEST_LINE:
            raise Unreadable(
                _("Line %(line)d is longer than a megabyte: this is no list.")
                % {"line": number + 1}
            )
    if rest:
        yield [rest]


def blocks(file: BinaryIO, form: Form, *, skip: int = 0) -> Iterator[Block]:
    """The records of a file after the first `skip`, as `each` finds them."""
    reading, line = _chunks(file), 0
    for found in reading:
        read = _block(found, reading, form, line)
        for block in read:
            yield _without(block, skip) if skip else block
            skip = max(0, skip - len(block.texts))
        line += len(found)


def _block(
    found: list[str], reading: Iterator[list[str]], form: Form, line: int
) -> Iterator[Block]:
    """The records of these lines; of all that follow, too, when one may reach beyond them."""
    plain = _plain(found, form)
    if plain:
        yield plain
        return
    more: Iterator[str] = iter(found)
    if any(_unfinished(raw, form) for raw in found[-MOST_LINES - 1 :]):
        more = chain(more, chain.from_iterable(reading))
    read = each(more, form, before=line)
    while several := list(islice(read, AT_ONCE)):
        yield _of(several, form)


def _plain(found: list[str], form: Form) -> Block | None:
    """A block of lines that all have the right number of cells and nothing else to look at."""
    whole, end = "\n".join(found), "\n"
    if '"' in whole or not form.width:
        return None
    if "\r" in whole:
        if whole.count("\r") != len(found) or not all(raw.endswith("\r") for raw in found):
            return None
        found, end = [raw[:-1] for raw in found], "\r\n"
    delimiter, enough = form.delimiter, form.width - 1
    if "" in found or {raw.count(delimiter) for raw in found} != {enough}:
        return None
    return Block(found, [end] * len(found), form)


def _unfinished(raw: str, form: Form) -> bool:
    """Whether a record that begins with this line may end in a later one."""
    if '"' not in raw:
        return False
    try:
        next(csv.reader([raw], delimiter=form.delimiter, strict=True), None)
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _of(read: list[Record], form: Form) -> Block:
    return Block(
        texts=[raw for _line, raw, _end, _cell, _problem in read],
        ends=[end for _line, _raw, end, _cell, _problem in read],
        form=form,
        odd=[cell for _line, _raw, _end, cell, _problem in read],
        problems={place: (row[0], row[4]) for place, row in enumerate(read) if row[4]},
        empty=frozenset(n for n, row in enumerate(read) if row[3] is None and not row[4]),
    )


def _without(block: Block, skip: int) -> Block:
    """What is left of a block without its first records."""
    return Block(
        texts=block.texts[skip:],
        ends=block.ends[skip:],
        form=block.form,
        odd=block.odd and block.odd[skip:],
        problems={n - skip: why for n, why in block.problems.items() if n >= skip},
        empty=frozenset(n - skip for n in block.empty if n >= skip),
    )


def each(more: Iterator[str], form: Form, *, before: int = 0) -> Iterator[Record]:
    """The records of some lines, which follow so many others.

    A quotation mark that is never closed costs its own line, and not the rest of the list.
    """
    delimiter, place, line, enough = form.delimiter, form.place, before, form.width - 1
    waiting: deque[str] = deque()
    while (raw := waiting.popleft() if waiting else next(more, None)) is not None:
        line += 1
        end = "\n"
        if raw[-1:] == "\r":
            raw, end = raw[:-1], "\r\n"
        if '"' in raw:
            taken, cells = _quoted(raw + end[:-1], waiting, more, delimiter)
            whole = "\n".join(taken)
            end = "\r\n" if whole[-1:] == "\r" else "\n"
            yield _judged(line, whole.removesuffix("\r"), end, cells, form)
            line += len(taken) - 1
        elif raw.count(delimiter) == enough and raw:
            yield line, raw, end, raw.split(delimiter, place + 1)[place], ""
        elif not raw.strip():
            yield line, raw, end, None, ""
        else:
            yield _judged(line, raw, end, raw.split(delimiter), form)


def _judged(line: int, raw: str, end: str, cells: list[str] | None, form: Form) -> Record:
    if cells is None:
        return line, raw, end, None, _("has quotation marks that do not match")
    if form.width and len(cells) != form.width:
        said = _("has %(found)d cells; the first line has %(wanted)d")
        return line, raw, end, None, said % {"found": len(cells), "wanted": form.width}
    return line, raw, end, cells[form.place], ""


def _quoted(
    raw: str, waiting: deque[str], more: Iterator[str], delimiter: str
) -> tuple[list[str], list[str] | None]:
    """The lines of a record with quotation marks, and its cells; None when they do not match."""
    taken, size = [raw], len(raw)
    while True:
        try:
            return taken, next(csv.reader(taken, delimiter=delimiter, strict=True), [])
        except csv.Error as error:
            if "unexpected end of data" not in str(error):
                break
        following = waiting.popleft() if waiting else next(more, None)
        if following is not None:
            taken.append(following)
            size += len(following)
        if following is None or len(taken) > MOST_LINES or size > LONGEST_LINE:
            break
    waiting.extendleft(reversed(taken[1:]))
    return taken[:1], None
