"""Finding customers by number, reference, external id or name, and people. Reads only."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from crm import access, customers, phone
from crm.models import Customer, User


def exact(text: str, *, region: str) -> list[Customer]:
    """Customers named by a number, a reference or an external id; of any team."""
    wanted = text.strip()
    by_reference = Customer.objects.filter(reference=wanted.upper())
    found = list(by_reference) or list(Customer.objects.filter(external_id=wanted))
    if found:
        return found
    try:
        return list(customers.of_number(phone.normalise(text, region)))
    except phone.NotANumber:
        return []


def named(text: str) -> Customer | None:
    """The customer with this reference, or else with this external id."""
    found = Customer.objects.filter(Q(reference=text) | Q(external_id=text))
    rows = found.select_related("text")
    return min(rows, key=lambda customer: customer.reference != text, default=None)


def person(text: str) -> User | None:
    """Somebody who may work with Kept, by external id or else by log-in name."""
    found = User.objects.filter(Q(external_id=text) | Q(username=text), is_active=True)
    rows = found.select_related("team")
    return min(rows, key=lambda user: user.external_id != text, default=None)


def search(
    text: str, *, user: User, at: datetime, region: str = "BE", limit: int = 30
) -> list[Customer]:
    """What a person types into the search field; at most `limit` customers.

    An exact number or reference also opens another team's customer, audited, for 30 minutes.
    """
    text = text.replace("\x00", "")
    if not text.strip() or not access.may(user, "see_customers"):
        return []
    found = exact(text, region=region)
    if found:
        for customer in found:
            access.glance(user=user, customer=customer, at=at)
        return found[:limit]
    return list(_by_name(text, user=user, at=at)[:limit])


def _by_name(text: str, *, user: User, at: datetime) -> QuerySet[Customer]:
    rows = access.customers(user, at=at).select_related("text")
    for word in customers.fold(text).split():
        rows = rows.filter(text__folded_name__contains=word)
    return rows.order_by("text__folded_name")
