"""The wrap-up of a call at the desk: drafts, uploads, the call and its promises, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from crm import customers
from crm.actors import Actor
from crm.calls import Call
from crm.models import Attempt, Customer
from followups import conversations
from followups.models import Promise
from followups.terms import Refused, Terms
from offers import documents, drafts
from offers.models import OfferVersion

SOURCE = "desk"


@dataclass(frozen=True)
class NewOffer:
    """An offer that is drafted while the customer listens: one price line."""

    plan: str
    monthly: Decimal
    commitment_until: date | None = None


@dataclass(frozen=True)
class Wish:
    """One *We promise…* line. Exactly one of version, offer and pdf says what is owed."""

    kind: str
    words: str
    address: str
    address_accepted: bool
    version: OfferVersion | None = None
    offer: NewOffer | None = None
    title: str = ""
    pdf: bytes = b""


@dataclass(frozen=True)
class Saved:
    """What became of the form. `new` False: it had been saved before, and nothing was added."""

    attempt: Attempt
    promises: tuple[Promise, ...]
    new: bool


@transaction.atomic
def save(*, call: Call, wishes: Sequence[Wish], by: Actor, at: datetime) -> Saved:
    """One transaction for the whole form. The same form again adds nothing.

    Raises calls.Contradiction, or terms.Refused naming `promises.N.field`.
    """
    if call.customer is None:
        raise Refused("customer", "The desk logs calls with customers.")
    customers.hold([call.customer.pk])
    known = Attempt.objects.filter(source=call.source, external_id=call.external_id).first()
    if known:
        made = tuple(Promise.objects.filter(attempt=known))
        return Saved(known, made, new=False)
    terms = [_terms(wish, n, customer=call.customer, by=by, at=at) for n, wish in enumerate(wishes)]
    recorded = conversations.record(call=call, terms=terms, by=by, at=at)
    return Saved(recorded.logged.attempt, recorded.promises, new=True)


def _terms(wish: Wish, number: int, *, customer: Customer, by: Actor, at: datetime) -> Terms:
    version, document = wish.version, None
    if wish.kind == Promise.Kind.SEND_OFFER and wish.offer:
        version = _draft(wish.offer, customer=customer, by=by, at=at)
    if wish.kind == Promise.Kind.SEND_DOCUMENT:
        try:
            document = documents.upload(
                customer=customer,
                title=wish.title,
                pdf=wish.pdf,
                language=customer.language,
                by=by,
                at=at,
            )
        except documents.NotADocument as error:
            raise Refused(f"promises.{number}.pdf", str(error)) from error
    return Terms(
        kind=wish.kind,
        words=wish.words,
        address=wish.address,
        address_accepted=wish.address_accepted,
        version=version,
        document=document,
    )


def _draft(offer: NewOffer, *, customer: Customer, by: Actor, at: datetime) -> OfferVersion:
    proposal = drafts.Proposal(
        plan=offer.plan,
        lines=(customers.Line(label=offer.plan, monthly=offer.monthly),),
        commitment_until=offer.commitment_until,
    )
    return drafts.draft(customer=customer, proposal=proposal, by=by, at=at)
