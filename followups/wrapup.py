"""The wrap-up of a call at the desk: drafts, uploads, the call and its promises, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from crm import calls, customers, questions, wording
from crm.actors import Actor
from crm.calls import Call
from crm.models import Attempt, Customer, Question
from followups import conversations, unfinished
from followups.models import Promise
from followups.terms import Refused, Terms
from offers import catalogue, documents, drafts
from offers.channels import CHANNELS
from offers.models import Document, OfferVersion, Plan

SOURCE = "desk"


@dataclass(frozen=True)
class Place:
    """Where paper goes, as it was read back."""

    street: str
    postcode: str
    city: str


@dataclass(frozen=True)
class Wish:
    """One *We promise…* line.

    What is owed is said by exactly one of version, offer (a plan, drafted while the customer
    listens), document and pdf; by none of them for a written answer; by `slot` for a call-back.
    """

    kind: str
    words: str
    route: tuple[str, ...] = ()  # channels, in the order they are tried
    address: str = ""
    place: Place | None = None
    address_accepted: bool = False
    version: OfferVersion | None = None
    offer: Plan | None = None
    document: Document | None = None
    title: str = ""
    pdf: bytes = b""
    slot: datetime | None = None
    moves: bool = False
    after: Promise | None = None
    after_this: bool = False
    after_days: int = 0


@dataclass(frozen=True)
class Saved:
    """What became of the form. `new` False: it had been saved before, and nothing was added."""

    attempt: Attempt
    promises: tuple[Promise, ...]
    new: bool


@transaction.atomic
def save(
    *,
    call: Call,
    wishes: Sequence[Wish],
    by: Actor,
    at: datetime,
    replies: Mapping[Question, str] | None = None,
    talk: Attempt | None = None,
) -> Saved:
    """One transaction for the whole form. The same form again adds nothing.

    What a dialer told of the same call (`talk`, or the call of the same decision) is completed
    instead of being logged a second time. Raises calls.Contradiction, or terms.Refused naming
    `promises.N.field` or a field of the call.
    """
    customer = call.customer
    if customer is None:
        raise Refused("customer", _("The desk logs calls with customers."))
    customers.hold([customer.pk])
    known = Attempt.objects.filter(source=call.source, external_id=call.external_id).first()
    if known:
        made = tuple(Promise.objects.filter(attempt=known))
        return Saved(known, made, new=False)
    talk = talk or unfinished.told(call)
    if talk:
        talk = Attempt.objects.select_related("text").get(pk=talk.pk)
        if _said_before(talk, call, by):
            return Saved(talk, tuple(talk.promises.all()), new=False)
        call = _completing(call, talk)
    terms = [_terms(wish, n, customer=customer, by=by, at=at) for n, wish in enumerate(wishes)]
    recorded = conversations.record(call=call, terms=terms, by=by, at=at)
    if talk:
        calls.add_note(attempt=recorded.logged.attempt, note=call.note)
    questions.note(attempt=recorded.logged.attempt, said=replies or {}, by=by, at=at)
    return Saved(recorded.logged.attempt, recorded.promises, new=True)


def _said_before(talk: Attempt, call: Call, by: Actor) -> bool:
    """Whether this person has said before what the dialer's call meant. Raises Refused when it was
    something else."""
    mine = talk.revisions.filter(recorded_by=by.code, disposition__isnull=False)
    if not mine.exists():
        return False
    if talk.disposition != call.disposition:
        said = {"meaning": wording.disposition(talk.disposition_id or "")}
        raise Refused("disposition", _("You said of this call already: %(meaning)s.") % said)
    return True


def _completing(call: Call, talk: Attempt) -> Call:
    """The dialer's call with what was said of it by hand. Raises Refused where they disagree."""
    told = _("The telephone system says: %(result)s.")
    if talk.result and call.result != talk.result:
        raise Refused("result", told % {"result": talk.get_result_display()})
    if talk.disposition and call.disposition != talk.disposition:
        meaning = wording.disposition(talk.disposition.pk)
        raise Refused("disposition", told % {"result": meaning})
    return replace(
        call,
        source=talk.source,
        external_id=talk.external_id,
        direction=talk.direction,
        started_at=talk.started_at,
        purpose=talk.purpose,
        campaign=talk.campaign,
        number=talk.text.number,
        ended_at=talk.ended_at or call.ended_at,
    )


def _terms(wish: Wish, number: int, *, customer: Customer, by: Actor, at: datetime) -> Terms:
    version, document = wish.version, wish.document
    if wish.offer:
        version = _draft(wish.offer, customer=customer, by=by, at=at)
    if wish.pdf:
        document = _upload(wish, number, customer=customer, by=by, at=at)
    return Terms(
        kind=wish.kind,
        words=wish.words,
        plan=wish.route,
        address=_address(wish, customer, by=by, at=at),
        address_accepted=wish.address_accepted,
        version=version,
        document=document,
        due_at=wish.slot,
        moves=wish.moves,
        after=wish.after,
        after_this=wish.after_this,
        after_days=wish.after_days,
    )


def _address(wish: Wish, customer: Customer, *, by: Actor, at: datetime) -> str:
    """The address that was read back. A corrected postal one goes on file with the call."""
    if wish.place is None:
        return wish.address
    street, postcode, city = wish.place.street, wish.place.postcode, wish.place.city
    file = getattr(customer, "postal", None)
    if file is None or (file.street, file.postcode, file.city) != (street, postcode, city):
        customer.postal = customers.correct_postal(
            customer=customer, street=street, postcode=postcode, city=city, by=by, at=at
        )
    return CHANNELS[wish.route[0]].address_of(customer) or ""


def _draft(plan: Plan, *, customer: Customer, by: Actor, at: datetime) -> OfferVersion:
    proposal = catalogue.proposal_of(plan, language=customer.language, at=at)
    return drafts.draft(customer=customer, proposal=proposal, by=by, at=at)


def _upload(wish: Wish, number: int, *, customer: Customer, by: Actor, at: datetime) -> Document:
    try:
        return documents.upload(
            customer=customer,
            title=wish.title,
            pdf=wish.pdf,
            language=customer.language,
            by=by,
            at=at,
        )
    except documents.NotADocument as error:
        raise Refused(f"promises.{number}.pdf", str(error)) from error
