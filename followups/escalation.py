"""Climbs the ladder: tells who must know that a promise is late. The only writer of Escalation."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import connection, transaction

from config import stopping
from crm import absences, customers
from crm.actors import Actor
from crm.models import User
from followups import daily_digest, items, ladder, notices, plans, poison, promises
from followups.models import Escalation, Promise

log = logging.getLogger("kept.escalate")
CLIMBER = Actor.sweep("escalate")
BATCH, MOST_BATCHES = 5_000, 20
SINGLES_AT_ONCE = 500
ROLES = [str(role) for role in ladder.Role]
RUNG = "p.ladder -> p.track::text -> p.rung::int"
# Tells somebody and does nothing else, and is a rung indeed: what is not goes its way alone.
PLAIN = f"""(({RUNG} ->> 'role') = ANY(%(roles)s::text[]) AND p.rung < cardinality(p.rungs)
    AND {RUNG} -> 'next_channel' IS NULL AND {RUNG} -> 'bill_insert' IS NULL)"""
# CASE: taken for rare, the plain ones would be sorted anew for each batch out of all that are due.
DUE = f"""
WITH due AS MATERIALIZED (
    SELECT p.id, p.owner_id, {RUNG} ->> 'role' AS role, p.track, p.kind = 'callback' AS callback
    FROM followups_promise p
    WHERE p.status = 'open' AND p.next_rung_at <= %(at)s::timestamptz
        AND CASE WHEN {PLAIN} THEN true END
    ORDER BY p.next_rung_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
SELECT owner_id, role, track, callback, array_agg(id) FROM due GROUP BY 1, 2, 3, 4
"""  # noqa: S608 (words of ours, no input)
SINGLES = f"""
SELECT p.id, p.customer_id FROM followups_promise p
WHERE p.status = 'open' AND p.next_rung_at <= %(at)s::timestamptz AND {PLAIN} IS NOT TRUE
ORDER BY p.next_rung_at LIMIT %(most)s
"""  # noqa: S608
CLIMB = """
WITH due AS MATERIALIZED (
    SELECT d.id, d.place, g.role
    FROM unnest(%(ids)s::bigint[], %(places)s::int[]) AS d (id, place)
    JOIN unnest(%(roles)s::text[]) WITH ORDINALITY AS g (role, place) USING (place)
), wrote AS (
    INSERT INTO followups_escalation (promise_id, cycle, track, rung, role, due_at, at, by)
    SELECT p.id, p.cycle, p.track, p.rung, d.role, p.rungs[p.rung + 1], %(at)s::timestamptz,
        %(by)s::text
    FROM due d JOIN followups_promise p ON p.id = d.id
    ON CONFLICT (promise_id, cycle, track, rung) DO NOTHING
    RETURNING promise_id, id
)
SELECT coalesce(array_agg(d.id), '{}'), array_agg(d.id)::text, array_agg(w.id)::text,
    array_agg(d.place)::text
FROM wrote w JOIN due d ON d.id = w.promise_id
"""


@dataclass(frozen=True)
class Group:
    """Promises of one owner whose rungs tell the same role the same thing."""

    owner: int
    role: str
    track: str
    callback: bool
    promises: list[int]


@dataclass(frozen=True)
class Audience:
    """The people behind the roles of rungs, at one moment."""

    rota: absences.Rota

    def of(self, owner: User, role: str) -> list[User]:
        """Who is told what this rung tells of the owner's promise; empty when nobody can be."""
        if role in {ladder.Role.OWNER, ladder.Role.OWNER_AND_TEAM}:
            return self.rota.acting([owner])
        if role == ladder.Role.SUPERVISOR:
            return items.supervisors(owner, rota=self.rota)
        if role == ladder.Role.MANAGEMENT and self.management:
            return self.management  # by the daily digest
        return self.operations

    @cached_property
    def management(self) -> list[User]:
        return daily_digest.people()

    @cached_property
    def operations(self) -> list[User]:
        """The last who are told: when all of them are away, it waits for them on their bells."""
        rows = User.objects.filter(role=User.Role.OPERATIONS, is_active=True).order_by("pk")
        found = list(rows.select_related("team"))
        return self.rota.acting(found) or found


def climb(*, at: datetime) -> int:
    """The escalate sweep: every rung that is due, once. One bad row delays nobody else.

    Whole batches of rungs that only tell somebody are climbed together; one by one those that
    also do something, and whatever a batch could not take. Several sweepers pass each other by.
    """
    climbed = 0
    for _turn in range(MOST_BATCHES):
        taken, odd = _batch(at)
        climbed += taken + sum(_one(pk, customer, at) for pk, customer in odd)
        if taken + len(odd) < BATCH or stopping.asked():
            break
    return climbed + sum(
        _one(pk, customer, at) for pk, customer in _singles(at) if not stopping.asked()
    )


def _one(pk: int, customer: int, at: datetime) -> bool:
    try:
        return _climb_one(pk, customer, at)
    except Exception:
        log.exception("could not climb", extra={"promise": pk})
        _poison(pk, at)
        return False


def _singles(at: datetime) -> list[tuple[int, int]]:
    """What is due and no batch takes: (promise, customer)."""
    with connection.cursor() as cursor:
        cursor.execute(SINGLES, {"at": at, "roles": ROLES, "most": SINGLES_AT_ONCE})
        return list(cursor.fetchall())


def _batch(at: datetime) -> tuple[int, list[tuple[int, int]]]:
    """A batch of plain rungs in one transaction: how many were climbed, and which were not."""
    try:
        with transaction.atomic():
            groups = _due(at)
            climbed = _climb_many(groups, at)
            taken = {pk for group in groups for pk in group.promises}
    except Exception:
        # One of them is at fault, and only alone does it show which.
        log.exception("could not climb together")
        with transaction.atomic():
            taken, climbed = {pk for group in _due(at) for pk in group.promises}, []
    odd = Promise.objects.filter(pk__in=taken.difference(climbed))
    return len(climbed), list(odd.order_by("pk").values_list("pk", "customer_id"))


def _due(at: datetime) -> list[Group]:
    """Locks a batch of what is due; a fulfilment that holds its row is passed by."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"at": at, "roles": ROLES, "most": BATCH})
        return [Group(*row) for row in cursor.fetchall()]


def _climb_many(groups: list[Group], at: datetime) -> list[int]:
    """Their escalations, notices, events and next rungs; returns the promises that climbed."""
    if not groups:
        return []
    owners = User.objects.select_related("team", "supervisor__team").in_bulk(
        {group.owner for group in groups}
    )
    audience = Audience(absences.rota(at=at))
    tells = [
        notices.Tell(
            role=group.role,
            kind=f"{group.track}_{group.role}",
            callback=group.callback,
            users=audience.of(owners[group.owner], group.role),
        )
        for group in groups
    ]
    due: dict[str, Any] = {
        "ids": [pk for group in groups for pk in group.promises],
        "places": [place for place, group in enumerate(groups, 1) for _pk in group.promises],
        "roles": [group.role for group in groups],
    }
    with connection.cursor() as cursor:
        cursor.execute(CLIMB, due | {"at": at, "by": CLIMBER.code})
        promises_climbed, *written = cursor.fetchone()
    if promises_climbed:
        climbs = ladder.Climbs(*written)
        notices.tell_many(climbs, tells=tells, at=at)
        told = [(tell.role, len(tell.users)) for tell in tells]
        promises.climbed_many(climbs, told=told, by=CLIMBER, at=at)
    return list(promises_climbed)


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
    if rung.bill_insert:
        plans.into_the_bill(promise=promise, by=CLIMBER, at=at)
    return True


def _tell(promise: Promise, escalation: Escalation, at: datetime) -> int:
    told = 0
    for user in Audience(absences.rota(at=at)).of(promise.owner, escalation.role):
        kind = f"{escalation.track}_{escalation.role}"
        notices.tell(user=user, kind=kind, promise=promise, escalation=escalation, at=at)
        told += 1
    return told


def _poison(pk: int, at: datetime) -> None:
    failures = poison.push_away(promise_id=pk, until=at + poison.WAIT)
    if failures == poison.MOST:
        promise = Promise.objects.get(pk=pk)
        for user in User.objects.filter(role=User.Role.OPERATIONS, is_active=True):
            notices.tell(user=user, kind="poison", promise=promise, at=at)
