"""Call-backs that their owner missed: the whole team sees them, and whoever takes one owns it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from crm import access, customers
from crm.actors import Actor
from crm.models import User
from followups import amending, deputies, gate
from followups.models import Promise, PromiseEvent
from followups.models.promises import CALLBACK_TOLERANCE

MOST = 50


def missed(*, team: int | None, at: datetime) -> QuerySet[Promise]:
    """The team's call-backs whose hour has passed, the oldest first.

    Who has only just got one has an hour for it too, before it is anybody's again.
    """
    passed_on = PromiseEvent.objects.filter(
        promise=OuterRef("pk"), cause="reassigned", at__gt=at - CALLBACK_TOLERANCE
    )
    rows = Promise.objects.broken(at).filter(kind=Promise.Kind.CALLBACK, team=team)
    return rows.filter(~Exists(passed_on)).order_by("due_at", "pk")


def at_hand(*, user: User, at: datetime) -> list[Promise]:
    """Those that this person could take: not what is theirs to call anyway, and nobody who may not
    be called, or is just being called."""
    rows = missed(team=user.team_id, at=at).exclude(owner__in=deputies.owners(user, at=at))
    found = list(rows.select_related("customer__text", "owner")[:MOST])
    people = [promise.customer for promise in found]
    # Their own slots are what would be taken; anything else stands in the way of the call.
    slots = [promise.reference for promise in found]
    blocks = gate.blocks(people, purpose="callback", at=at, mine=slots) if people else {}
    return [promise for promise in found if not blocks[promise.customer_id]]


@transaction.atomic
def take(*, promise: Promise, user: User, by: Actor, at: datetime) -> bool:
    """This person owns it from now on, with its event; False when somebody was first, or it is not
    to be taken (any more)."""
    customers.hold([promise.customer_id])
    # A new statement after the lock: it sees who took it while we waited.
    row = missed(team=user.team_id, at=at).filter(pk=promise.pk).first()
    if row is None or not access.may(user, "mend_promises"):
        return False
    return amending.reassign(promise=row, owner=user, reason="missed", by=by, at=at)
