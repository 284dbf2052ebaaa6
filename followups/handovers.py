"""Everything open of one person goes to another, at once: the only writer of HandOver.

For who leaves, or is gone for long. For who comes back, an absence does it without a hand-over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from crm import access, audit, customers
from crm.actors import Actor
from crm.models import User
from followups import amending, items
from followups.models import HandOver, Item, Promise
from followups.terms import Refused

SHORTEST, LONGEST = 15, 500


@dataclass(frozen=True)
class Reason:
    """Why: a code for the events of the promises, and words that stay with the hand-over."""

    code: str
    words: str


@dataclass(frozen=True)
class Load:
    """What is open of one person."""

    owner: User
    promises: int
    items: int


def loads(user: User) -> list[Load]:
    """Who of the supervisor's team has something open, and how much; also who has left."""
    promised = Promise.objects.open().filter(owner__team=user.team_id)
    to_do = Item.objects.filter(owner__team=user.team_id, closed_at=None)
    promises = dict(promised.values_list("owner").annotate(Count("pk")))
    things = dict(to_do.values_list("owner").annotate(Count("pk")))
    people = User.objects.filter(pk__in={*promises, *things}).order_by("first_name", "pk")
    return [Load(row, promises.get(row.pk, 0), things.get(row.pk, 0)) for row in people]


def takers(user: User) -> QuerySet[User]:
    """Who of the supervisor's team can own a promise."""
    roles = access.TABLE["mend_promises"]
    rows = User.objects.filter(team=user.team_id, role__in=roles, is_active=True)
    return rows.order_by("first_name", "pk")


@transaction.atomic
def hand_over(*, owner: User, to: User, reason: Reason, by: Actor, at: datetime) -> HandOver:
    """All open promises and items of one person become another's; all of them or none.

    An event tells of it at each promise, and due times and rungs stay as they are. Raises Refused
    naming `words`, `to` or `owner`.
    """
    _check(owner, to, reason)
    promised = Promise.objects.open().filter(owner=owner)
    to_do = Item.objects.filter(owner=owner, closed_at=None)
    # All of them before the first row, and in order: two hand-overs at once pass each other.
    people = {*promised.values_list("customer_id", flat=True)}
    customers.hold(sorted(people | {*to_do.values_list("customer_id", flat=True)}))
    before = to_do.count()
    rows = promised.select_related("owner", "team", "customer").order_by("pk")
    moved = [
        amending.reassign(promise=row, owner=to, reason=reason.code, by=by, at=at) for row in rows
    ]
    items.hand_over_rest(owner=owner, to=to)
    if not before and not any(moved):
        raise Refused("owner", _("Nothing of theirs is open."))
    audit.write(action="handed_over", subject=f"user:{owner.pk}", by=by, at=at, data={"to": to.pk})
    return HandOver.objects.create(
        owner=owner,
        to=to,
        reason=reason.code,
        words=reason.words.strip(),
        promises=sum(moved),
        items=before,
        at=at,
        by=by.code,
    )


def _check(owner: User, to: User, reason: Reason) -> None:
    if not SHORTEST <= len(reason.words.strip()) <= LONGEST:
        raise Refused("words", _("Say in 15 to 500 characters why."))
    if to.pk == owner.pk:
        raise Refused("to", _("Choose somebody else than who hands over."))
    if to.team_id != owner.team_id or to.team_id is None:
        raise Refused("to", _("Choose somebody of the same team."))
    if not access.may(to, "mend_promises"):
        raise Refused("to", _("This person cannot own a promise."))
