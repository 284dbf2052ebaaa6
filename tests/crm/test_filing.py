"""One customer as another system tells of them: new, changed or the same, and never half."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import filing
from crm.customers import Facts
from crm.models import AuditEntry, Contract, Customer, GateChange
from tests.cast import CONTRACT, START, SYSTEM, Cast


def facts(cast: Cast, **more: Any) -> Facts:
    known: dict[str, Any] = {
        "name": "Dhr. Emiel Claes",
        "language": "nl",
        "team": cast.gent,
        "external_id": "CRM-7",
        "phones": ("+32473112233", "+3292223344"),
        "emails": ("emiel@post.example",),
        "street": "Veldstraat 1",
        "postcode": "9000",
        "city": "Gent",
        "bill_day": 12,
        "note": "a note",
        "contract": CONTRACT,
    }
    return Facts(**known | more)


def put(told: Facts, customer: Customer | None = None) -> tuple[Customer, str]:
    return filing.put(facts=told, customer=customer, by=SYSTEM, at=START)


def test_what_was_written_reads_back_the_same(cast: Cast) -> None:
    told = facts(cast)
    row, became = put(told)
    assert became == filing.NEW
    assert filing.facts_of(filing.whole().get(pk=row.pk)) == told


def test_the_same_facts_write_nothing(cast: Cast) -> None:
    row, _new = put(facts(cast))
    with CaptureQueriesContext(connection) as asked:
        assert put(facts(cast), row) == (row, filing.SAME)
    assert not [q for q in asked if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


@pytest.mark.parametrize(
    "more",
    [
        {"name": "Emiel Claes"},
        {"note": ""},
        {"city": "Aalst"},
        {"bill_day": None},
        {"external_id": "CRM-8"},
        {"phones": ("+3292223344", "+32473112233")},
        {"emails": ()},
        {"contract": replace(CONTRACT, plan="Solo")},
    ],
)
def test_any_other_fact_is_a_change(cast: Cast, more: dict[str, Any]) -> None:
    row, _new = put(facts(cast))
    told = facts(cast, **more)
    assert put(told, row)[1] == filing.CHANGED
    assert filing.facts_of(filing.whole().get(pk=row.pk)) == told
    assert AuditEntry.objects.get(action="customer_changed").data == {}


def test_only_other_numbers_are_another_gate(cast: Cast) -> None:
    row, _new = put(facts(cast))
    before = GateChange.objects.count()
    put(facts(cast, name="Emiel Claes"), row)
    assert GateChange.objects.count() == before
    put(facts(cast, phones=("+32473112233",)), row)
    assert GateChange.objects.count() == before + 1


def test_a_contract_that_is_not_told_stays(cast: Cast) -> None:
    row, _new = put(facts(cast))
    assert put(facts(cast, contract=None), row)[1] == filing.SAME
    assert Contract.objects.get(customer=row).plan == CONTRACT.plan


def test_who_was_made_up_stays_called_so(cast: Cast) -> None:
    row, _new = put(facts(cast, generated=True))
    put(facts(cast, name="Emiel Claes"), row)
    assert Customer.objects.get(pk=row.pk).generated


def test_an_external_id_that_is_taken_changes_nothing(cast: Cast) -> None:
    put(facts(cast))
    with pytest.raises(filing.Taken):
        put(facts(cast, name="Another"))
    with pytest.raises(filing.Taken):
        put(facts(cast), cast.dupont)
    assert Customer.objects.get(pk=cast.dupont.pk).text.name == "Mme Éléonore Dupont"


def test_who_asked_to_be_forgotten_stays_so(cast: Cast) -> None:
    rows = Customer.objects.filter(pk=cast.dupont.pk)
    rows.update(erased_at=START, erased_by="user:1")
    with pytest.raises(filing.Erased):
        put(facts(cast), cast.dupont)
