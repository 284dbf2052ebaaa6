"""Merging: two customers are one person, until somebody finds that they are two.

The only writer of Merge, and of the pointer `merged_into` in a customer's row. Nothing else moves:
the gate reads all rows of a person as one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm import audit, customers, suppressions
from crm.actors import Actor
from crm.models import Customer, Merge, Suppression

UNDONE_WITHIN = timedelta(days=30)


class Refused(ValueError):
    """These two cannot be merged, or no more be separated; the message says why."""


def group_of(ids: Iterable[int]) -> list[int]:
    """These customers and whoever is the same person as one of them, by id. Two queries at most."""
    wanted = set(ids)
    rows = Customer.objects.filter(pk__in=wanted, merged_into__isnull=False)
    roots = set(rows.values_list("merged_into", flat=True))
    if roots:
        wanted |= set(Customer.objects.filter(merged_into__in=roots).values_list("pk", flat=True))
    return sorted(wanted)


def groups(people: Collection[Customer]) -> dict[int, tuple[int, ...]]:
    """Of each of them, the rows that are the same person, itself among them. One query, or none."""
    found: dict[int, tuple[int, ...]] = {person.pk: (person.pk,) for person in people}
    roots = {person.pk: person.merged_into_id for person in people}
    wanted = {root for root in roots.values() if root}
    if wanted:
        rows = Customer.objects.filter(merged_into__in=wanted).values_list("merged_into", "pk")
        of_root: dict[int | None, list[int]] = {}
        for root, pk in rows.order_by("pk"):
            of_root.setdefault(root, []).append(pk)
        found |= {pk: tuple(of_root[root]) for pk, root in roots.items() if root in of_root}
    return found


def standing(people: Collection[int]) -> QuerySet[Merge]:
    """The merges that made these rows one person, the newest first."""
    rows = Merge.objects.filter(root__in=people, undone_at=None)
    return rows.select_related("customer__text", "root__text")


@transaction.atomic
def merge(*, customer: Customer, into: Customer, by: Actor, at: datetime) -> Merge:
    """From now on both are one person; `into` is the one that is shown first. Raises Refused."""
    customers.hold(group_of([customer.pk, into.pk]))
    customer, into = _again(customer), _again(into)
    moved, staying = group_of([customer.pk]), group_of([into.pk])
    if into.pk in moved:
        raise Refused(_("These two are one person already."))
    if customer.erased_at or into.erased_at:
        raise Refused(_("Somebody who asked to be forgotten is merged with nobody."))
    root = into.merged_into or into
    customers.hold([*moved, *staying])
    row = Merge.objects.create(
        customer=customer.merged_into or customer,
        root=root,
        moved=moved,
        merged_at=at,
        merged_by=by.code,
    )
    customers.point([*moved, *staying], to=root.pk)
    _tell([*moved, *staying], cause="merged", row=row, by=by, at=at)
    return row


@transaction.atomic
def undo(*, merge: Merge, by: Actor, at: datetime) -> bool:
    """They are two after all; False when somebody was first. Raises Refused after 30 days.

    Wishes that were born meanwhile stay on both.
    """
    if at - merge.merged_at > UNDONE_WITHIN:
        raise Refused(_("After 30 days a merge stays."))
    everybody = group_of([merge.root_id])
    customers.hold(everybody)
    won = Merge.objects.filter(pk=merge.pk, undone_at=None).update(undone_at=at, undone_by=by.code)
    if not won:
        return False
    gone = [pk for pk in everybody if pk in merge.moved]
    left = [pk for pk in everybody if pk not in merge.moved]
    customers.point(gone, to=merge.customer_id if len(gone) > 1 else None)
    customers.point(left, to=merge.root_id if len(left) > 1 else None)
    for here, there in ((gone, merge.root), (left, merge.customer)):
        _copy_wishes(here, to=there, merge=merge, by=by, at=at)
    _tell(everybody, cause="separated", row=merge, by=by, at=at)
    return True


def _again(customer: Customer) -> Customer:
    """The row as it is now that we hold it."""
    return Customer.objects.select_related("merged_into").get(pk=customer.pk)


def _copy_wishes(here: list[int], *, to: Customer, merge: Merge, by: Actor, at: datetime) -> None:
    born = Suppression.objects.filter(
        customer__in=here, lifted_at=None, from_at__gte=merge.merged_at
    )
    for wish in born.order_by("pk"):
        suppressions.add(
            customer=to,
            kind=wish.kind,
            origin=Suppression.Origin.MERGE,
            proof=f"suppression:{wish.pk}",
            campaign=wish.campaign,
            by=by,
            at=at,
        )


def _tell(ids: Iterable[int], *, cause: str, row: Merge, by: Actor, at: datetime) -> None:
    for customer in Customer.objects.filter(pk__in=list(ids)).order_by("pk"):
        customers.note_change(customer=customer, cause=cause, at=at)
    data = {"customer": row.customer_id, "root": row.root_id}
    audit.write(action=f"customers_{cause}", subject=f"merge:{row.pk}", by=by, at=at, data=data)
