"""Two customers that are one person after all, or two: what it means for what was promised."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from crm import customers, merges, suppressions
from crm.actors import Actor
from crm.models import Customer, Merge, Suppression
from followups.models import Promise


@transaction.atomic
def separate(*, merge: Merge, by: Actor, at: datetime) -> bool:
    """Undoes a merge. What was promised to one meanwhile was perhaps promised to the other: until
    somebody has looked, at most 30 days, nobody sells to either. Raises merges.Refused."""
    everybody = merges.group_of([merge.root_id])
    if not merges.undo(merge=merge, by=by, at=at):
        return False
    here = merges.group_of([merge.customer_id])
    there = [pk for pk in everybody if pk not in here]
    for some, other in ((here, merge.root), (there, merge.customer)):
        for promise in _meanwhile(some, merge, at):
            _shut(other, promise, by=by, at=at)
    return True


def _meanwhile(ids: list[int], merge: Merge, at: datetime) -> list[Promise]:
    """What was promised since the merge and still shuts the gate."""
    documents = Promise.objects.filter(customer__in=ids, made_at__gte=merge.merged_at)
    owed = Q(status=Promise.Status.OPEN)
    read = Q(status=Promise.Status.KEPT) & ~Q(kind=Promise.Kind.CALLBACK)
    return list(documents.filter(owed | read).order_by("pk"))


def _shut(other: Customer, promise: Promise, *, by: Actor, at: datetime) -> None:
    customers.hold([other.pk])
    suppressions.add(
        customer=other,
        kind=Suppression.Kind.SEPARATED,
        origin=Suppression.Origin.MERGE,
        proof=promise.reference,
        by=by,
        at=at,
    )
