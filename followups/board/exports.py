"""The lists of the board as files: what is filtered, all of it, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO, Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from crm import audit, instants
from crm.actors import Actor
from followups.board.lists import Row
from followups.board.wanted import Wanted
from offers.manifests import harmless

AT_ONCE = 200
BOM = "\ufeff"
WIDE, NARROW = 24, 14


def heads() -> list[str]:
    return [
        _("Promise"),
        _("Kind"),
        _("State"),
        _("Cause"),
        _("Lateness of"),
        _("Customer"),
        _("Owner"),
        _("Team"),
        _("Campaign"),
        _("Way"),
        _("Made"),
        _("Due"),
        _("Hours late"),
        _("Kept"),
        _("Proven"),
    ]


def cells(row: Row) -> list[object]:
    """Texts, instants on the clock of the house, whole numbers. No name of a customer."""
    promise = row.promise
    return [
        promise.reference,
        str(promise.get_kind_display()),
        row.row.word,
        row.cause_word if row.late else "",
        row.blamed,
        promise.customer.reference,
        str(promise.owner),
        str(promise.team),
        row.campaign,
        row.way,
        _local(promise.made_at),
        _local(promise.due_at),
        row.hours_late if row.late else None,
        _local(promise.kept_at),
        _local(promise.settled_at),
    ]


def _local(at: datetime | None) -> datetime | None:
    """Whole seconds, without a zone: spreadsheets know none."""
    return instants.house(at).replace(tzinfo=None, microsecond=0) if at else None


def as_csv(rows: Iterable[Row]) -> Iterator[str]:
    """Some lines at a time; the mark at the beginning tells a spreadsheet that it is UTF-8."""
    yield BOM + _lines([heads()])
    some: list[list[str]] = []
    for row in rows:
        some.append([_plain(value) for value in cells(row)])
        if len(some) == AT_ONCE:
            yield _lines(some)
            some = []
    yield _lines(some)


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return harmless(value) if isinstance(value, str) else str(value)


def _lines(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def as_xlsx(rows: Iterable[Row]) -> IO[bytes]:
    """A file, read from its beginning; whoever reads it closes it. Rows are not kept in memory."""
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(_("Promises"))
    sheet.freeze_panes = "A2"
    for number, name in enumerate(heads()):
        width = WIDE if number in (3, 6, 8, 10, 11, 13, 14) else NARROW
        sheet.column_dimensions[chr(ord("A") + number)].width = max(width, len(name) + 2)
    sheet.append([_cell(sheet, name, bold=True) for name in heads()])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in cells(row)])
    file = tempfile.TemporaryFile(prefix="kept-board-")  # noqa: SIM115 (the answer closes it)
    book.save(file)
    file.seek(0)
    return file


def _cell(sheet: Any, value: object, *, bold: bool = False) -> WriteOnlyCell:
    text = isinstance(value, str)
    cell = WriteOnlyCell(sheet, value=harmless(value) if isinstance(value, str) else value)
    if text:
        cell.data_type = "s"  # never a formula, whatever it begins with
    if isinstance(value, datetime):
        cell.number_format = "yyyy-mm-dd hh:mm"
    if bold:
        cell.font = Font(bold=True)
    return cell


def note(*, form: str, shown: str, wanted: Wanted, by: Actor, at: datetime) -> None:
    """Who took which list out of the house."""
    subject = f"team:{wanted.team.pk}" if wanted.team else "board"
    data = {"form": form, "rows": shown, "filters": wanted.query, "teams": list(wanted.teams)}
    audit.write(action="board_exported", subject=subject, by=by, at=at, data=data)
