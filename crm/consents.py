"""The consent ledger: the only writer of Consent. Nothing counts without its proof."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm import audit, customers, forgotten
from crm.actors import Actor
from crm.models import Consent, ConsentText, Customer

CLOSER = Actor.sweep("consents")
LONGEST_PROOF = 200


class Refused(ValueError):
    """A consent that cannot be one; `field` is at fault, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Given:
    """What somebody records. `proof` says where it lies; `words` what was asked and answered."""

    origin: str
    proof: str
    given_at: datetime
    until_at: datetime | None = None
    basis: str = Consent.Basis.CONSENT
    words: str = ""


@transaction.atomic
def record(*, customer: Customer, given: Given, by: Actor, at: datetime) -> Consent:
    """Writes a consent down; the same proof again is the row that stands. Raises Refused."""
    check(given, at=at)
    proof = given.proof.strip()
    customers.hold([customer.pk])
    standing = Consent.objects.filter(
        customer=customer, basis=given.basis, proof=proof, withdrawn_at=None
    ).first()
    if standing:
        return standing
    row = Consent.objects.create(
        customer=customer,
        basis=given.basis,
        origin=given.origin,
        proof=proof,
        given_at=given.given_at,
        until_at=given.until_at,
        recorded_at=at,
        recorded_by=by.code,
    )
    ConsentText.objects.create(consent=row, words=given.words.strip())
    customers.note_change(customer=customer, cause="consent_given", at=at)
    audit.write(action="consent_recorded", subject=f"customer:{customer.pk}", by=by, at=at)
    return row


def check(given: Given, *, at: datetime) -> None:
    """Raises Refused for what cannot be a consent, whoever gave it."""
    if not given.proof.strip():
        raise Refused("proof", _("A consent without proof is none: say where the proof lies."))
    if len(given.proof.strip()) > LONGEST_PROOF:
        raise Refused("proof", _("At most 200 characters: an id or an address, not the thing."))
    if given.given_at > at:
        raise Refused("given_at", _("This moment has not come yet."))
    if given.until_at and given.until_at <= given.given_at:
        raise Refused("until_at", _("It would end before it began."))
    if given.basis not in Consent.Basis.values:
        raise Refused("basis", _("A consent, or a relation that stands for one."))
    if given.origin not in Consent.Origin.values:
        raise Refused("origin", _("Where was it given: on a call, a form, a web page?"))


@transaction.atomic
def withdraw(*, consent: Consent, by: Actor, at: datetime) -> bool:
    """The person's own wish, at any time and without a reason; False when somebody was first."""
    customers.hold([consent.customer_id])
    return _end(consent, cause="consent_withdrawn", ended_at=at, by=by, at=at)


@transaction.atomic
def withdraw_all(*, customer: Customer, by: Actor, at: datetime) -> int:
    """Who wants no call any more has withdrawn what was given before."""
    customers.hold([customer.pk])
    rows = Consent.objects.filter(customer=customer, withdrawn_at=None).order_by("pk")
    return sum(_end(row, cause="consent_withdrawn", ended_at=at, by=by, at=at) for row in rows)


def blank(ids: Iterable[int]) -> None:
    """Takes out what was said and where its proof lies; that a consent stood remains."""
    rows = Consent.objects.filter(customer__in=list(ids))
    ConsentText.objects.filter(consent__in=rows).update(words="")
    for row in rows.exclude(proof__startswith=forgotten.FORGOTTEN):
        Consent.objects.filter(pk=row.pk).update(proof=forgotten.known_as(row.proof))


def on_file(customer: Customer) -> QuerySet[Consent]:
    """All that was ever recorded of a person, the newest first; what has ended says so."""
    rows = Consent.objects.filter(customer=customer)
    return rows.select_related("text").order_by("-given_at", "-pk")


def close_ended(*, at: datetime) -> int:
    """The consents sweep: what has run out is closed, so that the feed tells it."""
    ended = Consent.objects.filter(withdrawn_at=None, until_at__lte=at).order_by("until_at")
    return sum(_close(row, at) for row in ended[:1000])


@transaction.atomic
def _close(row: Consent, at: datetime) -> bool:
    customers.hold([row.customer_id])
    return _end(row, cause="consent_ended", ended_at=row.until_at or at, by=CLOSER, at=at)


def _end(row: Consent, *, cause: str, ended_at: datetime, by: Actor, at: datetime) -> bool:
    won = Consent.objects.filter(pk=row.pk, withdrawn_at=None).update(
        withdrawn_at=ended_at, withdrawn_by=by.code
    )
    if won:
        customers.note_change(customer=row.customer, cause=cause, at=at)
        audit.write(action=cause, subject=f"customer:{row.customer_id}", by=by, at=at)
    return bool(won)
