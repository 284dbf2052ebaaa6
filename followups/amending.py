"""A promise after it was made: withdrawn, said to have come, agreed anew, handed over, claimed.

One transaction each, under the customer's lock. What opens the gate on somebody's word, or moves a
due time, names the contact in which the customer said so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from crm import access, audit, customers, suppressions
from crm.actors import Actor
from crm.models import Attempt, AttemptRevision, Suppression, User
from followups import (
    answering,
    conversations,
    items,
    notices,
    plans,
    presses,
    promises,
    signatures,
)
from followups.models import Promise
from followups.terms import NotOpen, Refused, Terms
from offers import evidence
from offers.models import Delivery, Evidence

Status = Promise.Status
# Reasons are codes, because events keep nothing personal.
Unwanted = Literal["not_wanted", "bought_elsewhere", "moved", "duplicate", "other"]
Agreed = Literal["customer_asked", "other_address", "other_offer", "later", "sooner", "other"]
Passed = Literal["absent", "left", "workload", "expertise", "other"]
Claimed = Literal["customer_called", "absent", "left", "workload", "other"]
Signed = Literal["withdraw", "came"]
# Who may tell us of a call without being one of the people who work with Kept.
TELEPHONY = ("source:", "key:")


@transaction.atomic
def withdraw(
    *,
    promise: Promise,
    attempt: Attempt,
    reason: str,
    by: Actor,
    at: datetime,
    signed: bool = False,
) -> bool:
    """The customer no longer wants it; False when it was withdrawn before.

    It opens the gate on somebody's word, so the contact must have been reported by telephony and
    held by the owner's team; or it is `signed`: `by`, a supervisor who did not log the call, has
    just given the password again. What has not left is taken back, and a reading period without
    sales calls begins. Raises NotOpen, or Refused naming `call`; then nothing changes.
    """
    _hold(promise)
    if promise.status == Status.WITHDRAWN:
        return False
    _owed(promise)
    _vouched(promise, attempt, by, signed=signed)
    promises.withdraw(promise=promise, reason=reason, attempt=attempt, by=by, at=at)
    if signed:
        _sign("withdrawal_signed", promise, attempt, by=by, at=at)
        signatures.given(promise=promise, verb="withdraw", by=by, at=at)
    plans.take_back(promise=promise, cause="withdrawn", by=by, at=at)
    items.close_about(promise=promise, cause="withdrawn", by=by, at=at)
    _cool_off(promise, attempt, by=by, at=at)
    return True


@transaction.atomic
def came(
    *, promise: Promise, attempt: Attempt, by: Actor, at: datetime, signed: bool = False
) -> bool:
    """The customer said on a call that it came (E5); False when that was said or proven before.

    As with a withdrawal, somebody's word alone is not enough. It is said of what left last.
    Raises NotOpen, or Refused; then nothing changes.
    """
    _hold(promise)
    if promise.status == Status.KEPT:
        return False
    _owed(promise)
    delivery = _left_last(promise)
    _vouched(promise, attempt, by, signed=signed)
    said_at = _said_at(delivery, attempt)
    event = evidence.Event(
        source="call",
        event_id=f"{attempt.pk}:{delivery.pk}",
        kind=Evidence.Kind.CONFIRMED,
        occurred_at=said_at,
        ours=True,
    )
    if evidence.record(delivery=delivery, event=event, by=by, at=at) is None:
        return False
    if signed:
        _sign("arrival_signed", promise, attempt, by=by, at=at)
        signatures.given(promise=promise, verb="came", by=by, at=at)
    return True


@transaction.atomic
def ask_to_sign(
    *,
    promise: Promise,
    verb: Signed,
    attempt: Attempt,
    by: Actor,
    at: datetime,
    reason: Unwanted | Literal[""] = "",
) -> list[User]:
    """Where nothing but a second signature is missing, whoever can give it is told at once.

    Returns them. Raises NotOpen, or Refused: also when the call needs no signature.
    """
    _hold(promise)
    _owed(promise)
    if by.user is None or by.user.team_id != promise.team_id:
        raise Refused("", _("This promise belongs to another team."))
    _spoken(promise, attempt)
    if verb == "came":
        _said_at(_left_last(promise), attempt)
    if _team_of(attempt) != promise.team_id:
        raise Refused("call", _("The promise belongs to another team than this call."))
    if reported(attempt=attempt, by=by):
        raise Refused("call", _("The telephone system reported this call: nobody has to sign."))
    authors = _authors(attempt) | ({f"user:{attempt.agent_id}"} if attempt.agent_id else set())
    return signatures.want(
        promise=promise,
        verb=verb,
        attempt=attempt,
        reason=reason,
        authors=authors,
        by=by,
        at=at,
    )


def _said_at(delivery: Delivery, attempt: Attempt) -> datetime:
    said_at = attempt.answered_at or attempt.started_at
    if said_at < (delivery.sending_at or delivery.queued_at):
        raise Refused("call", _("It had not left yet when this call began."))
    return said_at


def _left_last(promise: Promise) -> Delivery:
    if promise.kind == Promise.Kind.CALLBACK:
        raise Refused("", _("A promised call is kept by a call."))
    rows = plans.attached(promise).select_related("proof").order_by("-pk")
    found = next((row for row in rows if answering.left(row)), None)
    if found is None:
        raise Refused("", _("Nothing has left that could have come."))
    return found


def spoken_since(promise: Promise) -> QuerySet[Attempt]:
    """The calls in which the customer can have said something about it, the newest first."""
    heard = Q(result=Attempt.Result.ANSWERED) | Q(direction=Attempt.Direction.INBOUND)
    rows = Attempt.objects.filter(
        heard, customer=promise.customer_id, started_at__gt=promise.attempt.started_at
    ).exclude(source=presses.SOURCE)
    return rows.select_related("agent").order_by("-started_at", "-pk")


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


def _vouched(promise: Promise, attempt: Attempt, by: Actor, *, signed: bool) -> None:
    """The safeguard of what opens the gate on somebody's word: a second witness of the call."""
    _spoken(promise, attempt)
    if signed:
        _second(promise, attempt, by)
    elif not reported(attempt=attempt, by=by):
        raise Refused("call", _("No telephone system has reported this call by itself."))
    if _team_of(attempt) != promise.team_id:
        raise Refused("call", _("The promise belongs to another team than this call."))


