"""What the followups storey takes out when somebody is forgotten."""

from __future__ import annotations

from datetime import datetime

from crm.actors import Actor
from crm.forgetting import Person
from followups import items, overrides, promises
from followups.models import Promise, PromiseText


def erase(person: Person, *, by: Actor, at: datetime) -> None:
    """What is owed to nobody is closed; what was said goes."""
    rows = Promise.objects.filter(customer__in=person.ids)
    for promise in rows.open().select_related("customer").order_by("pk"):
        promises.erase(promise=promise, by=by, at=at)
    PromiseText.objects.filter(promise__in=rows).update(words="", address="")
    items.forget(person.ids, by=by, at=at)
    overrides.blank(person.ids)
