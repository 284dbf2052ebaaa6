"""Where the desk's lists come from. Reads, never writes.

Every list costs the same number of queries for one row and for hundreds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from crm import excerpts
from crm.excerpts import Excerpt
from crm.models import Customer, User
from followups import callbacks, deputies, telling
from followups.journeys import STATES, newest, state, way
from followups.models import Item, Notice, Promise, PromiseDelivery
from followups.telling import CAUSES, Trouble

LONGEST_LIST = 200
URGENCY = {name: place for place, name in enumerate(STATES)} | {"in_delivery": 2, "unproven": 3}


def with_journeys(promises: QuerySet[Promise]) -> QuerySet[Promise]:
    """Everything that a list of promises says about them, in a fixed number of queries."""
    attached = PromiseDelivery.objects.select_related(
        "delivery__text", "delivery__line__run"
    ).prefetch_related("delivery__evidence")
    return promises.select_related(
        "customer__text", "text", "owner", "team", "after"
    ).prefetch_related(Prefetch("attached", attached.order_by("delivery_id")))


@dataclass(frozen=True)
class PromiseRow:
    """A promise in a list: its state, and where its mail stands."""

    promise: Promise
    state: str
    trouble: Trouble
    since: datetime

    @property
    def word(self) -> str:
        return str(STATES[self.state])

    @property
    def way(self) -> str:
        return way(self.promise)

    @property
    def cause(self) -> str:
        return str(CAUSES[self.trouble.cause])


def row_of(promise: Promise, *, at: datetime) -> PromiseRow:
    """The row of a promise that was read `with_journeys`."""
    now = state(promise, at=at)
    since = promise.due_at if now == "broken" else promise.made_at
    return PromiseRow(promise, now, _trouble(promise, at), since)


def _trouble(promise: Promise, at: datetime) -> Trouble:
    """Why it is where it is: what failed before, while the next way has only just begun."""
    told = telling.of(promise, newest(promise), at=at)
    if told.cause not in {"waiting", "on_its_way"}:
        return told
    before = [telling.of(promise, row.delivery, at=at) for row in promise.attached.all()][:-1]
    if not before:
        return told
    return Trouble(before[-1].cause, f"{before[-1].sentence} {told.sentence}")


def my_promises(*, user: User, at: datetime) -> Excerpt[PromiseRow]:
    """The user's open promises, and of those they stand in for: broken first, then at risk, in
    delivery, unproven, the rest."""
    owners = deputies.owners(user, at=at)
    rows = with_journeys(Promise.objects.open().filter(owner__in=owners))
    # The broken ones are never cut off by the others.
    late = Promise.objects.broken(at).filter(pk=OuterRef("pk"))
    found = excerpts.of(rows.order_by(~Exists(late), "due_at", "pk"), most=LONGEST_LIST)
    shown = found.each(lambda promise: row_of(promise, at=at))
    shown.sort(key=lambda row: (URGENCY[row.state], row.promise.due_at))
    return shown


def called_back(*, customer: Customer, user: User, at: datetime) -> Promise | None:
    """The call-back that a call by this person now would keep, if one was promised."""
    rows = callbacks.pending(customer.pk).filter(due_at__lte=at + callbacks.EARLY)
    return next((promise for promise in rows if callbacks.may_keep(promise, user, at=at)), None)


def items_of(user: User, *, at: datetime) -> QuerySet[Item]:
    """The open items that this person may settle: their own, of those they stand in for, and a
    supervisor's whole team's."""
    mine = Q(owner__in=deputies.owners(user, at=at))
    if user.role == User.Role.SUPERVISOR:
        mine |= Q(promise__team=user.team_id)
    return (
        Item.objects.filter(mine, closed_at=None)
        .select_related(
            "customer__text", "promise__text", "owner", "delivery__text", "delivery__line__run"
        )
        .order_by("opened_at", "pk")
    )


def my_items(*, user: User, at: datetime) -> Excerpt[Item]:
    """What this person has to settle, the one that waits longest first."""
    return excerpts.of(items_of(user, at=at), most=LONGEST_LIST)


def unread(user: User) -> int:
    return Notice.objects.filter(user=user, read_at=None).count()


def notices_of(user: User) -> Excerpt[Notice]:
    """The notices of a person, the newest first."""
    rows = Notice.objects.filter(user=user).select_related("promise__customer", "promise__owner")
    return excerpts.of(rows.order_by("-at", "-pk"), most=LONGEST_LIST)
