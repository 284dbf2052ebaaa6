"""One customer as another system tells of them: written new, replaced, or left as they are.

The part of the writer of customers that knows what stood there before.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from crm import audit, customers, forgotten
from crm.actors import Actor
from crm.customers import ContractFacts, Facts, Line
from crm.models import Contract, Customer, CustomerText, EmailAddress, PhoneNumber

# The columns of the customer's own row that facts fill.
OWN = ("external_id", "language", "country", "bill_medium", "bill_day", "team", "generated")
NEW, CHANGED, SAME = "new", "changed", "same"


class Taken(ValueError):
    """Somebody else has this external id."""


class Erased(ValueError):
    """The customer asked to be forgotten, and is not brought back."""


def whole() -> QuerySet[Customer]:
    """Customers with everything known about them, in a fixed number of queries."""
    rows = Customer.objects.select_related("text", "postal", "contract", "team")
    return rows.prefetch_related("numbers", "emails", "contract__lines")


def facts_of(customer: Customer) -> Facts:
    """What is known, as a form or an import would bring it. Best asked of a row of `whole()`."""
    postal, contract = getattr(customer, "postal", None), getattr(customer, "contract", None)
    return Facts(
        name=customer.text.name,
        note=customer.text.note,
        phones=tuple(row.e164 for row in customer.numbers.all()),
        emails=tuple(row.address for row in customer.emails.all()),
        street=postal.street if postal else "",
        postcode=postal.postcode if postal else "",
        city=postal.city if postal else "",
        contract=_contract_facts(contract) if contract else None,
        **{name: getattr(customer, name) for name in OWN},
    )


def _contract_facts(row: Contract) -> ContractFacts:
    lines = (
        Line(
            label=line.label,
            monthly=line.monthly,
            promo_monthly=line.promo_monthly,
            promo_until=line.promo_until_date,
            speed_down_mbps=line.speed_down_mbps,
            speed_up_mbps=line.speed_up_mbps,
            volume=line.volume,
        )
        for line in row.lines.all()
    )
    return ContractFacts(
        plan=row.plan,
        lines=tuple(lines),
        commitment_until=row.commitment_until_date,
        termination_fee=row.termination_fee,
        since=row.since_date,
    )


@transaction.atomic
def put(
    *, facts: Facts, customer: Customer | None = None, by: Actor, at: datetime
) -> tuple[Customer, str]:
    """Makes the customer what `facts` say, or writes a new one; and says what became of it.

    The same facts again change nothing. A contract that they do not tell of stays as it is.
    Raises Taken or Erased, and then changes nothing.
    """
    try:
        row, became = _put(facts, customer, at) if customer else _add(facts, at)
    except IntegrityError as error:
        raise Taken from error
    if became != SAME:
        audit.write(action=f"customer_{became}", subject=f"customer:{row.pk}", by=by, at=at)
    return row, became


def _add(facts: Facts, at: datetime) -> tuple[Customer, str]:
    if facts.external_id and forgotten.was_forgotten(facts.external_id):
        raise Erased
    return customers.add(facts=facts, at=at), NEW


def _put(facts: Facts, customer: Customer, at: datetime) -> tuple[Customer, str]:
    customers.hold([customer.pk])
    row = whole().get(pk=customer.pk)
    if row.erased_at:
        raise Erased
    before = facts_of(row)
    told = facts.contract or before.contract
    facts = replace(facts, contract=told, generated=before.generated)
    if facts == before:
        return row, SAME
    Customer.objects.filter(pk=row.pk).update(**{name: getattr(facts, name) for name in OWN})
    CustomerText.objects.filter(customer=row).update(
        name=facts.name, folded_name=customers.fold(facts.name)[:200], note=facts.note
    )
    place = {"street": facts.street, "postcode": facts.postcode, "city": facts.city}
    customers.set_postal(customer=row, **place)
    if facts.emails != before.emails:
        _put_emails(row, facts.emails)
    if facts.phones != before.phones:
        _put_numbers(row, facts.phones, before.phones, at)
    if facts.contract and facts.contract != before.contract:
        customers.set_contract(customer=row, contract=facts.contract)
    row.external_id = facts.external_id
    return row, CHANGED


def _put_emails(customer: Customer, wanted: tuple[str, ...]) -> None:
    """In this order. What a report has said about an address that stays is kept."""
    EmailAddress.objects.filter(customer=customer).exclude(address__in=wanted).delete()
    for position, address in enumerate(wanted):
        EmailAddress.objects.update_or_create(
            customer=customer, address=address, defaults={"position": position}
        )


def _put_numbers(
    customer: Customer, wanted: tuple[str, ...], before: tuple[str, ...], at: datetime
) -> None:
    """Whoever shares a number that comes or goes meets another gate from now on."""
    for e164 in sorted({*wanted} ^ {*before}):
        customers.hold_number(e164)
    PhoneNumber.objects.filter(customer=customer).exclude(e164__in=wanted).delete()
    for position, e164 in enumerate(wanted):
        PhoneNumber.objects.update_or_create(
            customer=customer, e164=e164, defaults={"position": position}
        )
    forgotten.bar([customer.pk])
    customers.note_change(customer=customer, cause="numbers_changed", at=at)
