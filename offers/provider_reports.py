"""What a provider tells of a delivery in our own words: which kinds, and what cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from crm import customers
from crm.actors import Actor
from offers import evidence, print_lines
from offers.models import Delivery, Evidence, EvidenceSource, PrintLine
from offers.models.deliveries import PAPER

Kind, Status, Carries = Evidence.Kind, Delivery.Status, EvidenceSource.Carries
# Never the customer's own acts, nor what time alone proves: those are ours to see.
KINDS: dict[str, frozenset[str]] = {
    Carries.PAPER: frozenset({Kind.PRINT_ACCEPTED, Kind.POSTED, Kind.FAILED, Kind.RETURNED}),
    Carries.MAIL: frozenset(
        {Kind.RELAYED, Kind.DELIVERED, Kind.DELAYED, Kind.FAILED, Kind.COMPLAINT}
    ),
}
NOT_LEFT = frozenset({Status.QUEUED, Status.CLAIMED, Status.CANCELLED})
# The same about the sheet, for the list of its run.
SHEETS = {Kind.POSTED: PrintLine.Status.MAILED, Kind.FAILED: PrintLine.Status.SPOILED}


class Contradiction(ValueError):
    """It cannot be, or was told differently before. The message says which."""


class Foreign(ValueError):
    """Nothing that this provider carries, or not a kind that it can know; `field` says which."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


@dataclass(frozen=True)
class Report:
    """One event. `hard`: the address itself is bad. `status_code` as RFC 3463 has it."""

    event_id: str
    kind: str
    occurred_at: datetime
    hard: bool = False
    status_code: str = ""


@transaction.atomic
def take(
    *, source: EvidenceSource, delivery: Delivery, report: Report, by: Actor, at: datetime
) -> tuple[Evidence, bool]:
    """Writes the event once; the second member says whether it was new.

    The same (source, event id) again changes nothing. Raises Foreign or Contradiction, and then
    writes nothing.
    """
    _refuse_foreign(source, delivery, report.kind)
    customers.hold([delivery.customer_id])
    delivery = Delivery.objects.select_related("text", "customer").get(pk=delivery.pk)
    known = _known(source, report)
    if known is None:
        _refuse_impossible(delivery, report.kind)
        _mark_sheet(delivery, report, at)
        event = _event(source, report)
        row = evidence.record(delivery=delivery, event=event, by=by, at=at)
        if row:
            return row, True
        known = _known(source, report)  # somebody told it of another customer in this moment
    if known is None or not _agrees(known, delivery, report):
        raise Contradiction(_("This event was told before, and differently."))
    return known, False


def _refuse_foreign(source: EvidenceSource, delivery: Delivery, kind: str) -> None:
    carried = Carries.PAPER if delivery.channel in PAPER else Carries.MAIL
    if carried != source.carries:
        raise Foreign("delivery", _("This source does not carry this delivery."))
    if kind not in KINDS[source.carries]:
        raise Foreign("kind", _("This source cannot know this."))


def _refuse_impossible(delivery: Delivery, kind: str) -> None:
    taken = kind == Kind.PRINT_ACCEPTED and delivery.status == Status.CLAIMED
    if delivery.status in NOT_LEFT and not taken:
        raise Contradiction(_("This delivery has not left."))


def _known(source: EvidenceSource, report: Report) -> Evidence | None:
    name = _name(source)
    event_id = evidence.named(name, report.event_id)
    rows = Evidence.objects.filter(source=name, event_id=event_id)
    return rows.first()


def _name(source: EvidenceSource) -> str:
    """Under a name of its own, so that no provider speaks for the customer's page or the post."""
    return f"provider:{source.name}"


def _event(source: EvidenceSource, report: Report) -> evidence.Event:
    return evidence.Event(
        source=_name(source),
        event_id=report.event_id,
        kind=report.kind,
        occurred_at=report.occurred_at,
        hard=report.kind == Kind.RETURNED or (report.hard and report.kind == Kind.FAILED),
        status_code=report.status_code,
    )


def _agrees(known: Evidence, delivery: Delivery, report: Report) -> bool:
    """The same as before. An instant that was not believed then is not compared."""
    same_time = known.occurred_clamped or known.occurred_at == report.occurred_at
    return known.delivery_id == delivery.pk and known.kind == report.kind and same_time


def _mark_sheet(delivery: Delivery, report: Report, at: datetime) -> None:
    """The list of its run knows what became of the sheet, as from a return file."""
    status = SHEETS.get(Kind(report.kind)) if delivery.channel in PAPER else None
    if status:
        print_lines.told_alone(delivery=delivery, status=status, happened_at=at)
