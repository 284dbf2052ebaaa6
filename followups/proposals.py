"""Offers as the desk handles them: what the customer holds of each version, and taking one back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Min
from django.utils.translation import gettext as _

from crm import customers, instants
from crm.actors import Actor
from crm.models import Customer
from followups.models import Promise
from followups.terms import Refused
from offers import documents, drafts
from offers.comparison import Comparison
from offers.models import Answer, Offer, OfferVersion

MOST = 20


@dataclass(frozen=True)
class Holding:
    """A version and what the customer has of it.

    Its validity is counted from `readable_at`, the instant from which the customer can have it
    in hand; before that there is no last day.
    """

    version: OfferVersion
    figures: Comparison | None
    readable_at: datetime | None
    promised: bool
    newest: bool
    answers: tuple[Answer, ...] = ()

    @property
    def valid_until(self) -> date | None:
        if self.readable_at is None:
            return None
        first = instants.house(self.readable_at).date()
        return first + timedelta(days=self.version.valid_days)

    def over(self, on: date) -> bool:
        """Whether the offer has run out by that day."""
        return self.valid_until is not None and self.valid_until < on

    def validity(self) -> str:
        """How long it is valid, in the agent's words."""
        if self.valid_until:
            return _("valid until %(day)s") % {"day": instants.day(self.valid_until)}
        return _("valid %(days)s days from when the customer has it") % {
            "days": self.version.valid_days
        }


def of(customer: Customer, *, offer: Offer | None = None) -> list[Holding]:
    """The versions, newest first, in a fixed number of queries."""
    rows = OfferVersion.objects.filter(offer__customer=customer).select_related("offer")
    if offer:
        rows = rows.filter(offer=offer)
    versions = list(
        rows.prefetch_related("lines", "documents").order_by("-created_at", "-pk")[:MOST]
    )
    kept, promised, answers = _proven(versions), _promised(versions), _answers(versions)
    newest: dict[int, int] = {}
    for version in versions:
        newest.setdefault(version.offer_id, version.pk)
    return [
        Holding(
            version=version,
            figures=figures(version),
            readable_at=kept.get(version.pk),
            promised=version.pk in promised,
            newest=newest[version.offer_id] == version.pk,
            answers=tuple(answers[version.pk]),
        )
        for version in versions
    ]


def figures(version: OfferVersion) -> Comparison | None:
    """The comparison, when there was a contract to compare with."""
    has_today = any(line.side == "today" for line in version.lines.all())
    return documents.comparison(version) if has_today else None


def _proven(versions: Iterable[OfferVersion]) -> dict[int, datetime]:
    """Since when the customer can read each version that is proven to have come."""
    rows = Promise.objects.filter(version__in=list(versions), status=Promise.Status.KEPT)
    return dict(
        rows.values_list("version")
        .annotate(first=Min("readable_at"))
        .values_list("version", "first")
    )


def _promised(versions: Iterable[OfferVersion]) -> set[int]:
    rows = Promise.objects.open().filter(version__in=list(versions))
    return {pk for pk in rows.values_list("version", flat=True) if pk}


def _answers(versions: Iterable[OfferVersion]) -> dict[int, list[Answer]]:
    found: dict[int, list[Answer]] = defaultdict(list)
    rows = Answer.objects.filter(version__in=list(versions)).select_related("text")
    for row in rows.order_by("-at", "-pk"):
        if row.version_id:
            found[row.version_id].append(row)
    return found


@transaction.atomic
def withdraw(*, offer: Offer, by: Actor, at: datetime) -> bool:
    """Takes an offer back; False when it was taken back before.

    Raises Refused while a promise to send it is open: what was promised comes first.
    """
    customers.hold([offer.customer_id])
    owed = Promise.objects.open().filter(version__offer=offer).order_by("made_at").first()
    if owed:
        words = _(
            "%(promise)s still promises this offer; it cannot be withdrawn before it is kept."
        )
        raise Refused("offer", words % {"promise": owed.reference})
    return drafts.withdraw(offer=offer, by=by, at=at)
