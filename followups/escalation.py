"""Climbs the ladder: tells who must know that a promise is late. The only writer of Escalation."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from crm import customers
from crm.actors import Actor
from crm.models import User
from followups import items, ladder, notices, plans, promises
from followups.models import Escalation, Promise

log = logging.getLogger("kept.escalate")
CLIMBER = Actor.sweep("escalate")
POISON_WAIT = timedelta(hours=1)
POISON_MOST = 5
BATCH = 500


def climb(*, at: datetime) -> int:
    """The escalate sweep: every rung that is due, once. One bad row delays nobody else."""
    climbed = 0
    due = Promise.objects.open().filter(next_rung_at__lte=at).order_by("next_rung_at")
    for pk, customer in list(due.values_list("pk", "customer_id")[:BATCH]):
        try:
            climbed += _climb_one(pk, customer, at)
        except Exception:
            log.exception("could not climb", extra={"promise": pk})
            _poison(pk, at)
    return climbed


@transaction.atomic
def _climb_one(pk: int, customer_id: int, at: datetime) -> bool:
    """One rung of one promise. A fulfilment takes the same locks in the same order."""
    customers.hold([customer_id])
    promise = (
        Promise.objects.open()
        .filter(pk=pk, next_rung_at__lte=at)
        .select_for_update(skip_locked=True, of=("self",))
        .first()
    )
    if promise is None:
        return False
    steps = ladder.Ladder.from_dict(promise.ladder)
    rungs = steps.proof if promise.track == Promise.Track.PROOF else steps.lateness
    rung = rungs[promise.rung]
    escalation = Escalation.objects.create(
        promise=promise,
        cycle=promise.cycle,
        track=promise.track,
        rung=promise.rung,
        role=rung.role,
        due_at=promise.rungs[promise.rung],
        at=at,
        by=CLIMBER.code,
    )
    told = _tell(promise, escalation, at)
    promises.note(
        promise=promise, cause=f"rung_{rung.role}", by=CLIMBER, at=at, rung=promise.rung, told=told
    )
    later = promise.rungs[promise.rung + 1] if promise.rung + 1 < len(promise.rungs) else None
    # A rung with nobody to tell goes to the next at once.
    promises.climbed(promise=promise, next_rung_at=later if told or later is None else at)
    promises.mark_broken(promise=promise, by=CLIMBER, at=at)
    if rung.next_channel and not plans.attached(promise).filter(status__in=plans.UNDERWAY).exists():
        plans.advance(promise=promise, by=CLIMBER, at=at)
    return True


def _tell(promise: Promise, escalation: Escalation, at: datetime) -> int:
    told = 0
    for user in recipients(promise, escalation.role):
        kind = f"{escalation.track}_{escalation.role}"
        notices.tell(user=user, kind=kind, promise=promise, escalation=escalation, at=at)
        told += 1
    return told


def recipients(promise: Promise, role: str) -> list[User]:
    """The people behind a rung's role; empty when nobody can be reached."""
    if role in {ladder.Role.OWNER, ladder.Role.OWNER_AND_TEAM}:
        return [promise.owner] if promise.owner.is_active else []
    if role == ladder.Role.SUPERVISOR:
        return items.supervisors(promise.owner)
    operations = User.objects.filter(role=User.Role.OPERATIONS, is_active=True)
    return list(operations.order_by("pk"))


def _poison(pk: int, at: datetime) -> None:
    failures = promises.push_away(promise_id=pk, until=at + POISON_WAIT)
    if failures == POISON_MOST:
        promise = Promise.objects.get(pk=pk)
        for user in User.objects.filter(role=User.Role.OPERATIONS, is_active=True):
            notices.tell(user=user, kind="poison", promise=promise, at=at)
