"""A promise after it was made: withdrawn, agreed anew, handed over. One transaction each.

All of them run under the customer's lock. What opens the gate on somebody's word, or moves a due
time, names the contact in which the customer said so.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from django.db import transaction
from django.utils.translation import gettext as _

from crm import access, customers, suppressions
from crm.actors import Actor
from crm.models import Attempt, AttemptRevision, Suppression, User
from followups import conversations, items, notices, plans, promises
from followups.models import Promise
from followups.terms import NotOpen, Refused, Terms

Status = Promise.Status
# Reasons are codes, because events keep nothing personal.
Unwanted = Literal["not_wanted", "bought_elsewhere", "moved", "duplicate", "other"]
Agreed = Literal["customer_asked", "other_address", "other_offer", "later", "sooner", "other"]
Passed = Literal["absent", "left", "workload", "expertise", "other"]
# Who may tell us of a call without being one of the people who work with Kept.
TELEPHONY = ("source:", "key:")


@transaction.atomic
def withdraw(*, promise: Promise, attempt: Attempt, reason: str, by: Actor, at: datetime) -> bool:
    """The customer no longer wants it; False when it was withdrawn before.

    It opens the gate on somebody's word, so the contact must have been reported by telephony and
    held by the owner's team. What has not left is taken back, and a reading period without sales
    calls begins. Raises NotOpen, or Refused naming `call`; then nothing changes.
    """
    _hold(promise)
    if promise.status == Status.WITHDRAWN:
        return False
    _owed(promise)
    _spoken(promise, attempt)
    if not _reported(attempt, by):
        raise Refused("call", _("No telephone system has reported this call by itself."))
    if _team_of(attempt) != promise.team_id:
        raise Refused("call", _("The promise belongs to another team than this call."))
    promises.withdraw(promise=promise, reason=reason, attempt=attempt, by=by, at=at)
    plans.take_back(promise=promise, cause="withdrawn", by=by, at=at)
    items.close_about(promise=promise, cause="withdrawn", by=by, at=at)
    _cool_off(promise, attempt, by=by, at=at)
    return True


def _hold(promise: Promise) -> None:
    customers.hold([promise.customer_id])
    promise.refresh_from_db()


def _owed(promise: Promise) -> None:
    if promise.status != Status.OPEN:
        raise NotOpen(promise.status)


def _spoken(promise: Promise, attempt: Attempt, *, answered: bool = False) -> None:
    """The customer was on this call, and it came after the one in which it was promised."""
    if attempt.customer_id != promise.customer_id:
        raise Refused("call", _("This call was with somebody else."))
    if attempt.started_at <= promise.attempt.started_at:
        raise Refused("call", _("This call came before the promise."))
    inbound = attempt.direction == Attempt.Direction.INBOUND and not answered
    if attempt.result != Attempt.Result.ANSWERED and not inbound:
        raise Refused("call", _("Nobody answered this call."))


def _reported(attempt: Attempt, by: Actor) -> bool:
    """Whether somebody who hears the line told of it: a dialer, or a machine other than `by`."""
    rows = AttemptRevision.objects.filter(attempt=attempt)
    authors = {attempt.logged_by, *rows.values_list("recorded_by", flat=True)}
    return any(author.startswith(TELEPHONY) for author in authors - {by.code})


def _team_of(attempt: Attempt) -> int | None:
    return attempt.agent.team_id if attempt.agent else attempt.team_id


def _cool_off(promise: Promise, attempt: Attempt, *, by: Actor, at: datetime) -> None:
    """Who has just said no to a document is not called to sell in the time to read it."""
    if not promise.reading_hours:
        return
    suppressions.add(
        customer=promise.customer,
        kind=Suppression.Kind.REFUSAL_COOLOFF,
        origin=Suppression.Origin.CALL,
        proof=f"attempt:{attempt.pk}",
        until=at + timedelta(hours=promise.reading_hours),
        by=by,
        at=at,
    )


@transaction.atomic
def renegotiate(
    *, promise: Promise, terms: Terms, attempt: Attempt, reason: str, by: Actor, at: datetime
) -> Promise:
    """Another promise takes its place, as the customer agreed in this answered contact.

    A promise that was late already stays broken in the figures. What has left for it serves the
    new one when it is the same document. Raises NotOpen, or Refused; then nothing changes.
    """
    _hold(promise)
    _owed(promise)
    _spoken(promise, attempt, answered=True)
    conversations.check(terms, customer=promise.customer)
    promises.mark_broken(promise=promise, by=by, at=at)
    owner = promise.owner
    made = promises.make(attempt=attempt, terms=terms, owner=owner, by=by, at=at, replaces=promise)
    promises.note(promise=made, cause="renegotiated", by=by, at=at, reason=reason, old=promise.pk)
    plans.take_back(promise=promise, cause="replaced", by=by, at=at)
    items.close_about(promise=promise, cause="replaced", by=by, at=at)
    plans.carry_over(old=promise, promise=made, by=by, at=at)
    return made


@transaction.atomic
def reassign(*, promise: Promise, owner: User, reason: str, by: Actor, at: datetime) -> bool:
    """Somebody else keeps it, and what is to be done about it; False when it is theirs already.

    Raises NotOpen, or Refused naming `owner`.
    """
    _hold(promise)
    _owed(promise)
    if promise.owner_id == owner.pk:
        return False
    if owner.team is None or not access.may(owner, "mend_promises"):
        raise Refused("owner", _("This person cannot own a promise."))
    promises.hand_over(promise=promise, owner=owner, reason=reason, by=by, at=at)
    items.hand_over(promise=promise, owner=owner)
    notices.tell(user=owner, kind="reassigned", promise=promise, at=at)
    return True
