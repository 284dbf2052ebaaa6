"""Contracts in force from a file: a line of the file is a price line, a customer's lines are the
contract. One bad line leaves the whole contract of that customer out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import bulk, customers, filing
from crm.actors import Actor
from crm.customers import ContractFacts, Line
from crm.importing import cells as read
from crm.importing import changes
from crm.importing.cells import Cells, Field
from crm.importing.changes import Change
from crm.importing.frames import Frame
from crm.importing.judging import BAD, CHANGED, NEW, SAME, Judged, Written, bad, digest
from crm.importing.people import FIELDS as PEOPLE
from crm.mappings import BadCell
from crm.models import Customer, Import, ImportBatch, ImportLine

FIELDS = (
    PEOPLE[0],
    Field(
        "plan",
        gettext_lazy("Plan"),
        *("tariff", "product", "planname", "formule", "abonnement", "produit", "tarif", "tarief"),
        *("contrat", "contract", "offre", "pack"),
        needed=True,
    ),
    Field(
        "line",
        gettext_lazy("What this line is for"),
        *("label", "description", "service", "libelle", "ligne", "omschrijving", "lijn", "dienst"),
    ),
    Field(
        "monthly",
        gettext_lazy("Euro a month"),
        *("price", "amount", "monthlyprice", "monthlycharges", "monthlyamount", "prix", "montant"),
        *("prixmensuel", "mensuel", "parmois", "prijs", "bedrag", "maandbedrag", "maandprijs"),
        *("permaand", "maandelijks", "preis"),
        needed=True,
    ),
    Field(
        "promo_monthly",
        gettext_lazy("Euro a month for now"),
        *(
            "promoprice",
            "promo",
            "promotion",
            "prixpromo",
            "promotarif",
            "promoprijs",
            "actieprijs",
        ),
    ),
    Field(
        "promo_until",
        gettext_lazy("For now, until"),
        *("promoend", "promoenddate", "finpromo", "promojusquau", "einddatumpromo", "promotot"),
    ),
    Field(
        "commitment_until",
        gettext_lazy("Bound until"),
        *("commitmentend", "contractend", "enddate", "finengagement", "engagementjusquau"),
        *("findecontrat", "datefin", "einddatum", "contracteinde", "gebondentot"),
    ),
    Field(
        "termination_fee",
        gettext_lazy("Euro for leaving early"),
        *("terminationcost", "exitfee", "indemnite", "fraisderesiliation", "opzegvergoeding"),
        *("opzegkosten", "verbrekingsvergoeding"),
    ),
    Field(
        "since",
        gettext_lazy("In force since"),
        *("startdate", "contractstart", "datedebut", "depuis", "startdatum", "begindatum", "sinds"),
    ),
    Field(
        "speed_down_mbps",
        gettext_lazy("Mbps down"),
        *("download", "speed", "down", "debit", "snelheid", "downloadmbps"),
    ),
    Field("speed_up_mbps", gettext_lazy("Mbps up"), "upload", "up", "uploadmbps"),
    Field("volume", gettext_lazy("Volume"), "data", "datavolume", "volumedata", "databundel"),
)
# What all lines of one contract say alike.
SHARED = ("plan", "commitment_until", "termination_fee", "since")


def facts(cells: Cells, frame: Frame) -> tuple[str, dict[str, Any]]:
    """The customer's external id, and this line of the contract. Raises BadCell."""
    key = read.needed(cells, "external_id", 64)
    plan = read.needed(cells, "plan", 120)
    monthly = read.amount(cells, "monthly")
    if monthly is None:
        raise BadCell("monthly", _("is missing"))
    promo, until = read.amount(cells, "promo_monthly"), read.day(cells, "promo_until")
    if (promo is None) != (until is None):
        raise BadCell("promo_until", _("an amount for now needs its end, and an end its amount"))
    bound, since = read.day(cells, "commitment_until"), read.day(cells, "since")
    return key, {
        "plan": plan,
        "commitment_until": _iso(bound),
        "termination_fee": read.amount(cells, "termination_fee") or "0.00",
        "since": _iso(since),
        "line": {
            "label": read.text(cells, "line", 160) or plan,
            "monthly": monthly,
            "promo_monthly": promo,
            "promo_until": _iso(until),
            "speed_down_mbps": read.whole(cells, "speed_down_mbps", least=0, most=10_000_000),
            "speed_up_mbps": read.whole(cells, "speed_up_mbps", least=0, most=10_000_000),
            "volume": read.text(cells, "volume", 80) or "",
        },
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def as_json(contract: ContractFacts | None) -> dict[str, Any] | None:
    """A contract as an import keeps it."""
    if contract is None:
        return None
    return {
        "plan": contract.plan,
        "commitment_until": _iso(contract.commitment_until),
        "termination_fee": str(contract.termination_fee.quantize(Decimal("0.01"))),
        "since": _iso(contract.since),
        "lines": [
            {
                **vars(line),
                "monthly": str(line.monthly),
                "promo_monthly": None if line.promo_monthly is None else str(line.promo_monthly),
                "promo_until": _iso(line.promo_until),
            }
            for line in contract.lines
        ],
    }


def of_json(stored: dict[str, Any] | None) -> ContractFacts | None:
    if stored is None:
        return None
    return ContractFacts(
        plan=stored["plan"],
        commitment_until=_day(stored["commitment_until"]),
        termination_fee=Decimal(stored["termination_fee"]),
        since=_day(stored["since"]),
        lines=tuple(
            Line(
                **{
                    **line,
                    "monthly": Decimal(line["monthly"]),
                    "promo_monthly": line["promo_monthly"] and Decimal(line["promo_monthly"]),
                    "promo_until": _day(line["promo_until"]),
                }
            )
            for line in stored["lines"]
        ),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _whole(lines: list[ImportLine]) -> dict[str, Any]:
    """The contract that these lines are, in the order of the file."""
    first = lines[0].said
    return {
        **{name: first[name] for name in SHARED},
        "lines": [line.said["line"] for line in lines],
    }


def _groups(row: Import, lines: Iterable[ImportLine]) -> dict[str, list[ImportLine]]:
    """All lines of the customers of these lines, wherever they stand in the file."""
    keys = {line.key for line in lines}
    found: dict[str, list[ImportLine]] = defaultdict(list)
    for line in ImportLine.objects.filter(of=row, key__in=keys).order_by("line"):
        found[line.key].append(line)
    return found


def _people(keys: Iterable[str]) -> dict[str, Customer]:
    rows = filing.whole().filter(external_id__in=list(keys), erased_at=None)
    return {one.external_id or "": one for one in rows}


def judge(row: Import, lines: list[ImportLine], frame: Frame) -> Iterator[Judged]:
    """New, changed and same are said of the whole contract; a bad line is bad for all."""
    groups = _groups(row, lines)
    people = _people(groups)
    for line in lines:
        group, person = groups[line.key], people.get(line.key)
        spoilt = next((one for one in group if one.facts is None), None)
        other = next((one for one in group if _differs(one, group[0])), None)
        if person is None:
            yield bad(line, "external_id", _("nobody has this number"))
        elif spoilt:
            yield bad(line, "", _("line %(n)s of the same contract is bad") % {"n": spoilt.line})
        elif other:
            words = _("line %(n)s tells something else of the same contract")
            yield bad(line, "plan", words % {"n": other.line})
        else:
            now = as_json(filing.facts_of(person).contract)
            verdict = NEW if now is None else SAME if now == _whole(group) else CHANGED
            yield Judged(line.pk, verdict)


def _differs(one: ImportLine, first: ImportLine) -> bool:
    if one.facts is None or first.facts is None:
        return False
    return any(one.said[name] != first.said[name] for name in SHARED)


def write(*, row: Import, batch: ImportBatch, frame: Frame, by: Actor, at: datetime) -> Written:
    """The contracts whose first line stands in this batch."""
    rows = ImportLine.objects.filter(of=row, line__range=(batch.first, batch.last))
    lines = list(rows.exclude(verdict=BAD).order_by("line"))
    groups = {
        key: group
        for key, group in _groups(row, lines).items()
        if group[0].line >= batch.first and not any(one.verdict == BAD for one in group)
    }
    people = _people(groups)
    customers.hold([person.pk for person in people.values()])
    people = _people(groups)
    counts: Counter[str] = Counter()
    made: list[Change] = []
    gone: list[Judged] = []
    for key, group in groups.items():
        person, told = people.get(key), _whole(group)
        if person is None:
            gone += [bad(one, "external_id", _("nobody has this number")) for one in group]
            continue
        was = as_json(filing.facts_of(person).contract)
        counts[NEW if was is None else SAME if was == told else CHANGED] += len(group)
        if was != told:
            made.append(Change(group[0].line, person.pk, was=was, now=told))
    bulk.replace_contracts([(one.customer, of_json(one.now)) for one in made])
    changes.keep(row=row, batch=batch.number, made=made)
    return Written(counts, gone)


def undo(*, row: Import, batch: int, by: Actor, at: datetime) -> Counter[str]:
    """Back to the contract before, or to none, where nobody has changed it since."""
    rows = changes.of(row, batch)
    customers.hold([one.customer_id for one in rows])
    found = filing.whole().filter(pk__in=[one.customer_id for one in rows], erased_at=None)
    now = {one.pk: digest(as_json(filing.facts_of(one).contract)) for one in found}
    back = [one for one in rows if now.get(one.customer_id) == one.left_as]
    bulk.replace_contracts([(one.customer_id, of_json(one.was)) for one in back])
    return changes.settle(row=row, batch=batch, undone=[one.pk for one in back])
