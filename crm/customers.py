"""Customers: the lock that guards their gate, their numbers, and the only writer of their rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction
from django.db.models import QuerySet

from crm import audit, forgotten, phone
from crm.actors import Actor
from crm.models import (
    Contract,
    ContractLine,
    Customer,
    CustomerText,
    EmailAddress,
    GateChange,
    PhoneNumber,
    PostalAddress,
    Team,
)

# What the audit calls an address that was put right.
CORRECTED = "address_corrected"
LOCK = "SELECT pg_advisory_xact_lock(id) FROM unnest(%s::bigint[]) AS id"
# Numbers live on the negative side, so that no number shares a lock with a customer.
LOCK_NUMBER = "SELECT pg_advisory_xact_lock(-abs(hashtextextended(%s, 0) >> 1) - 1)"


def hold(ids: Iterable[int]) -> None:
    """Takes the customers' locks, in id order, until the transaction ends.

    Everything that can shut or open somebody's gate holds that person first. The statement
    that reads the blocks must be a later one: under READ COMMITTED it then sees what the
    holder before us committed.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("hold() needs a transaction to hold for")
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [sorted(set(ids))])


def hold_number(e164: str) -> None:
    """Takes a number's lock, after its persons': who attaches or calls the number waits."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_NUMBER, [e164])


def note_change(*, customer: Customer, cause: str, at: datetime) -> None:
    """Writes that this customer's gate may have changed (the feed reads it)."""
    GateChange.objects.create(customer=customer, cause=cause, at=at)


def point(ids: Iterable[int], *, to: int | None) -> None:
    """Who is the same person as whom; for crm/merges.py, which says when."""
    Customer.objects.filter(pk__in=list(ids)).update(merged_into=to)


def of_number(e164: str) -> QuerySet[Customer]:
    """Everybody who has this number."""
    return Customer.objects.filter(numbers__e164=e164).order_by("pk")


def sharing(customer: Customer) -> list[int]:
    """The customer and everybody who shares a number with them, by id."""
    others = PhoneNumber.objects.filter(e164__in=customer.numbers.values("e164"))
    return sorted({customer.pk, *others.values_list("customer_id", flat=True)})


def fold(text: str) -> str:
    """Lower case without accents, for searching: "Dupónt" and "DUPONT" meet."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold().strip()


@dataclass(frozen=True)
class Line:
    """A price line of a contract in force; euro a month, tax included."""

    label: str
    monthly: Decimal
    promo_monthly: Decimal | None = None
    promo_until: date | None = None
    speed_down_mbps: int | None = None
    speed_up_mbps: int | None = None
    volume: str = ""


@dataclass(frozen=True)
class ContractFacts:
    """The contract in force."""

    plan: str
    lines: tuple[Line, ...] = ()
    commitment_until: date | None = None
    termination_fee: Decimal = Decimal(0)
    since: date | None = None


@dataclass(frozen=True)
class Facts:
    """What is known about a customer, as a form or an import brings it."""

    name: str
    language: str
    team: Team
    country: str = "BE"
    external_id: str | None = None
    phones: tuple[str, ...] = ()  # E.164
    emails: tuple[str, ...] = ()
    street: str = ""
    postcode: str = ""
    city: str = ""
    bill_medium: str = Customer.BillMedium.PAPER
    bill_day: int | None = None
    note: str = ""
    generated: bool = False
    contract: ContractFacts | None = field(default=None)


@transaction.atomic
def add(*, facts: Facts, at: datetime) -> Customer:
    """Writes a new customer with everything known; the reference is C- and the row's number."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('crm_customer', 'id'))")
        (pk,) = cursor.fetchone()
    customer = Customer.objects.create(
        pk=pk,
        reference=f"C-{pk:06d}",
        external_id=facts.external_id,
        language=facts.language,
        country=facts.country,
        bill_medium=facts.bill_medium,
        bill_day=facts.bill_day,
        team=facts.team,
        generated=facts.generated,
        created_at=at,
    )
    CustomerText.objects.create(
        customer=customer,
        name=facts.name,
        folded_name=fold(facts.name)[:200],
        note=facts.note,
    )
    PostalAddress.objects.create(
        customer=customer, street=facts.street, postcode=facts.postcode, city=facts.city
    )
    EmailAddress.objects.bulk_create(
        EmailAddress(customer=customer, address=address, position=position)
        for position, address in enumerate(facts.emails)
    )
    for position, e164 in enumerate(facts.phones):
        add_number(customer=customer, e164=e164, position=position, at=at)
    if facts.contract:
        set_contract(customer=customer, contract=facts.contract)
    return customer


