"""Many customers at once: the part of the writer of customers that imports use. COPY, by batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection, models, transaction
from psycopg import sql

from crm import customers, forgotten
from crm.customers import ContractFacts, Facts, Line
from crm.filing import CHANGED as CHANGED
from crm.filing import NEW as NEW
from crm.filing import OWN, facts_of, whole
from crm.filing import SAME as SAME
from crm.models import (
    Contract,
    ContractLine,
    Customer,
    CustomerText,
    EmailAddress,
    GateChange,
    PhoneNumber,
    PostalAddress,
)

ERASED = "erased"
Known = dict[str, Customer]


def compare(batch: Sequence[Facts]) -> list[str]:
    """What writing this batch would do to each: new, changed, same or erased. Reads only."""
    known, gone = _known(batch), _gone(batch)
    return [_verdict(facts, known, gone) for facts in batch]


@transaction.atomic
def put(batch: Sequence[Facts], *, at: datetime) -> list[str]:
    """Writes a batch, all of it or nothing; says of each what became of it.

    Customers are told apart by external id, which each must have, once. The file is right about
    telephone numbers; a mail address that it brings is added in front, because an agent may have
    mended one since. Somebody who asked to be forgotten is left alone. Holds those who change,
    in the order of their ids; like every bulk import, it takes no lock on numbers.
    """
    known, gone = _known(batch), _gone(batch)
    verdicts = [_verdict(facts, known, gone) for facts in batch]
    pairs = list(zip(batch, verdicts, strict=True))
    _add([facts for facts, verdict in pairs if verdict == NEW], at=at)
    changed = [
        (known[facts.external_id or ""], facts) for facts, verdict in pairs if verdict == CHANGED
    ]
    if changed:
        customers.hold([customer.pk for customer, _facts in changed])
        _change(changed, at=at)
    forgotten.bar(
        Customer.objects.filter(
            external_id__in=[facts.external_id for facts, verdict in pairs if verdict != SAME]
        ).values_list("pk", flat=True)
    )
    return verdicts


def _known(batch: Iterable[Facts]) -> Known:
    rows = whole().filter(external_id__in=[facts.external_id for facts in batch])
    return {row.external_id or "": row for row in rows}


def _gone(batch: Iterable[Facts]) -> set[str]:
    return forgotten.those_forgotten(facts.external_id or "" for facts in batch)


def _verdict(facts: Facts, known: Known, gone: set[str]) -> str:
    customer = known.get(facts.external_id or "")
    if customer is None:
        return ERASED if facts.external_id in gone else NEW
    if customer.erased_at:
        return ERASED
    return SAME if _same(customer, facts) else CHANGED


def _same(customer: Customer, facts: Facts) -> bool:
    """A contract that the file does not tell of is no difference, nor is one more mail address."""
    now = facts_of(customer)
    more = set(now.emails) >= set(facts.emails)
    return more and now == replace(
        facts, emails=now.emails, contract=facts.contract or now.contract
    )


def _add(batch: Sequence[Facts], *, at: datetime) -> None:
    pairs = list(zip(next_ids(Customer, len(batch)), batch, strict=True))
    copy(Customer, (_customer(pk, facts, at) for pk, facts in pairs))
    copy(CustomerText, (_text(pk, facts) for pk, facts in pairs))
    copy(PostalAddress, (_address(pk, facts) for pk, facts in pairs))
    copy(EmailAddress, (row for pk, facts in pairs for row in _emails(pk, facts)))
    copy(PhoneNumber, (row for pk, facts in pairs for row in _numbers(pk, facts)))
    copy(
        GateChange,
        (
            GateChange(customer_id=pk, cause="number_added", at=at)
            for pk, facts in pairs
            if facts.phones
        ),
    )
    with_contract = [(pk, facts.contract) for pk, facts in pairs if facts.contract]
    _add_contracts(with_contract)


def _customer(pk: int, facts: Facts, at: datetime) -> Customer:
    own = {name: getattr(facts, name) for name in OWN}
    return Customer(pk=pk, reference=f"C-{pk:06d}", created_at=at, **own)


def _text(pk: int, facts: Facts) -> CustomerText:
    folded = customers.fold(facts.name)[:200]
    return CustomerText(customer_id=pk, name=facts.name, folded_name=folded, note=facts.note)


def _address(pk: int, facts: Facts) -> PostalAddress:
    return PostalAddress(
        customer_id=pk, street=facts.street, postcode=facts.postcode, city=facts.city
    )


def _emails(pk: int, facts: Facts) -> list[EmailAddress]:
    return [
        EmailAddress(customer_id=pk, address=address, position=position)
        for position, address in enumerate(facts.emails)
    ]


def _numbers(pk: int, facts: Facts) -> list[PhoneNumber]:
    return [
        PhoneNumber(customer_id=pk, e164=e164, position=position)
        for position, e164 in enumerate(facts.phones)
    ]


def replace_contracts(pairs: Sequence[tuple[int, ContractFacts | None]]) -> None:
    """The contracts in force of these customers, by id, are these; None takes one away."""
    Contract.objects.filter(customer_id__in=[pk for pk, _facts in pairs]).delete()
    _add_contracts([(pk, facts) for pk, facts in pairs if facts])


def _add_contracts(pairs: Sequence[tuple[int, ContractFacts]]) -> None:
    ids = next_ids(Contract, len(pairs))
    copy(Contract, (_contract_row(pk, *pair) for pk, pair in zip(ids, pairs, strict=True)))
    lines = (
        _line_row(pk, position, line)
        for pk, (_customer, contract) in zip(ids, pairs, strict=True)
        for position, line in enumerate(contract.lines)
    )
    copy(ContractLine, lines)


def _contract_row(pk: int, customer: int, facts: ContractFacts) -> Contract:
    return Contract(
        pk=pk,
        customer_id=customer,
        plan=facts.plan,
        commitment_until_date=facts.commitment_until,
        termination_fee=facts.termination_fee,
        since_date=facts.since,
    )


def _line_row(contract: int, position: int, line: Line) -> ContractLine:
    return ContractLine(
        contract_id=contract,
        position=position,
        label=line.label,
        monthly=line.monthly,
        promo_monthly=line.promo_monthly,
        promo_until_date=line.promo_until,
        speed_down_mbps=line.speed_down_mbps,
        speed_up_mbps=line.speed_up_mbps,
        volume=line.volume,
    )


def _change(pairs: Sequence[tuple[Customer, Facts]], *, at: datetime) -> None:
    ids = [customer.pk for customer, _facts in pairs]
    for customer, facts in pairs:
        for name in OWN:
            setattr(customer, name, getattr(facts, name))
    Customer.objects.bulk_update([customer for customer, _facts in pairs], OWN)
    renewed = [(customer.pk, facts) for customer, facts in pairs]
    for model, make in ((CustomerText, _text), (PostalAddress, _address)):
        model._default_manager.filter(pk__in=ids).delete()
        copy(model, (make(pk, facts) for pk, facts in renewed))
    _change_numbers(pairs, at=at)
    for customer, facts in pairs:
        present = {row.address for row in customer.emails.all()}
        for address in reversed([a for a in facts.emails if a not in present]):
            customers.add_email(customer=customer, address=address)
    replace_contracts([(pk, facts.contract) for pk, facts in renewed if facts.contract])


def _change_numbers(pairs: Sequence[tuple[Customer, Facts]], *, at: datetime) -> None:
    others = [
        (customer.pk, facts)
        for customer, facts in pairs
        if [row.e164 for row in customer.numbers.all()] != list(facts.phones)
    ]
    PhoneNumber.objects.filter(customer_id__in=[pk for pk, _facts in others]).delete()
    copy(PhoneNumber, (row for pk, facts in others for row in _numbers(pk, facts)))
    copy(
        GateChange,
        (GateChange(customer_id=pk, cause="numbers_changed", at=at) for pk, _facts in others),
    )


def next_ids(model: type[models.Model], count: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [model._meta.db_table, count],
        )
        return [row[0] for row in cursor.fetchall()]


def copy(model: type[models.Model], rows: Iterable[models.Model]) -> None:
    """COPY of rows that have their key already, or take it from the sequence."""
    rows = list(rows)
    if not rows:
        return
    fields: list[models.Field[Any, Any]] = [
        field
        for field in model._meta.concrete_fields
        if not field.has_db_default() and (not field.primary_key or rows[0].pk is not None)
    ]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(", ").join(
            [sql.Identifier(field.get_attname_column()[1] or "") for field in fields]
        ),
    )
    with connection.cursor() as cursor, cursor.copy(statement) as pipe:
        for row in rows:
            pipe.write_row(
                [f.get_db_prep_save(f.value_from_object(row), connection) for f in fields]
            )
