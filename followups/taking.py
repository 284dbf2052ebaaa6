"""Taking a call: the gate is asked for it, and an allow leases the customer to who asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from crm.actors import Actor
from crm.customers import sharing
from crm.models import Campaign, Customer, User
from followups import campaign_calls, gate, leases, next_calls, pool
from followups.gate import Decision, Question
from followups.models import Lease, Promise
from followups.next_calls import NextCall

# How many are asked for before it is said that nobody is free: colleagues take them meanwhile.
MOST_ASKED = 12
# How many batches of the campaign lists are looked at by one press.
ROUNDS = 25


class Busy(Exception):
    """Another call is this person's already: `held` says whose."""

    def __init__(self, held: Lease) -> None:
        super().__init__(held.pk)
        self.held = held


@dataclass(frozen=True)
class Taken:
    """Whose call it is now, and by which decision."""

    customer: Customer
    decision: Decision


def ask(
    *,
    customer: Customer,
    number: str | None,
    owed: Promise | None,
    campaign: Campaign | None,
    user: User,
    at: datetime,
) -> Decision:
    """Asks for this call now: to keep a promised call-back that is `owed`, or else to sell (or ask)
    for a campaign. An allow leases the customer. Raises Busy when another window was first: the
    press of one person gives them one call, however many pages they have open."""
    survey = campaign is not None and campaign.purpose == Campaign.Purpose.SURVEY
    question = Question(
        purpose="callback" if owed else "survey" if survey else "sales",
        reference=owed.reference if owed else "",
        number=number,
        customer=customer,
        campaign=None if owed else campaign,
        agent=user,
        reserve=True,
    )
    with transaction.atomic():
        other = leases.in_the_way(user=user, people=sharing(customer), at=at)
        if other:
            raise Busy(other)
        return gate.decide(question, by=Actor.person(user))


def next_one(*, user: User, at: datetime) -> Taken | None:
    """The next call in the order of the desk, now this user's; None when nobody is free.

    Of two who press at once each gets another person: the gate gives nobody away twice.
    """
    asked = 0
    for call in _in_turn(user, at):
        if call.pooled and not _taken_over(call, user, at):
            continue
        first = call.customer.numbers.first()
        number = first.e164 if first else None
        decision = ask(
            customer=call.customer,
            number=number,
            owed=call.owed,
            campaign=call.campaign,
            user=user,
            at=at,
        )
        if decision.allow:
            return Taken(call.customer, decision)
        if call.entry:
            campaign_calls.put_off([(call.entry, decision.blocks)], at=at)
        asked += 1
        if asked == MOST_ASKED:
            break
    return None


def _in_turn(user: User, at: datetime) -> Iterator[NextCall]:
    yield from next_calls.call_backs(user, at=at)
    yield from next_calls.follow_ups(user, at=at)[0]
    for entry in campaign_calls.in_turn(user=user, at=at, rounds=ROUNDS):
        yield next_calls.listing(entry, at=at)


def _taken_over(call: NextCall, user: User, at: datetime) -> bool:
    """Who takes a colleague's missed call-back owns it from then on."""
    if call.promise is None:
        return False
    return pool.take(promise=call.promise, user=user, by=Actor.person(user), at=at)
