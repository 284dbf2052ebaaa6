"""Reads what the mail room sent back, line by line, and says what can be believed. Reads only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import tables
from offers.models import PrintLine, PrintRun

Status = PrintLine.Status
SAID = (Status.MAILED, Status.SPOILED, Status.MISSING)
NEEDED = ("delivery", "status")
CODE = re.compile(r"D?0*([0-9]{1,18})", re.ASCII | re.IGNORECASE)
# As a mail room writes it; an instant with its offset from UTC is read before these.
FORMS = ("%d/%m/%Y %H:%M", "%d/%m/%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%d-%m-%Y %H:%M", "%d-%m-%Y")
AT_ONCE = 2_000
MOST_PROBLEMS = 1_000  # kept and shown; all are counted
# What became of a line of the file: those of SAID were new, and the rest changes nothing.
OUTCOMES = {
    "mailed": gettext_lazy("mailed"),
    "spoiled": gettext_lazy("spoiled"),
    "missing": gettext_lazy("missing"),
    "known": gettext_lazy("the same as was known"),
    "unsaid": gettext_lazy("says nothing about its sheet yet"),
    "twice": gettext_lazy("stands in the file a second time, saying the same"),
    "disputed": gettext_lazy("stands in the file several times, saying different things"),
    "contradicts": gettext_lazy("something else was said about it before"),
    "other_run": gettext_lazy("belongs to another run"),
    "unknown_line": gettext_lazy("is on no list of ours"),
    "taken_out": gettext_lazy("was taken out before printing"),
    "wrong_place": gettext_lazy("has a sequence that is not this sheet's"),
    "bad_status": gettext_lazy("has a status that is none of mailed, spoiled, missing"),
    "bad_at": gettext_lazy("has a time that cannot be read"),
    "impossible_at": gettext_lazy("has a time before the run was closed, or ahead of now"),
    "unreadable": gettext_lazy("cannot be read"),
}
HARMLESS = frozenset({*SAID, "known", "unsaid", "twice"})


@dataclass(frozen=True)
class Said:
    """One line of the file as it reads."""

    number: int
    delivery_id: int
    sequence: int | None
    status: str
    happened_at: datetime


@dataclass
class Reading:
    """Everything a file says: what is new, how many of each outcome, and which are problems."""

    new: dict[str, list[tuple[int, datetime]]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[dict[str, object]] = field(default_factory=list)

    def count(self, outcome: str, number: int, delivery_id: int | None = None) -> None:
        self.counts[outcome] += 1
        if outcome not in HARMLESS and len(self.problems) < MOST_PROBLEMS:
            self.problems.append({"line": number, "delivery": delivery_id, "outcome": outcome})


def read(*, run: PrintRun, path: Path, at: datetime) -> tuple[tables.Table, Reading]:
    """The whole file against the run's list. Raises tables.Unreadable, in words, when it is none.

    Nothing that is doubtful is believed: a sheet about which the file says two things stays as it
    was, and is listed.
    """
    table = tables.read(path)
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise tables.Unreadable(
            _("The first line must name the columns of the manifest; missing: %(names)s.")
            % {"names": ", ".join(missing)}
        )
    reading = Reading()
    said = list(_said(table, run, at, reading))
    believed = list(_undisputed(said, reading))
    for start in range(0, len(believed), AT_ONCE):
        _compare(run, believed[start : start + AT_ONCE], reading)
    return table, reading


def _said(table: tables.Table, run: PrintRun, at: datetime, reading: Reading) -> Iterator[Said]:
    for row in table.rows():
        if row.problem:
            reading.count("unreadable", row.line)
            continue
        code = CODE.fullmatch(row.cells["delivery"].lstrip("'"))
        if code is None:
            reading.count("unknown_line", row.line)
            continue
        said = _one(row, int(code[1]), run, at)
        if isinstance(said, str):
            reading.count(said, row.line, int(code[1]))
        else:
            yield said


def _one(row: tables.Row, delivery_id: int, run: PrintRun, at: datetime) -> Said | str:
    """The line, or the outcome that says why it cannot be taken."""
    status, sequence = row.cells["status"].casefold(), row.cells.get("sequence", "")
    if not status:
        return "unsaid"
    if status not in SAID:
        return "bad_status"
    happened_at = _instant(row.cells.get("at", ""), at)
    if happened_at is None:
        return "bad_at"
    if happened_at > at or (run.closed_at and happened_at < run.closed_at):
        return "impossible_at"
    number = int(sequence) if sequence.isascii() and sequence.isdecimal() else None
    if sequence and number is None:
        return "wrong_place"
    return Said(row.line, delivery_id, number, status, happened_at)


def _instant(text: str, at: datetime) -> datetime | None:
    """As written, in the house's zone unless it says another; nothing written is now."""
    if not text:
        return at
    zone = ZoneInfo(settings.TIME_ZONE)
    for form in (None, *FORMS):
        try:
            if form:
                return datetime.strptime(text, form).replace(tzinfo=zone)
            read = datetime.fromisoformat(text)
            return read if read.tzinfo else read.replace(tzinfo=zone)
        except ValueError:
            continue
    return None


def _undisputed(said: Iterable[Said], reading: Reading) -> Iterator[Said]:
    by_delivery: dict[int, list[Said]] = {}
    for line in said:
        by_delivery.setdefault(line.delivery_id, []).append(line)
    for lines in by_delivery.values():
        agreed = len({line.status for line in lines}) == 1
        for line in lines[1:] if agreed else lines:
            reading.count("twice" if agreed else "disputed", line.number, line.delivery_id)
        if agreed:
            yield lines[0]


def _compare(run: PrintRun, said: list[Said], reading: Reading) -> None:
    rows = PrintLine.objects.filter(delivery__in=[line.delivery_id for line in said])
    known = {row.delivery_id: row for row in rows}
    for line in said:
        row = known.get(line.delivery_id)
        outcome = _outcome(line, row, run)
        reading.count(outcome, line.number, line.delivery_id)
        if row and outcome in SAID:
            reading.new.setdefault(outcome, []).append((row.pk, line.happened_at))


def _outcome(line: Said, row: PrintLine | None, run: PrintRun) -> str:
    if row is None:
        return "unknown_line"
    if row.run_id != run.pk:
        return "other_run"
    if row.sequence is None:
        return "taken_out"
    if line.sequence not in {None, row.sequence}:
        return "wrong_place"
    if row.status == Status.PENDING:
        return line.status
    return "known" if row.status == line.status else "contradicts"
