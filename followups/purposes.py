"""For which purpose a call is judged: never more gently than key and campaign allow."""

from __future__ import annotations

import re

from crm import merges
from crm.actors import Actor
from crm.models import Campaign, Customer, PhoneNumber
from followups.models import Promise
from followups.terms import ALPHABET

Kind = Promise.Kind
OURS = re.compile(rf"P-[{ALPHABET}]{{6}}")
# Stricter first: what a key and a campaign allow together is the strictest of the three.
STRICTNESS = ("sales", "survey", "callback", "service")


def strictest(
    purpose: str,
    *,
    campaign: Campaign | None,
    reference: str,
    by: Actor,
    number: str = "",
    customer: Customer | None = None,
) -> str:
    """The purpose is not the caller's to choose freely: key and campaign limit it.

    `reference` names the promise or ticket of a service call; without it, it is judged like a
    sale. So is a call-back, unless it names an open promise to call back. A promise that is named
    has to be one to whoever is called: `number` (E.164) or `customer` says who that is.
    """
    asked = [purpose]
    named = reference.strip()
    if campaign:
        asked.append(campaign.purpose)
    if by.key and by.key.purposes and purpose not in by.key.purposes:
        asked.append("sales")
    if purpose == "service" and not _serves(named, number, customer):
        asked.append("sales")
    if purpose == "callback" and not _promised(named, number, customer):
        asked.append("sales")
    return min(asked, key=STRICTNESS.index)


def _serves(reference: str, number: str, customer: Customer | None) -> bool:
    """A ticket of another house is believed; what looks like a promise of ours is looked at."""
    if not OURS.fullmatch(reference):
        return bool(reference)
    promise = Promise.objects.filter(reference=reference).first()
    return promise is not None and _to(promise, number, customer)


def _promised(reference: str, number: str, customer: Customer | None) -> bool:
    owed = Promise.objects.open().filter(kind=Kind.CALLBACK, reference=reference).first()
    return owed is not None and _to(owed, number, customer)


def _to(promise: Promise, number: str, customer: Customer | None) -> bool:
    """Whether this is who is called: the customer of the promise, or somebody merged with them."""
    people = merges.group_of([promise.customer_id])
    if customer is not None:
        return customer.pk in people
    return PhoneNumber.objects.filter(customer__in=people, e164=number).exists()


def waiting(reference: str, purpose: str = "callback") -> set[int]:
    """Who waits for the call of this promise; empty when it promises none, or none any more."""
    if purpose != "callback" or not reference.strip():
        return set()
    rows = Promise.objects.open().filter(kind=Kind.CALLBACK, reference=reference.strip())
    return set(rows.values_list("customer_id", flat=True))
