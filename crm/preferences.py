"""What customers want to be written about: the only writer of Preference. The newest line counts.

A preference stops what nobody asked for. It never stops what was promised.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from crm import audit, customers
from crm.actors import Actor
from crm.models import Customer, Preference


def standing(customer: Customer) -> dict[str, bool]:
    """What counts now, by topic. Who said nothing has said no to nothing."""
    said = dict.fromkeys(Preference.Topic.values, True)
    for topic, wanted in customer.preferences.order_by("pk").values_list("topic", "wanted"):
        said[topic] = wanted
    return said


@transaction.atomic
def choose(
    *, customer: Customer, topic: str, wanted: bool, origin: str, by: Actor, at: datetime
) -> Preference | None:
    """Writes a choice; None when it is what counted already."""
    customers.hold([customer.pk])
    if standing(customer)[topic] == wanted:
        return None
    row = Preference.objects.create(
        customer=customer, topic=topic, wanted=wanted, origin=origin, set_at=at, set_by=by.code
    )
    action = "preference_wanted" if wanted else "preference_unwanted"
    subject = f"customer:{customer.pk}"
    audit.write(action=action, subject=subject, data={"topic": topic}, by=by, at=at)
    return row
