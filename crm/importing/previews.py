"""What an import would do, and did, as people read it. Reads only.

What stood there before is shown masked: whoever imports need not know whom it is about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from django.conf import settings
from django.db.models import Count, Min
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import instants, phone
from crm.importing import cutting, kinds, people_rows
from crm.importing.judging import BAD, CHANGED
from crm.models import Campaign, Customer, Import, ImportChange, ImportLine, Team

DIGITS = re.compile("[0-9]{8,10}", re.ASCII)
SAMPLES = 3
SHOWN = 50
LONGEST_SAMPLE = 60
# Facts that are not a column of that name.
LABELS: dict[str, str | Lazy] = {
    "phones": gettext_lazy("Telephone"),
    "emails": gettext_lazy("E-mail"),
    "label": gettext_lazy("What this line is for"),
}
PERSONAL = {"name", "note", "phones", "emails", "street", "postcode", "city"}
HIDDEN = {"folded_name", "external_id"}
MONEY = {"monthly", "promo_monthly", "termination_fee"}
DAYS = {"since", "promo_until", "commitment_until"}
INSTANTS = {"started_at", "ended_at"}


@dataclass(frozen=True)
class Told:
    """One thing that a line says, and what stood there before, masked."""

    label: str
    value: str
    was: str = ""


@dataclass(frozen=True)
class Shown:
    """A line of the preview."""

    line: ImportLine
    column: str
    told: list[Told]


@dataclass(frozen=True)
class Fault:
    """Lines that are bad for one and the same reason."""

    column: str
    reason: str
    count: int
    first: int


def samples(row: Import) -> list[list[str]]:
    """For each column of the file the first values that differ."""
    found: list[list[str]] = [[] for _heading in row.headings]
    batch = row.cut.filter(number=0).first()
    if batch is None:
        return found
    for _number, cells, _problem in islice(cutting.lines(batch), 200):
        for values, cell in zip(found, cells, strict=False):
            if cell and cell not in values and len(values) < SAMPLES:
                values.append(cell)
    return [[value[:LONGEST_SAMPLE] for value in values] for values in found]


def first_lines(row: Import) -> list[Shown]:
    """The first lines with what they would change."""
    lines = list(ImportLine.objects.filter(of=row).order_by("line")[:SHOWN])
    labels, now = _labels(row), {}
    if row.kind == Import.Kind.CUSTOMERS:
        now = people_rows.now([line.key for line in lines if line.verdict == CHANGED])
    words = _Words()
    return [
        Shown(
            line,
            labels.get(line.column, line.column),
            _told(line, labels, now.get(line.key), words) if line.facts else [],
        )
        for line in lines
    ]


def _labels(row: Import) -> dict[str, str]:
    fields = {one.name: str(one.label) for one in kinds.of(row).fields}
    return {**fields, **{name: str(label) for name, label in LABELS.items()}}


def _told(
    line: ImportLine, labels: dict[str, str], now: dict[str, Any] | None, words: _Words
) -> list[Told]:
    flat = {**line.said, **line.said.get("line", {})}
    flat.pop("line", None)
    found = []
    places = list(labels)  # as the kind has its columns
    for name, value in sorted(flat.items(), key=lambda item: _place(item[0], places)):
        if name in HIDDEN or value in (None, "", []):
            continue
        was = now.get(name) if now is not None else None
        if now is not None and _no_difference(name, value, was):
            continue
        before = words.masked(name, was) if was not in (None, "", []) else ""
        found.append(Told(labels.get(name, name), words.of(name, value), before))
    return found


def _place(name: str, places: list[str]) -> int:
    column = {"phones": "phone", "emails": "email", "label": "line"}.get(name, name)
    return places.index(column) if column in places else len(places)


def _no_difference(name: str, value: Any, was: Any) -> bool:
    """One more mail address than the file has is none."""
    return bool(was == value or (name == "emails" and set(value) <= set(was or ())))


class _Words:
    """Values as people read them; the teams are asked once."""

    def __init__(self) -> None:
        self.teams = {row.pk: row.name for row in Team.objects.all()}
        choices = (Customer.Language, Customer.BillMedium, Campaign.Purpose)
        self.codes = {code: str(label) for one in choices for code, label in one.choices}

    def of(self, name: str, value: Any) -> str:
        if name == "team":
            return self.teams.get(value, "")
        if name == "number" or name == "phones":
            many = value if isinstance(value, list) else [value]
            return ", ".join(phone.international(one) for one in many)
        if name in MONEY:
            return instants.money(Decimal(value))
        if name in DAYS:
            return instants.day(date.fromisoformat(value))
        if name in INSTANTS:
            return instants.brief(datetime.fromisoformat(value))
        if isinstance(value, list):
            return ", ".join(value)
        return str(self.codes.get(value, value))

    def masked(self, name: str, value: Any) -> str:
        if name not in PERSONAL:
            return self.of(name, value)
        if name == "phones":
            return ", ".join(phone.mask(one) for one in value)
        many = value if isinstance(value, list) else [value]
        return ", ".join(f"{one[:1]}…" for one in many)


def faults(row: Import) -> list[Fault]:
    """Why lines are bad, the most frequent first; at most fifty reasons."""
    labels = _labels(row)
    rows = (
        ImportLine.objects.filter(of=row, verdict=BAD)
        .values("column", "reason")
        .annotate(n=Count("pk"), first=Min("line"))
        .order_by("-n", "first")
    )
    return [
        Fault(labels.get(one["column"], ""), one["reason"], one["n"], one["first"])
        for one in rows[:SHOWN]
    ]


def left(row: Import) -> list[ImportChange]:
    """Whom an undo has left as they are; the first fifty."""
    rows = ImportChange.objects.filter(of=row, outcome=ImportChange.Outcome.LEFT)
    return list(rows.select_related("customer").order_by("line")[:SHOWN])


def lost_zero(row: Import) -> tuple[str, str] | None:
    """A telephone number that a spreadsheet took for an amount, and how it is read; None when the
    first lines have none."""
    places = [row.columns[name] for name in ("phone", "number") if name in row.columns]
    values = (value for place in places for value in samples(row)[place : place + 1])
    for value in (one for several in values for one in several):
        if DIGITS.fullmatch(value) and not value.startswith("0"):
            try:
                found = phone.normalise(value, settings.DEFAULT_COUNTRY)
            except phone.NotANumber:
                continue
            return value, phone.international(found)
    return None


def how_written(row: Import) -> str:
    """How the file was read, in words."""
    about = row.about
    if "sheet" in about:
        return _("sheet “%(name)s”") % {"name": about["sheet"]}
    names = {";": _("semicolon"), ",": _("comma"), "\t": _("tab")}
    if not about:
        return ""
    encodings = {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
    return _("%(encoding)s, separated by %(delimiter)s") % {
        "encoding": encodings.get(about["encoding"], about["encoding"]),
        "delimiter": names.get(about["delimiter"], about["delimiter"]),
    }


def came_before(row: Import) -> Import | None:
    """The newest import of these very bytes that was carried out."""
    rows = Import.objects.filter(
        kind=row.kind, sha256=row.sha256, status__in=[Import.Status.DONE, Import.Status.RUNNING]
    )
    return rows.exclude(pk=row.pk).order_by("-pk").first()
