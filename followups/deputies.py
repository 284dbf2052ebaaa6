"""What somebody does for those who are away: the promises, items and calls that are at hand."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import QuerySet

from crm import absences
from crm.models import User
from followups import rulings
from followups.models import Promise
from followups.models.promises import CALLBACK_EARLY


def owners(user: User, *, at: datetime) -> set[int]:
    """Whose things this person does at that moment: their own, and of those they stand in for."""
    return {user.pk} | absences.covered_by(user.pk, at=at)


def slots(user: int, *, at: datetime) -> QuerySet[Promise]:
    """The promised calls whose time has come and which are this person's to make, because their
    owner is away."""
    rows = Promise.objects.open().filter(
        kind=Promise.Kind.CALLBACK, due_at__lte=at + CALLBACK_EARLY
    )
    covered = absences.covered_by(user, at=at)
    return rows.filter(owner__in=covered) if covered else rows.none()


def holders(
    agent: int | None, purpose: str, customers: Collection[int], *, at: datetime | None
) -> tuple[str, ...]:
    """Whose leases and slots do not speak against a call by this agent: the agent's own, and to
    call these customers back the slots of those for whom the agent stands in.

    The gate knows the owner of a slot; a deputy is let through by naming the promise itself. `at`
    None reads the database's clock.
    """
    if agent is None:
        return ()
    own = (f"user:{agent}",)
    if purpose != "callback" or not customers:
        return own
    rows = slots(agent, at=at or rulings.now()).filter(customer__in=customers)
    return own + tuple(rows.values_list("reference", flat=True))
