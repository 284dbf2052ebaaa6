"""Everything that the sheet shows of one customer, read in a fixed number of queries."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crm import consents, merges, preferences, questions, wishes
from crm.actors import Actor
from crm.models import Campaign, Customer, PhoneNumber, Question, User
from crm.queries import campaigns_at_hand, campaigns_of
from followups import (
    answered,
    checks,
    facts,
    gate,
    overridable,
    override_lists,
    queries,
    timeline,
)
from followups.gate import Block, Decision
from followups.journeys import Journey, journey
from followups.lamp import Lamp, light
from followups.models import Item, Promise
from followups.proposals import Holding
from offers.models import Document

# While a permit stands the page looks again, so that a link to dial does not outlive it.
PERMIT_PACE = 15


@dataclass(frozen=True)
class Permit:
    """The reader's own decision for this call; `standing` while it may still be acted on."""

    decision: Decision
    number_hash: bytes
    standing: bool
    campaign: int | None = None  # for which they were allowed to call


@dataclass(frozen=True)
class Number:
    """A number of the customer. `dial`: the reader was allowed to call it just now; `ask`: they
    may ask the gate for it."""

    e164: str
    lamp: Lamp
    dial: bool
    ask: bool
    shared: bool


def permit(decision_id: uuid.UUID | None, *, user: User, at: datetime) -> Permit | None:
    """What the reader was answered; None for an unknown id and for somebody else's."""
    if decision_id is None:
        return None
    standing = gate.still_stands(decision_id, by=Actor.person(user), at=at)
    row = checks.find(decision_id)
    if standing is None or row is None:
        return None
    asked = bytes(row["number_hash"] or b"")
    return Permit(standing.decision, asked, standing.stands, row["campaign_id"])


def read(customer: Customer, *, offers: list[Holding], at: datetime) -> dict[str, Any]:
    """What stands still on the sheet."""
    people = merges.group_of([customer.pk])
    return {
        "offers": offers,
        "timeline": timeline.of(customer),
        "kinds": timeline.KINDS,
        "answers": answered.of(
            people, bad=[row.address for row in customer.emails.all() if row.bad_at]
        ),
        "wishes": wishes.lines(people, at=at),
        "merges": merges.standing(people),
        "uploads": Document.objects.filter(customer=customer, kind=Document.Kind.UPLOAD)
        .defer("pdf", "html")
        .order_by("-pk")[:5],
        "consents": consents.on_file(customer),
        "preferences": preferences.standing(customer),
    }


def asks(customer: Customer, *, user: User, at: datetime) -> list[Question]:
    """What the campaigns of the reader's team still have to ask this person."""
    known = questions.replies(merges.group_of([customer.pk]))
    return questions.unasked(campaigns_of(user.team_id), known=known, at=at)


def live(
    customer: Customer,
    *,
    user: User,
    at: datetime,
    permit: Permit | None,
    campaign: Campaign | None,
) -> dict[str, Any]:
    """What moves, for a call of this campaign: the lamp, the numbers, the journeys, and the seconds
    until the next look."""
    # First: a promise settled while the rest is read is then still open here, and looked at again.
    # The other way round the page would keep an old lamp and never look again.
    journeys = _journeys(customer, at)
    mine = (f"user:{user.pk}",)
    sharers = _sharers(customer)
    everybody = {customer.pk: customer} | {s.customer_id: s.customer for s in sharers}
    them = dict.fromkeys(everybody, campaign) if campaign else {}
    blocks = gate.blocks(everybody.values(), purpose="sales", at=at, campaigns=them, mine=mine)
    own = blocks[customer.pk]
    standing = permit.decision if permit and permit.standing else None
    plea = override_lists.of_agent(
        customer=customer, agent=user, blocks=own, purpose="sales", at=at
    )
    excused = override_lists.covers(plea, own, purpose="sales")
    until = plea.override.until_at if plea and excused else None
    items = queries.items_of(user, at=at).filter(customer=customer).exclude(kind=Item.Kind.ANSWER)
    paces = [row.pace for row in journeys if row.pace]
    paces += [PERMIT_PACE] if standing or plea else []
    return {
        "campaign": campaign,
        "blocks": own,
        "lamp": light(own, at=at, permit=standing, excused_until=until),
        "numbers": [
            _number(row, sharers, blocks, permit, excused, at) for row in customer.numbers.all()
        ],
        "plea": plea,
        "excused": excused,
        "pleas": override_lists.about(customer=customer, user=user, at=at),
        "journeys": journeys,
        "mend": {item.promise_id: item for item in items},
        "pace": min(paces, default=None),
    }


def campaign(customer: Customer, user: User, permit: Permit | None) -> Campaign | None:
    """For which campaign the reader calls: the one that the permit is for, or the one at hand."""
    if permit and permit.standing and permit.campaign:
        return campaigns_of(user.team_id).filter(pk=permit.campaign).first()
    return campaigns_at_hand([customer.pk], team=user.team_id).get(customer.pk)


def may_plead(customer: Customer, *, user: User, at: datetime, shown: dict[str, Any]) -> bool:
    """Whether a supervisor could let a call by this person through, and has not to be waited for.

    Nor soon after a no: who was refused does not ask again in the same breath. `shown` is what
    live() found: a call that sells is judged by its blocks, without asking the gate again.
    """
    purpose = overridable.purpose_of(customer=customer, agent=user, at=at)
    if purpose == "sales":
        policy = shown["campaign"].policy if shown["campaign"] else "none"
        found = overridable.judged(
            shown["blocks"], customer=customer, purpose=purpose, policy=policy, at=at
        )
    else:
        found = overridable.against(customer=customer, agent=user, at=at)
    if not found.gives_way:
        return False
    blocks = found.blocks
    plea = (
        shown["plea"]
        if purpose == "sales"
        else override_lists.of_agent(
            customer=customer, agent=user, blocks=blocks, purpose=purpose, at=at
        )
    )
    overtaken = plea is not None and plea.state == "stands"
    return plea is None or (overtaken and not override_lists.covers(plea, blocks, purpose=purpose))


def _sharers(customer: Customer) -> list[PhoneNumber]:
    """The rows by which others have a number of this customer."""
    own = [row.e164 for row in customer.numbers.all()]
    rows = PhoneNumber.objects.filter(e164__in=own).exclude(customer=customer)
    return list(rows.select_related("customer"))


def _number(
    row: PhoneNumber,
    sharers: list[PhoneNumber],
    blocks: dict[int, tuple[Block, ...]],
    permit: Permit | None,
    excused: bool,
    at: datetime,
) -> Number:
    """A shared number is shut when anybody who has it is blocked; nobody is named.

    A supervisor's permission is for one person, and not for a number that others have too.
    """
    others = [s.customer_id for s in sharers if s.e164 == row.e164]
    found = [block for pk in (row.customer_id, *others) for block in blocks[pk]]
    asked = permit is not None and permit.number_hash == facts.hash_number(row.e164)
    stands = asked and permit is not None and permit.standing
    spared = stands and permit is not None and permit.decision.code == "override"
    lamp = light(found, at=at)
    ask = lamp.shape == "open" or (excused and not others)
    return Number(row.e164, lamp, stands and (spared or not found), ask, bool(others))


def _journeys(customer: Customer, at: datetime) -> list[Journey]:
    people = merges.group_of([customer.pk])
    rows = queries.with_journeys(Promise.objects.filter(customer__in=people))
    return [journey(promise, at=at) for promise in rows.order_by("-made_at", "-pk")[:20]]
