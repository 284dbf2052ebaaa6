"""Whom to call next, in order: call-backs that are due, offers that were read, campaign lists.

Reads only. Who is blocked never appears; taking one is in followups/taking.py.
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
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from crm.models import Attempt, Campaign, CampaignEntry, Customer, User
from crm.queries import campaigns_at_hand
from followups import callbacks, campaign_calls, deputies, gate, pool, why_next
from followups.campaign_calls import COUNTED, Head
from followups.gate import Block
from followups.models import Promise
from followups.queries import LONGEST_LIST
from offers import answers
from offers.models import Answer

# An offer is followed up while it is fresh; its validity ends about then.
FRESH = timedelta(days=30)


@dataclass(frozen=True)
class NextCall:
    """One person to call now, and why. `pooled`: a colleague missed it, and it must be taken over
    first."""

    customer: Customer
    reason: str
    promise: Promise | None = None
    entry: CampaignEntry | None = None
    campaign: Campaign | None = None
    pooled: bool = False

    @property
    def owed(self) -> Promise | None:
        """The call-back that this call keeps."""
        called_back = self.promise and self.promise.kind == Promise.Kind.CALLBACK
        return self.promise if called_back else None


@dataclass(frozen=True)
class NextToCall:
    """The calls in their order; `promised` of them were promised or are followed up, the others
    stand on campaign lists. `held_back`: have read enough, but the gate shuts them out. When there
    are none because of the hour, `shut_until` says until when."""

    calls: tuple[NextCall, ...]
    held_back: int
    head: Head
    unsafe: Block | None
    shut_until: datetime | None = None

    @property
    def total(self) -> int:
        return len(self.calls)

    @property
    def more_listed(self) -> str:
        """How many wait on the campaign lists, when more do than are shown; else empty."""
        shown, due = len(self.head.entries), self.head.due
        if due > COUNTED:
            words = _("Of the campaign lists %(n)s are shown; more than %(most)s wait.")
            return words % {"n": shown, "most": COUNTED}
        if due > shown:
            words = _("Of %(due)s who wait on the campaign lists %(n)s are shown.")
            return words % {"n": shown, "due": due}
        return ""


def next_to_call(*, user: User, at: datetime, held: int | None = None) -> NextToCall:
    """Everything that the desk shows as next, in the order in which it is taken; whom the user
    holds already is not among them."""
    first = tuple(call for call in call_backs(user, at=at) if call.customer.pk != held)
    ready, held_back, unsafe = follow_ups(user, at=at, held=held)
    known = {call.customer.pk for call in (*first, *ready)} | ({held} if held else set())
    head = campaign_calls.head(user=user, at=at, but=known)
    listed = tuple(listing(entry, at=at) for entry in head.entries)
    calls = (*first, *ready, *listed)
    shut = None if calls else campaign_calls.shut_until(user, at=at)
    return NextToCall(calls, held_back, head, unsafe or head.unsafe, shut)


def listing(entry: CampaignEntry, *, at: datetime) -> NextCall:
    """An entry of a campaign list as a call to make."""
    why = why_next.on_the_list(entry, at=at)
    return NextCall(entry.customer, why, entry=entry, campaign=entry.campaign)


def call_backs(user: User, *, at: datetime) -> list[NextCall]:
    """The calls that were promised for now or before: the user's own, then of those they stand in
    for, then what colleagues missed; the oldest first in each. Blocked people never."""
    rows = Promise.objects.open().filter(
        mine(user, at=at), kind=Promise.Kind.CALLBACK, due_at__lte=at + callbacks.EARLY
    )
    rows = rows.select_related("customer__text", "text", "owner").order_by("due_at", "pk")
    found = list(rows[:LONGEST_LIST])
    people = [promise.customer for promise in found]
    holders = deputies.holders(user.pk, "callback", {person.pk for person in people}, at=at)
    blocks = gate.blocks(people, purpose="callback", at=at, mine=holders) if people else {}
    free = [promise for promise in found if not blocks[promise.customer_id]]
    free.sort(key=lambda promise: promise.owner_id != user.pk)
    known = {promise.pk for promise in free}
    missed = [row for row in pool.at_hand(user=user, at=at) if row.pk not in known]
    return [_call_back(row, at, pooled=False) for row in free] + [
        _call_back(row, at, pooled=True) for row in missed
    ]


def _call_back(promise: Promise, at: datetime, *, pooled: bool) -> NextCall:
    why = why_next.call_back(promise, at=at)
    return NextCall(promise.customer, why, promise=promise, pooled=pooled)


def follow_ups(
    user: User, *, at: datetime, held: int | None = None
) -> tuple[list[NextCall], int, Block | None]:
    """Proven promises whose reading time is over, oldest first; how many the gate holds back; and
    why nobody at all may be called.

    A customer leaves the list with the first answered contact after the reading began.
    """
    waiting: dict[int, Promise] = {}
    for promise in _read_through(user, at).exclude(customer=held)[:LONGEST_LIST]:
        waiting.setdefault(promise.customer_id, promise)
    people = [promise.customer for promise in waiting.values()]
    campaigns = campaigns_at_hand(list(waiting), team=user.team_id) if waiting else {}
    blocks = gate.blocks(people, purpose="sales", at=at, campaigns=campaigns) if people else {}
    ready = [
        NextCall(
            promise.customer,
            why_next.read_through(promise, at=at),
            promise=promise,
            campaign=campaigns.get(pk),
        )
        for pk, promise in waiting.items()
        if not blocks[pk]
    ]
    found = (block for rows in blocks.values() for block in rows)
    unsafe = next((block for block in found if block.code == "clock_unsafe"), None)
    return ready, len(waiting) - len(ready), unsafe


def mine(user: User, *, at: datetime) -> Q:
    """The user's own promises and of those they stand in for; a supervisor's are the team's."""
    if user.role == User.Role.SUPERVISOR:
        return Q(team=user.team_id)
    return Q(owner__in=deputies.owners(user, at=at))


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
        rows.filter(mine(user, at=at))
        .exclude(kind=Promise.Kind.CALLBACK)
        .filter(~Exists(decided))
        .annotate(ready_at=over)
        .filter(~Exists(spoken), ready_at__lte=at)
        .select_related("customer__text", "text", "owner", "version__offer")
        .order_by("ready_at", "pk")
    )
