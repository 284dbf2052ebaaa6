"""The demo's offers: a tenth off every line, made up when an agent needs one."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from crm import customers
from crm.actors import Actor
from crm.models import Customer
from offers.drafts import Proposal, draft
from offers.models import OfferVersion


def of(customer: Customer, *, by: Actor, at: datetime) -> OfferVersion:
    """The newest offer of this customer, or one that is made now."""
    rows = OfferVersion.objects.filter(offer__customer=customer).select_related("offer")
    return rows.order_by("-pk").first() or make(customer, by=by, at=at)


def make(customer: Customer, *, by: Actor, at: datetime) -> OfferVersion:
    """A tenth off every line, bound for a year; the dearest line costs half for six months."""
    today = list(customer.contract.lines.all())
    dearest = max(line.monthly for line in today)
    end = (at + timedelta(days=183)).date()
    lines = tuple(
        customers.Line(
            label=line.label,
            monthly=_cents(line.monthly * Decimal("0.9")),
            promo_monthly=_cents(line.monthly / 2) if line.monthly == dearest else None,
            promo_until=end if line.monthly == dearest else None,
            speed_down_mbps=line.speed_down_mbps and line.speed_down_mbps * 2,
            speed_up_mbps=line.speed_up_mbps and line.speed_up_mbps * 2,
        )
        for line in today
    )
    proposal = Proposal(
        plan=f"{customer.contract.plan} Plus",
        lines=lines,
        commitment_until=(at + timedelta(days=380)).date().replace(day=1),
        termination_fee=Decimal("60.00"),
    )
    return draft(customer=customer, proposal=proposal, by=by, at=at)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))
