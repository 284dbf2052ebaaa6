"""Where the desk's lists come from. Reads, never writes.

Every list costs the same number of queries for one row and for hundreds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import (
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Greatest

from crm.models import Attempt, Customer, User
from crm.queries import campaigns_at_hand
from followups import callbacks, deputies, gate, telling
from followups.gate import Block
from followups.journeys import STATES, newest, state, way
from followups.models import Item, Notice, Promise, PromiseDelivery
from followups.telling import CAUSES, Trouble
from offers import answers
from offers.models import Answer

LONGEST_LIST = 200
# An offer is followed up while it is fresh; its validity ends about then.
FRESH = timedelta(days=30)
URGENCY = {name: place for place, name in enumerate(STATES)} | {"in_delivery": 2, "unproven": 3}


def with_journeys(promises: QuerySet[Promise]) -> QuerySet[Promise]:
    """Everything that a list of promises says about them, in a fixed number of queries."""
    attached = PromiseDelivery.objects.select_related(
        "delivery__text", "delivery__line__run"
    ).prefetch_related("delivery__evidence")
    return promises.select_related("customer__text", "text", "owner", "team").prefetch_related(
        Prefetch("attached", attached.order_by("delivery_id"))
    )


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


def my_promises(*, user: User, at: datetime) -> list[PromiseRow]:
    """The user's open promises, and of those they stand in for: broken first, then at risk, in
    delivery, unproven, the rest."""
    owners = deputies.owners(user, at=at)
    rows = with_journeys(Promise.objects.open().filter(owner__in=owners)).order_by("due_at")
    found = [row_of(promise, at=at) for promise in rows[:LONGEST_LIST]]
    return sorted(found, key=lambda row: (URGENCY[row.state], row.promise.due_at))


@dataclass(frozen=True)
class FollowUp:
    """A customer who has read long enough, and since when."""

    promise: Promise
    ready_at: datetime


@dataclass(frozen=True)
class NextToCall:
    """Whom to call now: call-backs that are due, then the follow-ups that the gate lets through;
    and how many it still holds back."""

    callbacks: tuple[Promise, ...]
    rows: tuple[FollowUp, ...]
    held_back: int
    unsafe: Block | None

    @property
    def total(self) -> int:
        return len(self.callbacks) + len(self.rows)


def next_to_call(*, user: User, at: datetime) -> NextToCall:
    """Proven promises whose reading time is over, oldest first. Who is blocked never appears.

    A customer leaves the list with the first answered contact after the reading began.
    """
    waiting: dict[int, FollowUp] = {}
    for promise in _read_through(user, at)[:LONGEST_LIST]:
        ready_at: datetime = getattr(promise, "ready_at")  # noqa: B009  (annotated below)
        waiting.setdefault(promise.customer_id, FollowUp(promise, ready_at))
    people = [row.promise.customer for row in waiting.values()]
    campaigns = campaigns_at_hand([person.pk for person in people], team=user.team_id)
    blocks = gate.blocks(people, purpose="sales", at=at, campaigns=campaigns) if people else {}
    rows = tuple(row for pk, row in waiting.items() if not blocks[pk])
    unsafe = next(
        (block for found in blocks.values() for block in found if block.code == "clock_unsafe"),
        None,
    )
    return NextToCall(_callbacks(user, at), rows, len(waiting) - len(rows), unsafe)


def _callbacks(user: User, at: datetime) -> tuple[Promise, ...]:
    """The calls that were promised for now or before, the oldest first; blocked people never."""
    rows = Promise.objects.open().filter(
        _mine(user, at), kind=Promise.Kind.CALLBACK, due_at__lte=at + callbacks.EARLY
    )
    found = list(rows.select_related("customer__text", "text", "owner").order_by("due_at"))
    people = [promise.customer for promise in found]
    mine = deputies.holders(user.pk, "callback", {person.pk for person in people}, at=at)
    blocks = gate.blocks(people, purpose="callback", at=at, mine=mine) if people else {}
    return tuple(promise for promise in found if not blocks[promise.customer_id])


def _mine(user: User, at: datetime) -> Q:
    """The user's own promises and of those they stand in for; a supervisor's are the team's."""
    if user.role == User.Role.SUPERVISOR:
        return Q(team=user.team_id)
    return Q(owner__in=deputies.owners(user, at=at))


def called_back(*, customer: Customer, user: User, at: datetime) -> Promise | None:
    """The call-back that a call by this person now would keep, if one was promised."""
    rows = callbacks.pending(customer.pk).filter(due_at__lte=at + callbacks.EARLY)
    return next((promise for promise in rows if callbacks.may_keep(promise, user, at=at)), None)


def _read_through(user: User, at: datetime) -> QuerySet[Promise]:
    reading = ExpressionWrapper(
        F("reading_hours") * Value(timedelta(hours=1)), output_field=DurationField()
    )
    over = Greatest(
        F("settled_at"),
        ExpressionWrapper(F("readable_at") + reading, output_field=DateTimeField()),
    )
    spoken = Attempt.objects.filter(
        customer=OuterRef("customer"),
        result=Attempt.Result.ANSWERED,
        started_at__gt=OuterRef("readable_at"),
    )
    rows = Promise.objects.filter(status=Promise.Status.KEPT, readable_at__gt=at - FRESH)
    # Who has said yes or no to the offer is not called about it again.
    decided = Answer.objects.filter(version=OuterRef("version"), kind__in=answers.DECISIONS)
    return (
        rows.filter(_mine(user, at))
        .exclude(kind=Promise.Kind.CALLBACK)
        .filter(~Exists(decided))
        .annotate(ready_at=over)
        .filter(~Exists(spoken), ready_at__lte=at)
        .select_related("customer__text", "text", "owner", "version__offer")
        .order_by("ready_at")
    )


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
        .order_by("opened_at")
    )


def unread(user: User) -> int:
    return Notice.objects.filter(user=user, read_at=None).count()


def notices_of(user: User) -> list[Notice]:
    """The newest notices of a person, unread ones among them."""
    rows = Notice.objects.filter(user=user).select_related("promise__customer", "promise__owner")
    return list(rows.order_by("-at", "-pk")[:LONGEST_LIST])