def reported(*, attempt: Attempt, by: Actor) -> bool:
    """Whether somebody who hears the line told of it: a dialer, or a machine other than `by`."""
    return any(author.startswith(TELEPHONY) for author in _authors(attempt) - {by.code})


def _authors(attempt: Attempt) -> set[str]:
    rows = AttemptRevision.objects.filter(attempt=attempt)
    return {attempt.logged_by, *rows.values_list("recorded_by", flat=True)}


def _second(promise: Promise, attempt: Attempt, by: Actor) -> None:
    """Whoever logged the call has given their word; a supervisor of the team adds another."""
    user = by.user
    if user is None or by.key is not None or not access.may(user, "sign_promises"):
        raise Refused("password", _("Only a supervisor can sign for this."))
    if user.team_id != promise.team_id:
        raise Refused("password", _("Only a supervisor of the promise's team can sign for this."))
    if by.code in _authors(attempt) or attempt.agent_id == user.pk:
        raise Refused("call", _("This was your own call: somebody else has to sign for it."))


def _sign(action: str, promise: Promise, attempt: Attempt, *, by: Actor, at: datetime) -> None:
    data = {"attempt": attempt.pk, "customer": promise.customer_id}
    audit.write(action=action, subject=f"promise:{promise.pk}", by=by, at=at, data=data)


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
    if by.user is None or by.user.pk != owner.pk:  # who took it over need not be told
        notices.tell(user=owner, kind="reassigned", promise=promise, at=at)
    return True


@transaction.atomic
def claim(*, promise: Promise, reason: str, by: Actor, at: datetime) -> bool:
    """Somebody of the team takes it over; False when it is theirs already. Raises as reassign."""
    _hold(promise)
    if by.user is None or by.user.team_id != promise.team_id:
        raise Refused("", _("This promise belongs to another team."))
    return reassign(promise=promise, owner=by.user, reason=reason, by=by, at=at)


def hand_out(
    *, chosen: Iterable[Promise], owner: User, reason: str, by: Actor, at: datetime
) -> list[tuple[Promise, str]]:
    """Hands over each by itself; returns what could not be handed over, and why in words."""
    left = []
    for promise in chosen:
        try:
            if not reassign(promise=promise, owner=owner, reason=reason, by=by, at=at):
                left.append((promise, _("It is theirs already.")))
        except Refused as refusal:
            left.append((promise, str(refusal)))
    return left


def way(
    promise: Promise,
    *,
    plan: tuple[str, ...] | None = None,
    address: str | None = None,
    accepted: bool = False,
) -> dict[str, Any]:
    """How what is agreed anew goes, as Terms take it: the same way to the same address, unless one
    of them was agreed too."""
    if promise.kind == Promise.Kind.CALLBACK:
        return {"plan": ()}
    if plan is not None or address is not None:
        told = {"address": address or "", "address_accepted": accepted}
        return {"plan": plan or tuple(promise.plan), **told}
    read_back = accepted or promise.address_accepted_at is not None
    same = {"address": promise.text.address, "address_accepted": read_back}
    return {"plan": tuple(promise.plan), **same}
