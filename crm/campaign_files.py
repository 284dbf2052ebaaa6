"""A file of people to call becomes the list of a campaign: read, looked up, taken whole or not.

One customer a line: a reference, an external id or a telephone number, with a heading or without.
A column `priority` (1 first, 2 usual, 3 last) may stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from crm import campaign_entries, phone, tables
from crm.actors import Actor
from crm.campaign_entries import BATCH, Added, Wanted
from crm.models import Campaign, CampaignEntry, Customer, PhoneNumber
from crm.tables import Row, Unreadable

HEADINGS = ("customer", "reference", "external_id", "phone", "number")
PRIORITY = "priority"
MOST_LINES = 1_000_000
Fault = tuple[int, str]


@dataclass
class Taken:
    """What a file did, or would do. `faults` are lines that name nobody to call, with the reason;
    `doubled` counts lines that name somebody for the second time."""

    lines: int = 0
    doubled: int = 0
    added: Added | None = None
    faults: list[Fault] = field(default_factory=list)


def take_in(
    path: Path,
    *,
    campaign: Campaign,
    by: Actor,
    at: datetime,
    region: str = "",
    leave_bad: bool = False,
) -> Taken:
    """Puts everybody in the file on the campaign's list.

    One bad line and nothing is taken, unless `leave_bad`. Raises Unreadable for a file that is no
    such list. Numbers without a country are read as of `region`, or the house's.
    """
    taken, people, seen = Taken(), [], set[int]()
    for batch in _batches(_lines(path, taken)):
        for line, wanted in _found(batch, campaign, taken.faults, region):
            if wanted.customer in seen:
                taken.doubled += 1
                continue
            seen.add(wanted.customer)
            people.append(wanted)
            if line > MOST_LINES + 1:
                raise Unreadable(_("The file has more than a million lines."))
    if not taken.lines:
        raise Unreadable(_("The file names nobody."))
    taken.faults.sort()
    if leave_bad or not taken.faults:
        taken.added = campaign_entries.add(campaign=campaign, people=people, by=by, at=at)
    return taken


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    name: str
    priority: int


def _lines(path: Path, taken: Taken) -> Iterator[_Line]:
    table = tables.read(path)
    named = next((name for name in table.columns if name in HEADINGS), None)
    if named is None and len(table.columns) > 1:
        words = _("No column is named %(names)s.")
        raise Unreadable(words % {"names": _(" or ").join(HEADINGS)})
    # One column without a heading that we know: its first line is somebody, too.
    rows = iter([Row(1, {table.columns[0]: table.columns[0].upper()})] if named is None else [])
    for source in (rows, table.rows()):
        for row in source:
            taken.lines += 1
            line = _line(row, named or table.columns[0], taken.faults)
            if line:
                yield line


def _line(row: Row, named: str, faults: list[Fault]) -> _Line | None:
    if row.problem:
        faults.append((row.line, row.problem))
        return None
    name, priority = row.cells[named], row.cells.get(PRIORITY, "")
    usual = CampaignEntry.Priority.USUAL
    if not name:
        faults.append((row.line, _("names nobody")))
    elif priority not in {"", *(str(value) for value in CampaignEntry.Priority.values)}:
        faults.append((row.line, _("has a priority that is none of 1, 2, 3")))
    else:
        return _Line(row.line, name[:64], int(priority or usual))
    return None


def _batches(lines: Iterable[_Line]) -> Iterator[list[_Line]]:
    batch: list[_Line] = []
    for line in lines:
        batch.append(line)
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def _found(
    batch: list[_Line], campaign: Campaign, faults: list[Fault], region: str
) -> Iterator[tuple[int, Wanted]]:
    """The customers of these lines; the others are faults. A fixed number of queries."""
    named = _by_name({line.name for line in batch})
    rest = [line for line in batch if line.name not in named]
    numbers = {line.name: _number(line.name, region) for line in rest}
    sharing = _by_number({number for number in numbers.values() if number})
    for line in batch:
        known = named.get(line.name)
        sharers = [known] if known else sharing.get(numbers.get(line.name, ""), [])
        why = _fault(line, sharers, numbers, campaign)
        if why:
            faults.append((line.number, why))
        else:
            yield line.number, Wanted(sharers[0].pk, sharers[0].team_id, line.priority)


def _fault(line: _Line, found: list[Customer], numbers: dict[str, str], campaign: Campaign) -> str:
    if not found:
        number = numbers.get(line.name)
        said = {"name": number or line.name}
        return (
            _("%(name)s is nobody's number") if number else _("%(name)s is no customer of ours")
        ) % said
    if len(found) > 1:
        words = _("%(name)s is the number of %(n)s customers: name the one that is meant")
        return words % {"name": numbers[line.name], "n": len(found)}
    customer = found[0]
    if customer.erased_at:
        return _("%(name)s has asked to be forgotten") % {"name": line.name}
    if campaign.team_id and customer.team_id != campaign.team_id:
        words = _("%(name)s is a customer of %(team)s, and the campaign is another team's")
        return words % {"name": line.name, "team": customer.team}
    return ""


def _by_name(names: set[str]) -> dict[str, Customer]:
    """By reference, in whatever case it is written, or else by external id."""
    references = {name.upper() for name in names}
    wanted = Q(reference__in=references) | Q(external_id__in=names)
    rows = list(Customer.objects.filter(wanted).select_related("team"))
    known = {row.reference: row for row in rows}
    found = {row.external_id: row for row in rows if row.external_id in names}
    return found | {name: known[name.upper()] for name in names if name.upper() in known}


def _number(name: str, region: str) -> str:
    try:
        return phone.normalise(name, region or settings.DEFAULT_COUNTRY)
    except phone.NotANumber:
        return ""


def _by_number(numbers: set[str]) -> dict[str, list[Customer]]:
    found: dict[str, list[Customer]] = {}
    rows = PhoneNumber.objects.filter(e164__in=numbers, customer__erased_at=None)
    for row in rows.select_related("customer__team").order_by("customer"):
        found.setdefault(row.e164, []).append(row.customer)
    return found
