"""Call-backs: the slots that a team can offer, and which call keeps the promise of one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from crm import absences
from crm.actors import Actor
from crm.models import Attempt, User
from crm.workdays import Calendar
from followups import items, promises, why_next
from followups.models import Item, Promise
from followups.models.promises import CALLBACK_EARLY as EARLY

# Nobody can be rung at once, and a slot leaves time for the call before work ends.
NOTICE, LENGTH = timedelta(hours=1), timedelta(minutes=30)
DAYS, HORIZON = 5, timedelta(days=21)
Result = Attempt.Result
UNANSWERED = (Result.NO_ANSWER, Result.BUSY, Result.VOICEMAIL)


def slots(*, calendar: Calendar, at: datetime) -> list[datetime]:
    """Every full hour in which the team works, on the next five working days with one left."""
    zone = ZoneInfo(calendar.zone)
    local = (at + NOTICE).astimezone(zone)
    # Counted in elapsed hours, so that a change of the clocks neither skips nor doubles one.
    slot = (local + timedelta(minutes=-local.minute % 60)).replace(second=0, microsecond=0)
    slot = slot.astimezone(UTC)
    found: dict[date, list[datetime]] = {}
    while slot < at + HORIZON:
        day = slot.astimezone(zone).date()
        if day not in found and len(found) == DAYS:
            break
        if slot >= at + NOTICE and calendar.between(slot, slot + LENGTH) == LENGTH:
            found.setdefault(day, []).append(slot)
        slot += timedelta(hours=1)
    return [slot for day in found.values() for slot in day]


def pending(customer_id: int) -> QuerySet[Promise]:
    """The calls that this customer still waits for, the next one first."""
    rows = Promise.objects.open().filter(kind=Promise.Kind.CALLBACK, customer=customer_id)
    return rows.select_related("owner", "team", "after").order_by("due_at", "pk")


def standing(*, attempt: Attempt, moves: bool) -> Promise | None:
    """The call-back that is in the way of another one promised in this contact: that of the same
    campaign; to move one, also another of the agent's team that the customer waits for."""
    if attempt.customer_id is None:
        return None
    rows = pending(attempt.customer_id)
    same = rows.filter(campaign=attempt.campaign_id).first()
    if same or not moves or attempt.agent is None:
        return same
    return rows.filter(Q(team=attempt.agent.team_id) | Q(owner=attempt.agent)).first()


def already(promise: Promise, *, at: datetime) -> str:
    """Why another one is refused, and which one stands."""
    words = _(
        "A call-back is promised already: %(reference)s, %(when)s, by %(owner)s. Move that one, or"
        " leave it as it is."
    )
    when = why_next.hour(promise, at=at)
    return words % {"reference": promise.reference, "when": when, "owner": promise.owner}


def moved(*, before: Promise, promise: Promise, by: Actor, at: datetime) -> None:
    """What goes with a call-back that was moved in the call: its items, and a note on the new one.
    That it was late stays."""
    promises.note(
        promise=promise, cause="renegotiated", by=by, at=at, reason="customer_asked", old=before.pk
    )
    items.close_about(promise=before, cause="replaced", by=by, at=at)


def heed(*, attempt: Attempt, by: Actor, at: datetime) -> list[Promise]:
    """Settles the call-backs that this attempt keeps. Runs in the attempt's transaction.

    An answered call by the owner, their deputy, or a supervisor of the team, from 15 minutes
    before the slot. One unanswered ring keeps nothing: two, with a message left, do.
    """
    if attempt.customer_id is None or attempt.agent is None or not attempt.result:
        return []
    due = pending(attempt.customer_id).filter(
        made_at__lt=attempt.started_at, due_at__lte=attempt.started_at + EARLY
    )
    if not due.exists():  # as after most calls; asking only that costs a third
        return []
    return [
        promise
        for promise in due
        if may_keep(promise, attempt.agent, at=attempt.started_at) and _keeps(attempt, promise)
        if promises.called_back(promise=promise, attempt=attempt, by=by, at=at)
    ]


def unwanted(*, customer_id: int, by: Actor, at: datetime) -> int:
    """They want no call any more: what becomes of a promised one is for its owner to decide, and it
    is an item at once (followups/conflicts.py). Returns how many calls were promised."""
    promised = list(pending(customer_id))
    for promise in promised:
        items.open_for(promise=promise, kind=Item.Kind.CONFLICT, delivery=None, by=by, at=at)
    return len(promised)


def may_keep(promise: Promise, user: User, *, at: datetime) -> bool:
    """Whose call at that moment counts: the owner's, a supervisor's of the owner's team, and a
    deputy's while the owner is away."""
    leads = user.role == User.Role.SUPERVISOR and user.team_id == promise.team_id
    if user.pk == promise.owner_id or leads:
        return True
    return promise.owner_id in absences.covered_by(user.pk, at=at)


def _keeps(attempt: Attempt, promise: Promise) -> bool:
    if attempt.result == Result.ANSWERED:
        return True
    rings = Attempt.objects.filter(
        agent__isnull=False,
        customer=promise.customer_id,
        direction=Attempt.Direction.OUTBOUND,
        result__in=UNANSWERED,
        started_at__gt=promise.made_at,
        started_at__gte=promise.due_at - EARLY,
    ).select_related("agent")
    results = [
        ring.result
        for ring in rings
        if ring.agent and may_keep(promise, ring.agent, at=ring.started_at)
    ]
    return len(results) > 1 and Result.VOICEMAIL in results
