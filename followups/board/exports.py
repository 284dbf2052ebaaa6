"""The lists of the board as files: what is filtered, all of it, harmless in a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import IO

from django.utils.translation import gettext as _

from crm import audit, exports, instants
from crm.actors import Actor
from followups.board.lists import Row
from followups.board.wanted import Wanted

WIDE, NARROW = 24, 14
BROAD = {3, 6, 8, 10, 11, 13, 14}  # columns of words and of instants


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
    """Some lines at a time."""
    return exports.csv_file(heads(), map(cells, rows))


def as_xlsx(rows: Iterable[Row]) -> IO[bytes]:
    """A file, read from its beginning; whoever reads it closes it."""
    names = heads()
    widths = [WIDE if number in BROAD else NARROW for number in range(len(names))]
    return exports.xlsx_file(_("Promises"), names, map(cells, rows), widths=widths)


def note(*, form: str, shown: str, wanted: Wanted, by: Actor, at: datetime) -> None:
    """Who took which list out of the house."""
    subject = f"team:{wanted.team.pk}" if wanted.team else "board"
    data = {"form": form, "rows": shown, "filters": wanted.query, "teams": list(wanted.teams)}
    audit.write(action="board_exported", subject=subject, by=by, at=at, data=data)
