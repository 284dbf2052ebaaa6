"""Suppressions: the only writer of stored wishes and duties not to call."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from crm import audit, consents, customers
from crm.actors import Actor
from crm.models import Campaign, Customer, Suppression, SuppressionText

# What is no lasting wish always expires: a complaint when somebody should have looked at
# it, a pause as the design sets it, a refusal after the strictest term of the presets (France).
LASTS: dict[str, timedelta] = {
    Suppression.Kind.COMPLAINT: timedelta(days=180),
    Suppression.Kind.BEREAVEMENT: timedelta(days=180),
    Suppression.Kind.SEPARATED: timedelta(days=30),
    Suppression.Kind.CUSTOMER_PAUSE: timedelta(days=90),
    Suppression.Kind.REFUSAL_COOLOFF: timedelta(days=60),
}

# A proof that names one of our own rows, and nobody.
OURS = r"^(attempt|answer|evidence|suppression|import):[0-9]+(, line [0-9]+)?$"

# What is heard in a call, by the code of its disposition; others are heard by their flag.
HEARD: dict[str, str] = {
    "complaint": Suppression.Kind.COMPLAINT,
    "deceased": Suppression.Kind.DECEASED,
}


@transaction.atomic
def add(
    *,
    customer: Customer,
    kind: str,
    origin: str,
    by: Actor,
    at: datetime,
    proof: str = "",
    words: str = "",
    campaign: Campaign | None = None,
    until: datetime | None = None,
) -> Suppression:
    """Records a wish. The same wish still standing is returned, not doubled.

    `until` is another end than the kind has by itself (LASTS).
    """
    customers.hold([customer.pk])
    standing = Suppression.objects.filter(
        Q(until_at__isnull=True) | Q(until_at__gt=at, until_at__gte=until or at),
        customer=customer,
        kind=kind,
        campaign=campaign,
        lifted_at=None,
    ).first()
    if standing:
        return standing
    ends = at + LASTS[kind] if kind in LASTS else None
    row = Suppression.objects.create(
        customer=customer,
        kind=kind,
        origin=origin,
        campaign=campaign,
        proof=proof,
        from_at=at,
        until_at=until or ends,
        created_at=at,
        created_by=by.code,
    )
    SuppressionText.objects.create(suppression=row, words=words)
    if kind == Suppression.Kind.DNC_COMPANY:
        consents.withdraw_all(customer=customer, by=by, at=at)
    customers.note_change(customer=customer, cause=f"{kind}_added", at=at)
    audit.write(action="suppression_added", subject=f"customer:{customer.pk}", by=by, at=at)
    return row


def blank(ids: Iterable[int]) -> None:
    """Takes out what was said; the wishes themselves stand. A proof that is a row of ours stays."""
    rows = Suppression.objects.filter(customer__in=list(ids))
    SuppressionText.objects.filter(suppression__in=rows).update(words="", lift_words="")
    rows.exclude(proof__regex=OURS).update(proof="")
    rows.exclude(lift_proof__regex=OURS).update(lift_proof="")


@transaction.atomic
def lift(
    *,
    suppression: Suppression,
    by: Actor,
    at: datetime,
    ground: str = Suppression.Ground.ASKED,
    proof: str = "",
    words: str = "",
) -> bool:
    """Ends a suppression as a new fact; False when somebody was first.

    Without more it is the customer's own act, by whom it is done (wishes.end asks people for more).
    """
    customers.hold([suppression.customer_id])
    won = Suppression.objects.filter(pk=suppression.pk, lifted_at=None).update(
        lifted_at=at, lifted_by=by.code, lift_ground=ground, lift_proof=proof
    )
    if won:
        SuppressionText.objects.filter(suppression=suppression.pk).update(lift_words=words)
        subject = f"customer:{suppression.customer_id}"
        customers.note_change(
            customer=suppression.customer, cause=f"{suppression.kind}_lifted", at=at
        )
        audit.write(action="suppression_lifted", subject=subject, by=by, at=at)
    return bool(won)
