"""Our own do-not-call list of a former system: every line is a wish that binds from now on.

A number that nobody has is kept as a person without a name: the gate refuses the number by that
person's wish, and whoever gets it later shares it, so that one wish stops both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import customers, suppressions
from crm.actors import Actor
from crm.customers import Facts
from crm.importing import cells as read
from crm.importing import changes
from crm.importing.cells import Cells, Field
from crm.importing.changes import Change
from crm.importing.frames import Frame
from crm.importing.judging import BAD, NEW, SAME, Judged, Written, bad, late
from crm.importing.people import FIELDS as PEOPLE
from crm.mappings import BadCell
from crm.models import Customer, Import, ImportBatch, ImportLine, PhoneNumber, Suppression, Team

PHONE = next(one for one in PEOPLE if one.name == "phone")
FIELDS = (
    Field("number", PHONE.label, *PHONE.words, "dnc", "blocked", "blacklist"),
    Field("external_id", PEOPLE[0].label, *(PEOPLE[0].words - {"id"})),
    Field(
        "since",
        gettext_lazy("Since when"),
        *(
            "date",
            "added",
            "addedon",
            "created",
            "depuis",
            "dateajout",
            "datedajout",
            "datum",
            "sinds",
        ),
    ),
    Field(
        "words",
        gettext_lazy("What was said, or where its proof lies"),
        *("reason", "comment", "note", "proof", "raison", "motif", "preuve", "remarque"),
        *("reden", "opmerking", "bewijs"),
    ),
)


def facts(cells: Cells, frame: Frame) -> tuple[str, dict[str, Any]]:
    """The number, or whose customer number, and what is told of the wish. Raises BadCell."""
    written = cells.get("number")
    number = read.number("number", written, frame.country) if written else ""
    customer = read.text(cells, "external_id", 64) or ""
    if not number and not customer:
        raise BadCell("number", _("is missing"))
    since = read.day(cells, "since")
    told = {
        "number": number,
        "external_id": customer,
        "since": since.isoformat() if since else None,
        "words": read.text(cells, "words", 2000, lines=True) or "",
    }
    return f"{customer}|{number}" if customer else number, told


def _meant(lines: list[ImportLine]) -> dict[int, list[Customer]]:
    """Whom each line means: the customer of that number, else everybody with the number."""
    told = [line.said for line in lines]
    ids = {one["external_id"] for one in told} - {""}
    numbers = {one["number"] for one in told} - {""}
    by_id = {c.external_id: c for c in Customer.objects.filter(external_id__in=ids)}
    by_number: dict[str, list[Customer]] = {}
    rows = PhoneNumber.objects.filter(e164__in=numbers).select_related("customer")
    for row in rows.order_by("customer_id"):
        by_number.setdefault(row.e164, []).append(row.customer)
    meant = {}
    for line in lines:
        own = by_id.get(line.said["external_id"])
        sharing = by_number.get(line.said["number"], [])
        meant[line.pk] = [*([own] if own else []), *(c for c in sharing if c != own)]
    return meant


def _standing(people: set[int]) -> set[int]:
    rows = Suppression.objects.filter(
        customer__in=people, kind=Suppression.Kind.DNC_COMPANY, lifted_at=None
    )
    return set(rows.values_list("customer_id", flat=True))


def judge(row: Import, lines: list[ImportLine], frame: Frame) -> Iterator[Judged]:
    """Same: everybody meant has the wish already."""
    meant = _meant(lines)
    standing = _standing({c.pk for people in meant.values() for c in people})
    for line in lines:
        people = meant[line.pk]
        if not people and not line.said["number"]:
            yield bad(line, "external_id", _("nobody has this number"))
        elif not people and not (frame.team and frame.language):
            yield bad(line, "number", _("nobody has this number, and no team was chosen for it"))
        elif people and all(c.pk in standing for c in people):
            yield Judged(line.pk, SAME)
        else:
            yield Judged(line.pk, NEW)


def write(*, row: Import, batch: ImportBatch, frame: Frame, by: Actor, at: datetime) -> Written:
    """Writes the wishes of a batch, each with where it stands in the file for its proof."""
    rows = ImportLine.objects.filter(of=row, line__range=(batch.first, batch.last))
    lines = list(rows.exclude(verdict=BAD).order_by("line"))
    customers.hold({c.pk for people in _meant(lines).values() for c in people})
    gone = late(judge(row, lines, frame))
    spoilt = {one.pk for one in gone}
    lines = [line for line in lines if line.pk not in spoilt]
    meant = _meant(lines)
    standing = _standing({c.pk for people in meant.values() for c in people})
    counts: Counter[str] = Counter()
    made: list[Change] = []
    for line in lines:
        people = meant[line.pk] or [_stranger(line.said["number"], frame, at)]
        wanted = [one for one in people if one.pk not in standing]
        counts[NEW if wanted else SAME] += 1
        for person in wanted:
            wish = _add(row, line, person, by, at)
            standing.add(person.pk)
            made.append(Change(line.line, person.pk, subject=wish.pk))
    changes.keep(row=row, batch=batch.number, made=made)
    return Written(counts, gone)


def _add(row: Import, line: ImportLine, person: Customer, by: Actor, at: datetime) -> Suppression:
    since = line.said["since"]
    words = line.said["words"]
    if since:
        on = date.fromisoformat(since).strftime("%d/%m/%Y")
        words = f"{words} ({on})".strip()
    return suppressions.add(
        customer=person,
        kind=Suppression.Kind.DNC_COMPANY,
        origin=Suppression.Origin.IMPORT,
        proof=f"import:{row.pk}, line {line.line}",
        words=words,
        by=by,
        at=at,
    )


def _stranger(number: str, frame: Frame, at: datetime) -> Customer:
    if frame.team is None:
        raise ValueError("a number of nobody needs a team")
    return customers.add(
        facts=Facts(
            name=_("Nobody we know (do-not-call list)"),
            language=frame.language,
            team=Team.objects.get(pk=frame.team),
            country=frame.country,
            phones=(number,),
        ),
        at=at,
    )


def undo(*, row: Import, batch: int, by: Actor, at: datetime) -> Counter[str]:
    """Lifts what this import wrote, for the reason that somebody gave (jobs.undo asks for it).
    A wish that was ended and written down anew since is another, and stands."""
    rows = changes.of(row, batch)
    wishes = Suppression.objects.select_related("customer").in_bulk(
        [one.subject for one in rows if one.subject]
    )
    customers.hold([one.customer_id for one in rows])
    back = []
    for one in rows:
        wish = wishes.get(one.subject or 0)
        if wish and suppressions.lift(
            suppression=wish,
            ground=Suppression.Ground.MISTAKE,
            proof=f"import:{row.pk}",
            words=row.ground,
            by=by,
            at=at,
        ):
            back.append(one.pk)
    return changes.settle(row=row, batch=batch, undone=back)