@transaction.atomic
def add_number(*, customer: Customer, e164: str, position: int, at: datetime) -> None:
    """Attaches a number; everybody who already shares it meets the same gate from now on."""
    hold([customer.pk])
    hold_number(e164)
    _, new = PhoneNumber.objects.get_or_create(
        customer=customer, e164=phone.normalise(e164), defaults={"position": position}
    )
    if new:
        forgotten.bar([customer.pk])
        note_change(customer=customer, cause="number_added", at=at)


@transaction.atomic
def add_email(*, customer: Customer, address: str) -> EmailAddress:
    """Puts a mail address first; the older ones stay behind it."""
    known = list(customer.emails.all())
    for row in known:
        EmailAddress.objects.filter(pk=row.pk).update(position=row.position + 1)
    row, _ = EmailAddress.objects.update_or_create(
        customer=customer, address=address, defaults={"position": 0, "bad_at": None}
    )
    return row


def set_postal(*, customer: Customer, street: str, postcode: str, city: str) -> PostalAddress:
    """Puts right where letters and the paper bill go."""
    row, _ = PostalAddress.objects.update_or_create(
        customer=customer, defaults={"street": street, "postcode": postcode, "city": city}
    )
    return row


def correct_email(*, customer: Customer, address: str, by: Actor, at: datetime) -> None:
    """A mail address as the customer told it: first on file from now on, and whoever wrote it down
    is in the audit, without the address."""
    _corrected(customer, "email", by, at)
    add_email(customer=customer, address=address)


def correct_postal(
    *, customer: Customer, street: str, postcode: str, city: str, by: Actor, at: datetime
) -> PostalAddress:
    """Where paper goes, as the customer told it; in the audit, without the address."""
    _corrected(customer, "postal", by, at)
    return set_postal(customer=customer, street=street, postcode=postcode, city=city)


def _corrected(customer: Customer, kind: str, by: Actor, at: datetime) -> None:
    subject = f"customer:{customer.pk}"
    audit.write(action=CORRECTED, subject=subject, by=by, at=at, data={"kind": kind})


def mark_forgotten(ids: Iterable[int], *, by: str, at: datetime) -> None:
    """These rows are nobody from now on; for crm/forgetting.py, which says when."""
    Customer.objects.filter(pk__in=list(ids), erased_at=None).update(erased_at=at, erased_by=by)


def blank(ids: Iterable[int]) -> None:
    """Takes out of these customers' rows whatever names or reaches a person, and the contract."""
    people = list(ids)
    CustomerText.objects.filter(customer__in=people).update(name="", folded_name="", note="")
    for model in (PhoneNumber, EmailAddress, PostalAddress, Contract):
        model._default_manager.filter(customer__in=people).delete()
    Customer.objects.filter(pk__in=people).update(external_id=None, bill_day=None)


def mark_bad(*, customer: Customer, address: str, at: datetime) -> None:
    """A report said that this address does not exist."""
    EmailAddress.objects.filter(customer=customer, address__iexact=address).update(bad_at=at)


@transaction.atomic
def set_contract(*, customer: Customer, contract: ContractFacts) -> Contract:
    """Replaces the contract in force and its price lines."""
    row, _ = Contract.objects.update_or_create(
        customer=customer,
        defaults={
            "plan": contract.plan,
            "commitment_until_date": contract.commitment_until,
            "termination_fee": contract.termination_fee,
            "since_date": contract.since,
        },
    )
    row.lines.all().delete()
    ContractLine.objects.bulk_create(
        ContractLine(
            contract=row,
            position=position,
            label=line.label,
            monthly=line.monthly,
            promo_monthly=line.promo_monthly,
            promo_until_date=line.promo_until,
            speed_down_mbps=line.speed_down_mbps,
            speed_up_mbps=line.speed_up_mbps,
            volume=line.volume,
        )
        for position, line in enumerate(contract.lines)
    )
    return row
