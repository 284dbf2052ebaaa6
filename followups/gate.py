"""The gate: may this person be called now, for this purpose?

`blocks()` asks without touching. `decide()` locks, reads, answers and records. Both judge the
same facts by the same rules, so that the API, the desk and every list agree.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from crm import conditions, customers, merges, phone
from crm.actors import Actor
from crm.keys import Mark
from crm.models import Campaign, Customer, User
from followups import checks, deputies, facts, purposes, rulings
from followups.facts import Fact
from followups.reasons import BY_CODE, ORDER, SELLING, sentence
from followups.rulings import Asked, Ruling


class OtherQuestion(ValueError):
    """A request id was used before, for another question, or so long ago that it is over."""


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
    campaigns: Mapping[int, Campaign] | None = None,
    mine: Collection[str] = (),
) -> dict[int, tuple[Block, ...]]:
    """The blocks of each customer, strictest first; two queries a campaign, however many people.

    `campaigns`: for which one each customer would be called; without it no policy limits the call.
    `mine`: leases and slots of these do not block (the reader's: deputies.holders).
    """
    for_them, under = campaigns or {}, dict[Campaign | None, list[Customer]]()
    for customer in people:
        under.setdefault(for_them.get(customer.pk), []).append(customer)
    judged: dict[int, tuple[Block, ...]] = {}
    for campaign, theirs in under.items():
        rules = conditions.of(campaign.policy if campaign else "none", at=at)
        whole = merges.groups(theirs)
        ids = {pk for group in whole.values() for pk in group}
        number = campaign.pk if campaign else None
        found = facts.read(ids=ids, under=rules, at=at, campaign=number)
        judged |= {pk: _judge(found, purpose, only=group, mine=mine) for pk, group in whole.items()}
    return judged


def _judge(
    found: Iterable[Fact],
    purpose: str,
    *,
    only: Collection[int] | None = None,
    mine: Collection[str] = (),
) -> tuple[Block, ...]:
    """The facts that stop this purpose, in the order of the table. `mine` are own leases.

    The database does the same for `decide` (kept_gate_rule); a test compares the two.
    """
    blocks = [
        Block(code=f.code, since=f.since, until=f.until, promise=_promise(f))
        for f in found
        if (only is None or f.person is None or f.person in only)
        and purpose in BY_CODE[f.code].stops
        and not _own(f, purpose, mine)
    ]
    # Several sweeps may have stopped, or lists be against it: one reason, since the first of them.
    once: dict[tuple[object, ...], Block] = {}
    for block in sorted(blocks, key=_since):
        once.setdefault((block.code, block.until, block.promise), block)
    return tuple(sorted(once.values(), key=_place))


def _since(block: Block) -> float:
    return block.since.timestamp() if block.since else float("inf")


def _place(block: Block) -> tuple[int, float]:
    """By the table; among equals the one that lasts longest."""
    return ORDER[block.code], -(block.until.timestamp() if block.until else float("inf"))


def _promise(fact: Fact) -> str | None:
    named = fact.code in {"open_promise", "reading_time", "callback_pending"}
    return (fact.ref or "").partition(" ")[0] if named else None


def _own(fact: Fact, purpose: str, mine: Collection[str]) -> bool:
    """The reader's own lease, or the slot in which they promised to call."""
    slot = fact.code == "callback_pending" and purpose == "callback"
    return (slot or fact.code == "leased") and bool({*(fact.ref or "").split()} & {*mine})


def decide(
    question: Question, *, by: Actor, at: datetime | None = None, mark: Mark | None = None
) -> Decision:
    """Answers, records what was answered, and on a reserved allow leases the person.

    `at` None reads the database's clock after the lock, in the statement that reads the
    blocks. An older `at` only makes timed blocks longer. The same actor and `request_id` get
    the same decision; OtherQuestion when they ask something else, or when its allow is over.
    `mark` is that of a key used on trust: KeyChanged, and nothing is written, when its row has
    changed. Raises policies.UnknownPolicy when the campaign names none that exists.
    """
    asked = _asked(question, by, mark, at)
    ruling = rulings.rule(asked, at=at)
    if ruling.known:
        return _earlier(question, asked, ruling.known, at)
    found = tuple(_restored_block(block) for block in ruling.blocks)
    code = found[0].code if found else _fine(ruling)
    return Decision(
        allow=ruling.allow,
        code=code,
        blocks=found,
        number=asked.number,
        people=ruling.people,
        not_before=_not_before(found),
        id=_known_id(ruling),
        valid_until=ruling.at + ruling.policy.permit,
        checked_at=ruling.at,
        references=ruling.references,
    )


def _fine(ruling: Ruling) -> str:
    return "override" if ruling.excused else "ok" if ruling.people else "unknown_number"


def _known_id(ruling: Ruling) -> uuid.UUID:
    if ruling.id is None:
        raise RuntimeError("an answer without its row")
    return ruling.id


def _asked(question: Question, by: Actor, mark: Mark | None, at: datetime | None) -> Asked:
    policy = question.campaign.policy if question.campaign else "none"
    number, valid = _number(question)
    purpose = purposes.strictest(
        question.purpose,
        campaign=question.campaign,
        reference=question.reference,
        by=by,
        number=number,
        customer=question.customer,
    )
    ids = [question.customer.pk] if question.customer and valid else []
    if ids and question.customer and not number:
        # Any of their numbers may be dialled: who shares one of them counts too.
        ids = customers.sharing(question.customer)
    agent = question.agent.pk if question.agent else None
    waits = purposes.waiting(question.reference, purpose)
    return Asked(
        number=number,
        ids=ids,
        purpose=purpose,
        policy=policy,
        by=by.code,
        holder=f"user:{agent}" if agent else by.code,
        mine=deputies.holders(agent, purpose, waits, at=at),
        given="" if valid else "number_invalid",
        strangers=settings.GATE_UNKNOWN_NUMBER == "allow",
        reserve=question.reserve if question.reserve is not None else purpose in SELLING,
        agent=agent,
        campaign=question.campaign.pk if question.campaign else None,
        request_id=question.request_id,
        mark=mark,
        excusing=by.key is None and agent is not None,
    )


def _number(question: Question) -> tuple[str, bool]:
    if question.number is None:
        return "", question.customer is not None
    try:
        return phone.normalise(question.number, settings.DEFAULT_COUNTRY), True
    except phone.NotANumber:
        return "", False


def _earlier(
    question: Question, asked: Asked, row: dict[str, Any], at: datetime | None
) -> Decision:
    """What this request was answered before; an allow not over what was promised since."""
    hashed = facts.hash_number(asked.number) if asked.number else None
    known = row["number_hash"] and bytes.fromhex(row["number_hash"].removeprefix("\\x"))
    same = (known, row["purpose"], row["campaign_id"]) == (hashed, asked.purpose, asked.campaign)
    if not same or (question.customer and question.customer.pk not in row["customer_ids"]):
        raise OtherQuestion(_("This request id was used before, for another question."))
    decision = replace(_restored(row), number=asked.number)
    if not decision.allow:
        return decision
    again = replace(asked, ids=[*asked.ids, *decision.people], policy=_policy(row), record=False)
    ruling = rulings.rule(replace(again, mine=_mine(row, at)), at=at)
    if ruling.at >= decision.valid_until:
        raise OtherQuestion(_("The allow of this request id has expired: ask with a new one."))
    found = _unspared(map(_restored_block, ruling.blocks), row)
    if not found:
        return decision
    return replace(
        decision, allow=False, code=found[0].code, blocks=found, not_before=_not_before(found)
    )


def _mine(row: dict[str, Any], at: datetime | None) -> tuple[str, ...]:
    """Whose leases do not speak against this decision: its own, and its agent's (and slots)."""
    held = deputies.holders(row["agent_id"], row["purpose"], row["customer_ids"], at=at)
    return (str(row["id"]), *held)


def _unspared(found: Iterable[Block], row: dict[str, Any]) -> tuple[Block, ...]:
    """What speaks against a decision but for what a supervisor's override left aside."""
    spared = {(block["code"], block["promise"]) for block in row["answer"].get("spared", ())}
    return tuple(block for block in found if (block.code, block.promise) not in spared)


def _not_before(found: tuple[Block, ...]) -> datetime | None:
    """When the last timed block ends; None when one of them waits for an event."""
    ends = [block.until for block in found]
    return max((end for end in ends if end), default=None) if all(ends) else None


def _instant(text: str | datetime | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if isinstance(text, str) else text


def _sure(text: str | datetime) -> datetime:
    at = _instant(text)
    if at is None:
        raise RuntimeError("a row without its instant")
    return at


def _restored_block(kept: dict[str, Any]) -> Block:
    return Block(kept["code"], _instant(kept["since"]), _instant(kept["until"]), kept["promise"])


def _restored(row: dict[str, Any]) -> Decision:
    found = tuple(_restored_block(block) for block in row["answer"]["blocks"])
    return Decision(
        allow=row["decision"] == "allow",
        code=row["code"],
        blocks=found,
        number="",
        people=tuple(row["customer_ids"]),
        not_before=_not_before(found),
        id=uuid.UUID(str(row["id"])),
        valid_until=_sure(row["valid_until_at"]),
        checked_at=_sure(row["at"]),
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
    under = conditions.of(_policy(row), at=at)
    ids = merges.group_of(decision.people)
    read = facts.read(ids=ids, under=under, at=at, campaign=row["campaign_id"])
    found = _unspared(_judge(read, row["purpose"], mine=_mine(row, at)), row)
    return Standing(not found, found[0].code if found else decision.code, decision)


def _policy(row: dict[str, Any]) -> str:
    """The policy of an answer by its name: it is looked at again under today's version."""
    return str(row["policy"]).partition("@")[0]
