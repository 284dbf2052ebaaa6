"""The gate: may this person be called now, for this purpose?

`blocks()` asks without touching. `decide()` locks, reads, answers and records. Both judge the
same facts by the same rules, so that the API, the desk and every list agree.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from config import clock, prepared
from crm import customers, phone, policies
from crm.actors import Actor
from crm.models import Campaign, Customer, User
from crm.policies import Policy
from followups import checks, facts, leases, purposes
from followups.facts import Fact, Facts
from followups.reasons import BY_CODE, ORDER, sentence

SAME_ANSWER_FOR = timedelta(days=7)


class OtherQuestion(ValueError):
    """A request id was used before, for somebody else."""


@dataclass(frozen=True)
class Block:
    """One reason why not: computed from what is stored, never stored itself."""

    code: str
    since: datetime | None
    until: datetime | None
    promise: str | None = None

    @property
    def sentence(self) -> str:
        return sentence(self.code, until=self.until)

    @property
    def lifts(self) -> str:
        return BY_CODE[self.code].lifts()


@dataclass(frozen=True)
class Question:
    """What is asked. Either a number as it was typed, or a customer.

    `reserve` None means yes for selling. `reference` names the promise or ticket of a service
    call; without it a service call is judged like a sale.
    """

    purpose: str = "sales"
    number: str | None = None
    customer: Customer | None = None
    campaign: Campaign | None = None
    agent: User | None = None
    reserve: bool | None = None
    request_id: str = ""
    reference: str = ""


@dataclass(frozen=True)
class Decision:
    """What was answered. Valid until `valid_until` and while `stands()` agrees."""

    allow: bool
    code: str
    blocks: tuple[Block, ...]
    number: str
    people: tuple[int, ...]
    not_before: datetime | None
    id: uuid.UUID
    valid_until: datetime
    checked_at: datetime
    references: tuple[str, ...] = ()  # of the people, when they were just read

    @property
    def reason(self) -> str:
        until = self.blocks[0].until if self.blocks else None
        return sentence(self.code, until=until, denied=not self.allow)


def blocks(
    people: Iterable[Customer],
    *,
    purpose: str,
    at: datetime,
    policy: str = "none",
    mine: Collection[str] = (),
) -> dict[int, tuple[Block, ...]]:
    """The blocks of each customer, strictest first; one query for one or for thousands.

    `mine`: leases of these holders do not block (the call that the reader is in).
    """
    ids = [customer.pk for customer in people]
    read = facts.read(ids=ids, gap=policies.get(policy).min_gap, at=at)
    return {pk: _judge(read, purpose, only=pk, mine=mine) for pk in ids}


def _judge(
    read: Facts, purpose: str, *, only: int | None = None, mine: Collection[str] = ()
) -> tuple[Block, ...]:
    """The facts that stop this purpose, in the order of the table. `mine` are own leases."""
    found = [
        Block(code=f.code, since=f.since, until=f.until, promise=_promise(f))
        for f in read.rows
        if (only is None or f.person in {None, only})
        and purpose in BY_CODE[f.code].stops
        and not _own(f, mine)
    ]
    # Several sweeps may have stopped: one reason, one sentence.
    once = {(block.code, block.until, block.promise): block for block in reversed(found)}
    return tuple(sorted(once.values(), key=_place))


def _place(block: Block) -> tuple[int, float]:
    """By the table; among equals the one that lasts longest."""
    return ORDER[block.code], -(block.until.timestamp() if block.until else float("inf"))


def _promise(fact: Fact) -> str | None:
    return fact.ref if fact.code in {"open_promise", "reading_time"} else None


def _own(fact: Fact, mine: Collection[str]) -> bool:
    return fact.code == "leased" and any(part in mine for part in (fact.ref or "").split())


def decide(question: Question, *, by: Actor, at: datetime | None = None) -> Decision:
    """Answers, records what was answered, and on a reserved allow leases the person.

    `at` None reads the database's clock after the lock, in the statement that reads the
    blocks. An older `at` only makes timed blocks longer. The same actor and `request_id` get
    the same decision; OtherQuestion when they ask about somebody else. Raises
    policies.UnknownPolicy when the campaign names none that exists.
    """
    if not question.request_id:
        with prepared.transaction():
            return _decide(question, by, at)
    with transaction.atomic():
        return _earlier(question, by, at) or _decide(question, by, at)


def _decide(question: Question, by: Actor, at: datetime | None) -> Decision:
    policy = policies.get(question.campaign.policy if question.campaign else "none")
    purpose = purposes.strictest(
        question.purpose, campaign=question.campaign, reference=question.reference, by=by
    )
    number, valid = _number(question)
    if not valid:
        read = facts.read(gap=policy.min_gap, at=at)
        found: tuple[Block, ...] = (Block("number_invalid", None, None),)
    else:
        ids = [question.customer.pk] if question.customer else []
        if question.customer and not number:
            # Any of their numbers may be dialled: who shares one of them counts too.
            ids = customers.sharing(question.customer)
        read = _hold_and_read(number, ids, policy.min_gap, at)
        mine = (f"user:{question.agent.pk}",) if question.agent else ()
        found = _judge(read, purpose, mine=mine)
        unwanted = settings.GATE_UNKNOWN_NUMBER == "deny" and not read.people
        if unwanted and purpose in BY_CODE["unknown_number"].stops:
            found = (*found, Block("unknown_number", None, None))
    return _record(question, read, found, number, purpose, policy, by)


def _number(question: Question) -> tuple[str, bool]:
    if question.number is None:
        return "", question.customer is not None
    try:
        return phone.normalise(question.number, settings.DEFAULT_COUNTRY), True
    except phone.NotANumber:
        return "", False


def _hold_and_read(number: str, ids: list[int], gap: timedelta, at: datetime | None) -> Facts:
    """Locks and reads; again, with more locks, when somebody joined the number in between."""
    for _try in range(3):
        read, held = facts.hold_and_read(number=number, ids=ids, gap=gap, at=at)
        if held >= set(read.people):
            return read
        ids = sorted(held | set(read.people))
    raise RuntimeError("the people of this number keep changing")


def _earlier(question: Question, by: Actor, at: datetime | None) -> Decision | None:
    facts.hold_request(by=by.code, request_id=question.request_id)
    since = (at or clock.now()) - SAME_ANSWER_FOR
    row = checks.of_request(by=by.code, request_id=question.request_id, since=since)
    if row is None:
        return None
    number, _valid = _number(question)
    hashed = facts.hash_number(number) if number else None
    known = bytes(row["number_hash"]) if row["number_hash"] is not None else None
    if known != hashed or (question.customer and question.customer.pk not in row["customer_ids"]):
        raise OtherQuestion(_("This request id was used before, for another number or customer."))
    return _looked_at_again(replace(_restored(row), number=number), row, at)


def _looked_at_again(decision: Decision, row: dict[str, Any], at: datetime | None) -> Decision:
    """An allow is not repeated over what was promised since: the same decision then denies."""
    if not decision.allow:
        return decision
    gap = _policy(row).min_gap
    read = _hold_and_read(decision.number, list(decision.people), gap, at)
    found = _judge(read, row["purpose"], mine=_mine(row))
    if not found:
        return decision
    return replace(
        decision, allow=False, code=found[0].code, blocks=found, not_before=_not_before(found)
    )


def _mine(row: dict[str, Any]) -> tuple[str, ...]:
    """The leases that do not speak against this decision: its own, and those of its agent."""
    agent = (f"user:{row['agent_id']}",) if row["agent_id"] else ()
    return (str(row["id"]), *agent)


def _record(
    question: Question,
    read: Facts,
    found: tuple[Block, ...],
    number: str,
    purpose: str,
    policy: Policy,
    by: Actor,
) -> Decision:
    reserve = question.reserve if question.reserve is not None else purpose in {"sales", "survey"}
    allow = not found
    decision = Decision(
        allow=allow,
        code=found[0].code if found else ("ok" if read.people else "unknown_number"),
        blocks=found,
        number=number,
        people=read.people,
        not_before=_not_before(found),
        id=checks.new_id(read.at),
        valid_until=read.at + policy.permit,
        checked_at=read.at,
        references=read.references,
    )
    if allow and reserve:
        leases.take(
            people=read.people,
            number_hash=facts.hash_number(number) if number else None,
            decision_id=decision.id,
            holder=f"user:{question.agent.pk}" if question.agent else by.code,
            until=read.at + policy.lease,
            by=by,
            at=read.at,
        )
    check = checks.Check(
        at=read.at,
        by=by.code,
        agent_id=question.agent.pk if question.agent else None,
        customer_ids=list(read.people),
        number_hash=facts.hash_number(number) if number else None,
        purpose=purpose,
        campaign_id=question.campaign.pk if question.campaign else None,
        decision="allow" if allow else "deny",
        code=decision.code,
        codes=[block.code for block in found],
        reserve=reserve,
        request_id=question.request_id,
        policy=policy.label,
        valid_until_at=decision.valid_until,
        answer={"blocks": [_plain(block) for block in found]},
    )
    checks.write(decision_id=decision.id, check=check, durable=allow)
    return decision


def _not_before(found: tuple[Block, ...]) -> datetime | None:
    """When the last timed block ends; None when one of them waits for an event."""
    ends = [block.until for block in found]
    return max((end for end in ends if end), default=None) if all(ends) else None


def _plain(block: Block) -> dict[str, Any]:
    return {
        "code": block.code,
        "since": block.since.isoformat() if block.since else None,
        "until": block.until.isoformat() if block.until else None,
        "promise": block.promise,
    }


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _restored(row: dict[str, Any]) -> Decision:
    found = tuple(
        Block(b["code"], _instant(b["since"]), _instant(b["until"]), b["promise"])
        for b in row["answer"]["blocks"]
    )
    return Decision(
        allow=row["decision"] == "allow",
        code=row["code"],
        blocks=found,
        number="",
        people=tuple(row["customer_ids"]),
        not_before=_not_before(found),
        id=row["id"],
        valid_until=row["valid_until_at"],
        checked_at=row["at"],
    )


@dataclass(frozen=True)
class Standing:
    """Whether a decision may still be acted on, and if not, why."""

    stands: bool
    code: str
    decision: Decision


def still_stands(decision_id: uuid.UUID, *, by: Actor, at: datetime) -> Standing | None:
    """Looks again: an allow stands for 120 s and while nothing new blocks. None: not known.

    A key or a person sees only the decisions that it asked for.
    """
    row = checks.find(decision_id)
    if row is None or row["by"] != by.code:
        return None
    decision = _restored(row)
    if not decision.allow:
        return Standing(False, decision.code, decision)
    if at >= decision.valid_until:
        return Standing(False, "expired", decision)
    people = decision.people
    read = facts.read(ids=people, gap=_policy(row).min_gap, at=at)
    found = _judge(read, row["purpose"], mine=_mine(row))
    return Standing(not found, found[0].code if found else "ok", decision)


def _policy(row: dict[str, Any]) -> Policy:
    return policies.get(row["policy"].partition("@")[0])
