"""What the crm storey takes out when somebody is forgotten."""

from __future__ import annotations

from datetime import datetime

from crm import (
    barring,
    calls,
    campaign_entries,
    consents,
    customers,
    forgotten,
    idempotency,
    questions,
    suppressions,
)
from crm.actors import Actor
from crm.forgetting import Person
from crm.importing import jobs
from crm.models import Customer


def erase(person: Person, *, by: Actor, at: datetime) -> None:
    """Everything that names or reaches them; their numbers are barred, their ids recognised."""
    for customer in Customer.objects.filter(pk__in=person.ids):
        consents.withdraw_all(customer=customer, by=by, at=at)
    consents.blank(person.ids)
    suppressions.blank(person.ids)
    questions.blank(person.ids)
    campaign_entries.forget(person.ids, by=by, at=at)
    calls.blank(person.ids, numbers=person.numbers)
    idempotency.forget_about(person.references)
    jobs.forget_people(person.ids, keys=person.external_ids, until=person.since or at)
    customers.blank(person.ids)
    barring.bar(person.numbers, by=by, at=at)
    marks = [forgotten.hash_id(external_id) for external_id in person.external_ids]
    forgotten.remember(kind=forgotten.Kind.EXTERNAL_ID, marks=marks, by=by, at=at)
