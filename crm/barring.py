"""Numbers of people who were forgotten: not called to sell, whoever has them now or later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from crm import audit, customers, forgotten
from crm.actors import Actor
from crm.models import Customer, PhoneNumber


def bar(numbers: Iterable[str], *, by: Actor, at: datetime) -> None:
    """Whoever else has one of these meets a shut gate from now on."""
    found = sorted(set(numbers))
    for e164 in found:
        customers.hold_number(e164)
    forgotten.remember(
        kind=forgotten.Kind.NUMBER, marks=map(forgotten.hash_number, found), by=by, at=at
    )
    shared = PhoneNumber.objects.filter(e164__in=found, barred=False)
    for customer in Customer.objects.filter(numbers__in=shared, erased_at=None).distinct():
        customers.note_change(customer=customer, cause="number_barred", at=at)
    shared.update(barred=True)


@transaction.atomic
def lift(*, e164: str, by: Actor, at: datetime) -> bool:
    """Somebody else has the number by now, or its owner wants to be called; False when no mark
    stands for it. What else speaks against a call stays."""
    holders = list(customers.of_number(e164))
    customers.hold([customer.pk for customer in holders])
    customers.hold_number(e164)
    if not forgotten.lift(e164=e164, by=by, at=at):
        return False
    PhoneNumber.objects.filter(e164=e164).update(barred=False)
    for customer in holders:
        customers.note_change(customer=customer, cause="number_unbarred", at=at)
    mark = forgotten.hash_number(e164).hex()
    audit.write(action="forgotten_number_lifted", subject=f"mark:{mark}", by=by, at=at)
    return True
