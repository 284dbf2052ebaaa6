"""Offers and their versions: the only writer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import Max

from crm import audit, customers, instants
from crm.actors import Actor
from crm.models import Customer
from offers.comparison import Comparison, Line, Terms, compare
from offers.models import Offer, OfferLine, OfferVersion


@dataclass(frozen=True)
class Proposal:
    """The proposed contract. Amounts in euro, tax included."""

    plan: str
    lines: tuple[customers.Line, ...]
    commitment_until: date | None = None
    termination_fee: Decimal = Decimal(0)
    one_offs: dict[int, Decimal] = field(default_factory=dict)  # by line position
    valid_days: int = 30


@transaction.atomic
def draft(
    *, customer: Customer, proposal: Proposal, by: Actor, at: datetime, offer: Offer | None = None
) -> OfferVersion:
    """A new offer, or a new version of one, beside the contract in force. ValueError if empty."""
    if not proposal.lines:
        raise ValueError("An offer needs at least one price line.")
    offer = offer or _new_offer(customer, by=by, at=at)
    newest = offer.versions.aggregate(newest=Max("number"))["newest"] or 0
    contract = getattr(customer, "contract", None)
    version = OfferVersion.objects.create(
        offer=offer,
        number=newest + 1,
        issue_date=instants.house(at).date(),
        valid_days=proposal.valid_days,
        plan=proposal.plan,
        commitment_until_date=proposal.commitment_until,
        termination_fee=proposal.termination_fee,
        today_plan=contract.plan if contract else "",
        today_commitment_until_date=contract.commitment_until_date if contract else None,
        today_termination_fee=contract.termination_fee if contract else Decimal(0),
        created_at=at,
        created_by=by.code,
    )
    rows = [_line(version, i, line, proposal) for i, line in enumerate(proposal.lines)]
    rows += _today(version, customer)
    OfferLine.objects.bulk_create(rows)
    return version


@transaction.atomic
def withdraw(*, offer: Offer, by: Actor, at: datetime) -> bool:
    """We do not stand by it any more; False when somebody was first.

    Whether something promised stands in the way is for the storey above (followups/proposals.py).
    """
    rows = Offer.objects.filter(pk=offer.pk, withdrawn_at=None)
    if not rows.update(withdrawn_at=at, withdrawn_by=by.code):
        return False
    audit.write(action="offer_withdrawn", subject=f"offer:{offer.pk}", by=by, at=at)
    offer.refresh_from_db()
    return True


def forget(customers: Iterable[int]) -> None:
    """Takes out of these customers' offers the lines and the names of plans: they are what a
    contract says, and a line may name whose number it is for. The database lets it happen only for
    somebody who was forgotten."""
    versions = OfferVersion.objects.filter(offer__customer__in=list(customers))
    OfferLine.objects.filter(version__in=versions).delete()
    versions.exclude(plan="", today_plan="").update(plan="", today_plan="")


def stands(offer: Offer) -> bool:
    """Whether we still offer it; asked anew, because somebody may just have taken it back."""
    return Offer.objects.filter(pk=offer.pk, withdrawn_at=None).exists()


def preview(*, customer: Customer, proposal: Proposal, on: date) -> Comparison | None:
    """What the offer would mean, before it is drafted; None without a contract to compare with."""
    contract = getattr(customer, "contract", None)
    if contract is None:
        return None
    today = Terms(
        plan=contract.plan,
        lines=tuple(
            Line(
                label=line.label,
                monthly=line.monthly,
                promo_monthly=line.promo_monthly,
                promo_until=line.promo_until_date,
                speed_down_mbps=line.speed_down_mbps,
                speed_up_mbps=line.speed_up_mbps,
                volume=line.volume,
            )
            for line in contract.lines.all()
        ),
        commitment_until=contract.commitment_until_date,
        termination_fee=contract.termination_fee,
    )
    return compare(today, _proposed(proposal), on)


def _proposed(proposal: Proposal) -> Terms:
    return Terms(
        plan=proposal.plan,
        lines=tuple(
            Line(
                label=line.label,
                monthly=line.monthly,
                promo_monthly=line.promo_monthly,
                promo_until=line.promo_until,
                one_off=proposal.one_offs.get(place, Decimal(0)),
                speed_down_mbps=line.speed_down_mbps,
                speed_up_mbps=line.speed_up_mbps,
                volume=line.volume,
            )
            for place, line in enumerate(proposal.lines)
        ),
        commitment_until=proposal.commitment_until,
        termination_fee=proposal.termination_fee,
    )


def _new_offer(customer: Customer, *, by: Actor, at: datetime) -> Offer:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('offers_offer', 'id'))")
        (pk,) = cursor.fetchone()
    return Offer.objects.create(
        pk=pk, reference=f"O-{pk:06d}", customer=customer, created_at=at, created_by=by.code
    )


def _line(
    version: OfferVersion, position: int, line: customers.Line, proposal: Proposal
) -> OfferLine:
    return OfferLine(
        version=version,
        side=OfferLine.Side.PROPOSED,
        position=position,
        label=line.label,
        monthly=line.monthly,
        promo_monthly=line.promo_monthly,
        promo_until_date=line.promo_until,
        one_off=proposal.one_offs.get(position, Decimal(0)),
        speed_down_mbps=line.speed_down_mbps,
        speed_up_mbps=line.speed_up_mbps,
        volume=line.volume,
    )


def _today(version: OfferVersion, customer: Customer) -> list[OfferLine]:
    contract = getattr(customer, "contract", None)
    return [
        OfferLine(
            version=version,
            side=OfferLine.Side.TODAY,
            position=line.position,
            label=line.label,
            monthly=line.monthly,
            promo_monthly=line.promo_monthly,
            promo_until_date=line.promo_until_date,
            speed_down_mbps=line.speed_down_mbps,
            speed_up_mbps=line.speed_up_mbps,
            volume=line.volume,
        )
        for line in (contract.lines.all() if contract else [])
    ]
