"""The terms of a promise: what is owed, by when, which proof is enough. Asks when bills leave."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm import calendars, policies
from crm.actors import Actor
from crm.models import Attempt, Campaign, Customer, User
from crm.policies import Policy
from crm.workdays import Calendar
from followups import ladder, ladders
from followups.models import Promise
from followups.models.promises import CALLBACK_TOLERANCE
from offers import bill_runs, postal
from offers.links import ALPHABET as ALPHABET
from offers.models import Document, OfferVersion

# A written answer takes somebody's thought: it is due so many working days later.
ANSWER_DAYS = 5
# A letter can be in hand by then: handed over within two working days, and two more on its way.
LETTER_DAYS = 5
# A leaflet that comes later than this with the bill is no answer to what was asked.
LONGEST_WAIT_FOR_A_BILL = timedelta(days=92)
# What is promised for later than this was mistyped.
LATEST_DUE = timedelta(days=366)


class Refused(ValueError):
    """A promise that cannot be made as asked; the message says why, `field` says where."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


class NotOpen(Refused):
    """Nothing is owed any more. `status` says what became of the promise."""

    def __init__(self, status: str) -> None:
        self.status = status
        super().__init__("promise", _("This promise is not open any more."))


@dataclass(frozen=True)
class Terms:
    """What is promised. Exactly one of `version` (send_offer) and `document` (send_document).

    A written_answer has neither: its document is written later. A callback has no plan, and is
    due in its slot; it `moves` the one that is promised already, instead of being refused.
    `address_accepted` means: read back on the call and confirmed by the customer. `due_at` None
    takes the default of the kind or the channel. A callback may wait for another promise instead of
    having a slot: `after` that one (or, with `after_this`, the first document promised in the same
    contact) has come, and so many days more.
    """

    kind: str
    words: str
    plan: tuple[str, ...] = ("email",)
    address: str = ""
    address_accepted: bool = False
    version: OfferVersion | None = None
    document: Document | None = None
    due_at: datetime | None = None
    moves: bool = False
    after: Promise | None = None
    after_this: bool = False
    after_days: int = 0


def policy_of(campaign: Campaign | None, *, at: datetime) -> Policy:
    """The rules under which a promise of this campaign is made."""
    try:
        policies.refresh()
        return policies.get(campaign.policy if campaign else "none", at=at)
    except policies.UnknownPolicy as error:
        raise Refused("campaign", _("The policy of this campaign is not installed.")) from error


def due(
    *, channel: str, calendar: Calendar, at: datetime, customer: Customer | None = None
) -> datetime:
    """When a promise over this channel is due by default, in the team's working time.

    Paper is due when it can be in the customer's hand. Raises Refused for a bill that comes too
    late, or never; ValueError for a channel without a due time.
    """
    if channel in {"email", "portal"}:
        return calendar.end_of_working_day(at)
    if channel == "post":
        return calendar.end_of_working_day(at, LETTER_DAYS)
    if channel == "bill_insert":
        return _with_the_bill(customer, calendar, at)
    raise ValueError(f"no due time is set for {channel!r}")


def _with_the_bill(customer: Customer | None, calendar: Calendar, at: datetime) -> datetime:
    paper = customer is not None and customer.bill_medium == Customer.BillMedium.PAPER
    if customer is None or not paper or customer.bill_day is None:
        raise Refused("channel", _("This customer gets no paper bill."))
    leaves = bill_runs.next_mailing(bill_day=customer.bill_day, at=at).mailing_date
    noon = postal.noon(leaves, postal.mail_days())
    if noon > at + LONGEST_WAIT_FOR_A_BILL:
        raise Refused(
            "channel",
            _("The next paper bill leaves on %(date)s. That is too late for this promise.")
            % {"date": date_format(leaves)},
        )
    in_hand = postal.readable_at("bill_insert", noon, postal.mail_days())
    return calendar.end_of_working_day(in_hand, 0)


def due_again(promise: Promise, *, calendar: Calendar, at: datetime) -> datetime:
    """The time that a promise gets when it opens again: nothing can be refused any more."""
    try:
        channel = promise.plan[0]
        return due(channel=channel, calendar=calendar, at=at, customer=promise.customer)
    except Refused:
        return calendar.end_of_working_day(at, LETTER_DAYS)


def due_of(
    terms: Terms, *, calendar: Calendar, at: datetime, customer: Customer | None = None
) -> datetime:
    """When this promise is due: as agreed, or by the default of its kind or first channel."""
    if terms.due_at:
        return terms.due_at
    if terms.after:
        return at + LATEST_DUE
    if terms.kind == Promise.Kind.CALLBACK:
        raise Refused("due_at", _("Say when we call back."))
    if terms.kind == Promise.Kind.WRITTEN_ANSWER:
        return calendar.end_of_working_day(at, ANSWER_DAYS)
    return due(channel=terms.plan[0], calendar=calendar, at=at, customer=customer)


def required_grade(policy: Policy, terms: Terms) -> int:
    """The grade that keeps it: less is enough when the address was accepted on the call."""
    if terms.kind == Promise.Kind.CALLBACK:
        return 1  # no document proves it: a call does
    return policy.grade(terms.plan[0], accepted=terms.address_accepted)


def drawn_up(
    terms: Terms, *, attempt: Attempt, owner: User, by: Actor, at: datetime
) -> dict[str, Any]:
    """The columns of a new promise: what is owed by when, under which rules, and its rungs.

    Raises Refused. The rules are written out, so that a later version of them does not move it.
    """
    if attempt.customer is None or owner.team is None:
        raise Refused("customer", _("A promise needs a customer and an owner with a team."))
    policy = policy_of(attempt.campaign, at=at)
    calendar = calendars.of(owner.team, at=at)
    due_at = due_of(terms, calendar=calendar, at=at, customer=attempt.customer)
    if due_at <= at:
        raise Refused("due_at", _("The due time has already passed."))
    steps = ladders.for_team(owner.team, at=at)
    callback = terms.kind == Promise.Kind.CALLBACK
    late_at = due_at + CALLBACK_TOLERANCE if callback else due_at
    rungs = ladder.lateness(steps, calendar, at, late_at)
    return {
        "reference": _reference(),
        "attempt": attempt,
        "campaign": attempt.campaign if callback else None,
        "after": terms.after,
        "after_days": terms.after_days if terms.after else None,
        "kind": terms.kind,
        "made_at": at,
        "made_by": by.code,
        "owner": owner,
        "team": owner.team,
        "version": terms.version,
        "document": terms.document,
        "plan": list(terms.plan),
        "address_accepted_at": at if terms.address_accepted else None,
        "address_accepted_by": by.code if terms.address_accepted else "",
        "required_grade": required_grade(policy, terms),
        # After a call there is nothing to read.
        "reading_hours": 0 if callback else int(policy.reading_period.total_seconds() // 3600),
        "policy": policy.label,
        "calendar": calendar.to_dict(),
        "ladder": steps.to_dict(),
        "due_at": due_at,
        "at_risk_at": rungs[0],
        "rungs": rungs,
        "next_rung_at": rungs[0],
    }


def _reference() -> str:
    """Six characters for the phone; taken anew in the rare case that they are in use."""
    while True:
        reference = "P-" + "".join(secrets.choice(ALPHABET) for _ in range(6))
        if not Promise.objects.filter(reference=reference).exists():
            return reference
