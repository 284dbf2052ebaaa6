"""Consents from a file of another system, each with its proof. The same file again adds nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from crm import consents, tables
from crm.actors import Actor
from crm.consents import Given
from crm.imports import BATCH, Listener, Refusal, Tally
from crm.mappings import BadCell
from crm.models import Consent, Customer
from crm.tables import Row, Unreadable

NEEDED = ("external_id", "given", "proof")
KNOWN = (*NEEDED, "until", "basis", "origin", "words")


@dataclass(frozen=True)
class _Line:
    number: int
    external_id: str
    given: Given


def bring_in(
    path: Path, *, by: Actor, at: datetime, dry_run: bool = False, listener: Listener | None = None
) -> Tally:
    """Columns: external_id, given (a day or an instant), proof, and if there are any until, basis,
    origin, words. A batch is one transaction. Raises Unreadable when nothing can be taken.
    """
    table, heard = tables.read(path), listener or Listener()
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise Unreadable(_("Columns are missing: %(names)s.") % {"names": ", ".join(missing)})
    tally, records = Tally(), table.rows()
    while batch := list(islice(records, BATCH)):
        with transaction.atomic():
            refusals = list(_batch(batch, tally, by=by, at=at, dry_run=dry_run))
        tally.read += len(batch)
        tally.refused += len(refusals)
        for refusal in refusals:
            heard.refused(refusal)
        heard.progress(tally)
    return tally


def _batch(
    batch: list[Row], tally: Tally, *, by: Actor, at: datetime, dry_run: bool
) -> Iterator[Refusal]:
    ids = [row.cells.get("external_id", "").strip() for row in batch]
    people = {c.external_id: c for c in Customer.objects.filter(external_id__in=ids)}
    on_file = _on_file(people.values())
    for row in batch:
        try:
            line = _read(row)
            customer = people.get(line.external_id)
            if customer is None:
                raise BadCell("external_id", _("nobody has this id"))
            key = (customer.pk, line.given.basis, line.given.proof)
            consents.check(line.given, at=at)
        except consents.Refused as refusal:
            yield Refusal(row.line, refusal.field, str(refusal))
        except BadCell as error:
            yield Refusal(row.line, error.column, str(error))
        else:
            tally.became["same" if key in on_file else "new"] += 1
            if key not in on_file and not dry_run:
                consents.record(customer=customer, given=line.given, by=by, at=at)
            on_file.add(key)


def _on_file(people: Iterable[Customer]) -> set[tuple[int, str, str]]:
    """What was ever recorded of them: a withdrawn consent does not come back with its file."""
    rows = Consent.objects.filter(customer__in=list(people))
    return set(rows.values_list("customer_id", "basis", "proof"))


def _read(row: Row) -> _Line:
    if row.problem:
        raise BadCell("", row.problem)
    cells = {name: value.strip() for name, value in row.cells.items()}
    given = Given(
        origin=_one_of(cells, "origin", Consent.Origin.values, Consent.Origin.IMPORT),
        basis=_one_of(cells, "basis", Consent.Basis.values, Consent.Basis.CONSENT),
        proof=cells.get("proof", ""),
        given_at=_instant(cells, "given", time(0)),
        until_at=_instant(cells, "until", time.max) if cells.get("until") else None,
        words=cells.get("words", "")[:2000],
    )
    return _Line(row.line, cells.get("external_id", ""), given)


def _one_of(cells: Mapping[str, str], name: str, known: list[str], default: str) -> str:
    value = cells.get(name, "").lower() or default
    if value not in known:
        raise BadCell(name, _("is none of %(known)s") % {"known": ", ".join(known)})
    return value


def _instant(cells: Mapping[str, str], name: str, at: time) -> datetime:
    """An instant with its offset, or a day in the house's zone."""
    text, zone = cells.get(name, ""), ZoneInfo(settings.TIME_ZONE)
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), at, zone)
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadCell(name, _("is neither a day nor an instant (ISO 8601)")) from error
    return found if found.tzinfo else found.replace(tzinfo=zone)
