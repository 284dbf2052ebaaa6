"""A contact and the promises made in it: one transaction, from the call to the queued mail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from crm import calls
from crm.actors import Actor
from crm.calls import Call, Logged
from crm.models import Attempt, Customer, User
from followups import callbacks, leases, plans, promises, slots
from followups.models import Promise
from followups.terms import Refused, Terms
from offers import drafts
from offers.channels import CHANNELS
from offers.models.deliveries import PAPER


@dataclass(frozen=True)
class Recorded:
    """What was written: the call, and the promises that this time were new."""

    logged: Logged
    promises: tuple[Promise, ...]


@transaction.atomic
def record(
    *, call: Call, terms: Sequence[Terms] = (), owner: User | None = None, by: Actor, at: datetime
) -> Recorded:
    """Logs the call and makes its promises; all of it or nothing, under the customer's lock.

    The same call again (source, external id) changes nothing and makes no promise twice: a
    promise of the same kind, words and content made in this call is the one that is there.
    Raises calls.Contradiction, or terms.Refused naming the field.
    """
    logged = calls.log(call=call, by=by, at=at)
    if logged.new or logged.revised:
        callbacks.heed(attempt=logged.attempt, by=by, at=at)
        _unwanted(call, by=by, at=at)
    made: list[Promise] = []
    # Documents first: a call may wait for one that is promised in the same contact.
    for number, wanted in sorted(enumerate(terms), key=lambda each: _last(each[1])):
        wanted = _awaiting(wanted, logged.attempt, number)
        promise = _promise(logged, wanted, number, owner or logged.attempt.agent, by, at)
        made += [promise] if promise else []
    if call.decision_id and (call.ended_at or call.disposition):
        leases.release(decision_id=call.decision_id, by=by, at=at)
    return Recorded(logged=logged, promises=tuple(made))


def _last(terms: Terms) -> bool:
    return terms.kind == Promise.Kind.CALLBACK


def _awaiting(terms: Terms, attempt: Attempt, number: int) -> Terms:
    """The terms with the promise of this contact for which the call waits."""
    if not terms.after_this:
        return terms
    document = attempt.promises.exclude(kind=Promise.Kind.CALLBACK).order_by("pk").first()
    if document is None:
        words = _("Nothing else is promised in this call for which it could wait.")
        raise Refused(f"promises.{number}.after", words)
    return replace(terms, after=document, after_this=False)


def _unwanted(call: Call, *, by: Actor, at: datetime) -> None:
    """They said that they want no call: a promised one is somebody's to decide."""
    said = call.disposition
    if call.customer and said and (said.do_not_call or said.code == "deceased"):
        callbacks.unwanted(customer_id=call.customer.pk, by=by, at=at)


def _promise(
    logged: Logged, terms: Terms, number: int, owner: User | None, by: Actor, at: datetime
) -> Promise | None:
    attempt = logged.attempt
    if attempt.customer is None:
        raise Refused("customer", _("Nobody we know was on this call, so nothing can be promised."))
    if owner is None:
        raise Refused("agent", _("A promise needs an agent who owns it."))
    if not logged.new and _known(attempt.promises.all(), terms):
        return None
    check(terms, customer=attempt.customer, number=number)
    if terms.kind == Promise.Kind.CALLBACK:
        return _call_back(attempt, terms, number, owner, by, at)
    promise = promises.make(attempt=attempt, terms=terms, owner=owner, by=by, at=at)
    plans.start(promise=promise, by=by, at=at)
    return promise


def _call_back(
    attempt: Attempt, terms: Terms, number: int, owner: User, by: Actor, at: datetime
) -> Promise:
    """One call at a time: another one is refused, or moves the one that stands."""
    before = callbacks.standing(attempt=attempt, moves=terms.moves)
    if before and not terms.moves:
        raise Refused(f"promises.{number}.move", callbacks.already(before, at=at))
    if before:
        promises.mark_broken(promise=before, by=by, at=at)
    promise = promises.make(
        attempt=attempt, terms=terms, owner=owner, by=by, at=at, replaces=before
    )
    if before:
        callbacks.moved(before=before, promise=promise, by=by, at=at)
    return promise


def _known(made: Iterable[Promise], terms: Terms) -> bool:
    return any(
        promise.kind == terms.kind
        and promise.version_id == (terms.version.pk if terms.version else None)
        and promise.document_id == (terms.document.pk if terms.document else None)
        and promise.text.words == terms.words
        and (terms.kind != Promise.Kind.CALLBACK or _same_hour(promise, terms))
        for promise in made
    )


def _same_hour(promise: Promise, terms: Terms) -> bool:
    if terms.after or terms.after_this:
        return promise.after_id is not None and promise.after_days == terms.after_days
    return promise.due_at == terms.due_at


def check(terms: Terms, *, customer: Customer, number: int = 0) -> None:
    """Raises Refused, in words and with the field, for a promise that could not be kept."""
    place = f"promises.{number}"
    unknown = [channel for channel in terms.plan if channel not in CHANNELS]
    if terms.kind == Promise.Kind.CALLBACK:
        slots.check(terms, customer=customer, place=place)
        return
    # A channel twice would send again what may have left (UNKNOWN is never re-sent).
    if unknown or not terms.plan or len(set(terms.plan)) < len(terms.plan):
        raise Refused(f"{place}.channel", _("This channel is not available."))
    if terms.kind == Promise.Kind.SEND_OFFER and terms.version is None:
        raise Refused(f"{place}.offer", _("Say which offer is promised."))
    if terms.kind == Promise.Kind.SEND_DOCUMENT and terms.document is None:
        raise Refused(f"{place}.document", _("Say which document is promised."))
    if terms.version and terms.version.offer.customer_id != customer.pk:
        raise Refused(f"{place}.offer", _("This offer is another customer's."))
    if terms.version and not drafts.stands(terms.version.offer):
        raise Refused(f"{place}.offer", _("This offer was withdrawn."))
    if terms.document and terms.document.customer_id != customer.pk:
        raise Refused(f"{place}.document", _("This document is another customer's."))
    _check_address(terms, customer=customer, place=place)


def _check_address(terms: Terms, *, customer: Customer, place: str) -> None:
    if terms.plan[0] in PAPER:
        _check_paper(terms, customer=customer, place=place)
    elif terms.address:
        try:
            validate_email(terms.address)
        except ValidationError as error:
            raise Refused(f"{place}.address", _("This is not a mail address.")) from error
    elif terms.address_accepted:
        raise Refused(f"{place}.address", _("An address is read back before it is accepted."))


def _check_paper(terms: Terms, *, customer: Customer, place: str) -> None:
    """Paper goes to the address on file, which must be complete."""
    on_file = CHANNELS[terms.plan[0]].address_of(customer)
    if terms.plan[0] == "bill_insert" and on_file is None:
        raise Refused(f"{place}.channel", _("This customer gets no paper bill."))
    if on_file is None:
        raise Refused(f"{place}.channel", _("The postal address is incomplete."))
    if terms.address not in {"", on_file}:
        raise Refused(f"{place}.address", _("Paper goes to the postal address on file."))
