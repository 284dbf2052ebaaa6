"""Finding customers by number, reference, external id or name, and people. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from crm import access, campaign_entries, columns, customers, names, phone
from crm.models import Attempt, Campaign, Customer, User

SIFTED = 300


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
    known = Q(reference=text) | Q(external_id=text)
    found = Customer.objects.filter(known, erased_at=None)
    rows = found.select_related("text")
    return min(rows, key=lambda customer: customer.reference != text, default=None)


def person(text: str) -> User | None:
    """Somebody who may work with Kept, by external id or else by log-in name."""
    found = User.objects.filter(Q(external_id=text) | Q(username=text), is_active=True)
    rows = found.select_related("team")
    return min(rows, key=lambda user: user.external_id != text, default=None)


def campaigns_of(team: int | None) -> QuerySet[Campaign]:
    """The campaigns for which somebody of this team may call now."""
    return Campaign.objects.filter(Q(team=None) | Q(team=team), active=True)


def campaigns_at_hand(people: Iterable[int], *, team: int | None) -> dict[int, Campaign]:
    """For which campaign a team would call each of these customers now, by customer id.

    The one of the newest contact; else the one on whose list they wait; else the only one that the
    team sells for. Three queries.
    """
    ids, open_ = list(people), campaigns_of(team)
    selling = list(open_.filter(purpose=Campaign.Purpose.SALES)[:2])
    found = dict.fromkeys(ids, selling[0]) if len(selling) == 1 else {}
    for entry in campaign_entries.open_of(ids, campaigns=open_).order_by("-added_at", "-pk"):
        found[entry.customer_id] = entry.campaign
    newest = (
        Attempt.objects.filter(customer__in=ids, campaign__in=open_)
        .order_by("customer_id", "-started_at", "-pk")
        .distinct("customer_id")
    )
    for attempt in newest.select_related("campaign"):
        if attempt.customer_id and attempt.campaign:
            found[attempt.customer_id] = attempt.campaign
    return found


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
    return _by_name(customers.fold(text), user=user, at=at, limit=limit)


def _by_name(folded: str, *, user: User, at: datetime, limit: int) -> list[Customer]:
    """Names that start as was typed; where these are few, then those in which each word begins
    one, of the first SIFTED that there are."""
    rows = access.customers(user, at=at).filter(text__isnull=False).select_related("text")
    rows = rows.annotate(sorted_name=columns.in_order("text__folded_name"))
    found: list[Customer] = list(
        rows.filter(names.starting("sorted_name", folded)).order_by("sorted_name")[:limit]
    )
    begun = names.begun("text__folded_name", folded)
    if len(found) == limit or begun is None:
        return found
    others = rows.filter(begun).exclude(pk__in=[row.pk for row in found])
    sifted = sorted(others[:SIFTED], key=lambda row: row.text.folded_name)
    return found + sifted[: limit - len(found)]
