"""Items: what a named person has to do. The only writer of Item."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from crm import absences
from crm.absences import Rota
from crm.actors import Actor
from crm.models import User
from crm.workdays import Calendar
from followups import ladder, notices
from followups.models import Item, Promise
from offers.models import Delivery

log = logging.getLogger("kept.items")
CLIMBER = Actor.sweep("items")
# A customer who spoke is answered by a person, whatever becomes of the delivery.
FROM_CUSTOMER = (Item.Kind.ANSWER, Item.Kind.ACCEPTED)


def leads(user: User) -> list[User]:
    """Who answers for this person: their supervisor, else the team's."""
    one = user.supervisor
    # Who has changed the team or the role since they were named leads here no more.
    if one and one.is_active and one.role == one.Role.SUPERVISOR and one.team_id == user.team_id:
        return [one]
    return _team_leads(user)


def _team_leads(user: User) -> list[User]:
    rows = User.objects.filter(role=User.Role.SUPERVISOR, team=user.team_id, is_active=True)
    return list(rows.order_by("pk"))


def supervisors(user: User, *, rota: Rota) -> list[User]:
    """Who is told when this person does not act: who leads them, or stands in for who does."""
    return rota.acting(leads(user)) or rota.acting(_team_leads(user))


def above(user: User, *, at: datetime) -> list[User]:
    """Who is told of what this person left undone, never they themselves: the supervisors; where
    nobody leads them, or all are away, operations."""
    rota = absences.rota(at=at)
    found = [one for one in supervisors(user, rota=rota) if one.pk != user.pk]
    if found:
        return found
    rows = User.objects.filter(role=User.Role.OPERATIONS, is_active=True).exclude(pk=user.pk)
    operations = list(rows.order_by("pk"))
    return rota.acting(operations) or operations


def reachable(user: User, *, at: datetime) -> list[User]:
    """Who hears of something new for this person: they or their deputy, else the supervisors. Who
    is away with nobody behind finds it on the bell."""
    rota = absences.rota(at=at)
    return rota.acting([user]) or supervisors(user, rota=rota) or [user]


@transaction.atomic
def open_for(
    *, promise: Promise, kind: str, delivery: Delivery | None, by: Actor, at: datetime
) -> Item:
    """Gives the promise's owner something to do; the same thing still open is not doubled."""
    rung = ladder.item(
        ladder.Ladder.from_dict(promise.ladder), Calendar.from_dict(promise.calendar), at
    )
    item, new = Item.objects.get_or_create(
        kind=kind,
        promise=promise,
        delivery=delivery,
        closed_at=None,
        defaults={
            "owner": promise.owner,
            "customer": promise.customer,
            "opened_at": at,
            "opened_by": by.code,
            "next_rung_at": rung,
        },
    )
    if new:
        for user in reachable(item.owner, at=at):
            notices.tell(user=user, kind=f"item_{kind}", promise=promise, item=item, at=at)
    return item


def close(*, item: Item, cause: str, by: Actor, at: datetime) -> bool:
    """Done, with the reason; False when somebody was first."""
    return bool(_close(Item.objects.filter(pk=item.pk), cause, by, at))


def close_about(*, promise: Promise, cause: str, by: Actor, at: datetime) -> int:
    """Every open item about a promise is settled by the same act, save what the customer said."""
    about = Item.objects.filter(promise=promise).exclude(kind__in=FROM_CUSTOMER)
    return _close(about, cause, by, at)


def forget(customers: Iterable[int], *, by: Actor, at: datetime) -> int:
    """There is nothing to do any more for who was forgotten."""
    return _close(Item.objects.filter(customer__in=list(customers)), "erased", by, at)


def hand_over(*, promise: Promise, owner: User) -> int:
    """What is to be done about a promise goes with it to whoever owns it now."""
    rows = Item.objects.filter(promise=promise, closed_at=None)
    return rows.update(owner=owner)


def hand_over_rest(*, owner: User, to: User) -> int:
    """Whatever else this person has to do goes to another: also about promises that are kept."""
    return Item.objects.filter(owner=owner, closed_at=None).update(owner=to)


def _close(rows: QuerySet[Item], cause: str, by: Actor, at: datetime) -> int:
    return rows.filter(closed_at=None).update(
        closed_at=at, closed_by=by.code, closed_cause=cause, next_rung_at=None
    )


def climb(*, at: datetime) -> int:
    """The items sweep: what its owner left for a working day goes to the supervisor too."""
    due = Item.objects.filter(closed_at=None, next_rung_at__lte=at).values_list("pk", flat=True)
    climbed = 0
    for pk in list(due[:500]):
        try:
            climbed += _climb_one(pk, at)
        except Exception:
            log.exception("could not escalate an item", extra={"item": pk})
            Item.objects.filter(pk=pk).update(next_rung_at=at + timedelta(hours=1))
    return climbed


@transaction.atomic
def _climb_one(pk: int, at: datetime) -> bool:
    rows = Item.objects.filter(pk=pk, closed_at=None, next_rung_at__lte=at)
    if not rows.update(next_rung_at=None, escalated_at=at, escalated_by=CLIMBER.code):
        return False
    item = Item.objects.select_related("owner__supervisor", "promise").get(pk=pk)
    for user in above(item.owner, at=at):
        notices.tell(user=user, kind="item_left", promise=item.promise, item=item, at=at)
    return True
