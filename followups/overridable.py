"""What stands against one agent's call now, and what of it a supervisor may set aside. Reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from crm import policies
from crm.models import Campaign, Customer, PhoneNumber, User
from crm.queries import campaigns_at_hand
from crm.rules import Part, Rules
from followups import deputies, gate, queries
from followups.gate import Block
from followups.models import Override
from followups.reasons import BY_CODE

# A figure of one of these kinds is the law's, whatever a supervisor types.
LAW = frozenset({"statutory", "regulator", "presumption"})
COUNTED = {"cap_attempts": "attempt", "cap_conversations": "conversation"}


@dataclass(frozen=True)
class Against:
    """What stands against this agent's call now; `stubborn` is what nobody may override."""

    purpose: str
    blocks: tuple[Block, ...]
    stubborn: tuple[Block, ...]

    @property
    def gives_way(self) -> bool:
        """Whether something stands, and a supervisor may let the call through all the same."""
        return bool(self.blocks) and not self.stubborn


def purpose_of(*, customer: Customer, agent: User, at: datetime) -> str:
    """For which purpose a call by this agent would be made now."""
    return "callback" if queries.called_back(customer=customer, user=agent, at=at) else "sales"


def against(
    *, customer: Customer, agent: User, at: datetime, campaign: Campaign | None = None
) -> Against:
    """The blocks of this agent's call, by the rules under which they would call."""
    purpose = purpose_of(customer=customer, agent=agent, at=at)
    campaign = campaign or campaign_of(customer, agent=agent, purpose=purpose)
    policy = campaign.policy if campaign else "none"
    mine = deputies.holders(agent.pk, purpose, {customer.pk}, at=at)
    them = {customer.pk: campaign} if campaign else {}
    found = gate.blocks([customer], purpose=purpose, at=at, campaigns=them, mine=mine)
    return judged(found[customer.pk], customer=customer, purpose=purpose, policy=policy, at=at)


def campaign_of(customer: Customer, *, agent: User, purpose: str) -> Campaign | None:
    """For which campaign the desk would ask; a promised call-back is of none."""
    if purpose == "callback":
        return None
    return campaigns_at_hand([customer.pk], team=agent.team_id).get(customer.pk)


def campaigns_of(rows: Iterable[Override], *, purpose: str) -> dict[int, Campaign]:
    """The same for many, by customer id: two queries for each team of their agents."""
    teams: dict[int | None, list[int]] = {}
    for row in rows:
        teams.setdefault(row.agent.team_id, []).append(row.customer_id)
    found: dict[int, Campaign] = {}
    for team, ids in teams.items() if purpose != "callback" else ():
        found |= campaigns_at_hand(ids, team=team)
    return found


def judged(
    blocks: tuple[Block, ...], *, customer: Customer, purpose: str, at: datetime, policy: str
) -> Against:
    """The same of blocks that were read already."""
    laws = list(_rules(customer, policy=policy, at=at))
    stubborn = tuple(block for block in blocks if not _may(block.code, laws))
    return Against(purpose, blocks, stubborn)


def _may(code: str, laws: Iterable[Rules]) -> bool:
    answer = BY_CODE[code].overridable
    if answer != "unless_statutory":
        return answer == "yes"
    return not any(part.kind in LAW for rules in laws for part in _parts(code, rules))


def _rules(customer: Customer, *, policy: str, at: datetime) -> Iterator[Rules]:
    """Those of the campaign, and those of the country in which the customer lives."""
    yield policies.get(policy, at=at).rules
    for other in policies.in_force(at=at):
        if other.rules.country and other.rules.country == customer.country:
            yield other.rules


def _parts(code: str, rules: Rules) -> Iterator[Part]:
    """The figures that such a block may come from."""
    if code == "refusal_cooloff" and rules.refusal:
        yield rules.refusal
    yield from (cap for cap in rules.caps if cap.unit == COUNTED.get(code))


def key(block: Block) -> str:
    """A block as an override names it: its code, and the promise when it is about one."""
    return f"{block.code}:{block.promise or ''}"


def reachable(customer: Customer) -> bool:
    """Whether a number is the customer's alone: an override is for one person."""
    own = {row.e164 for row in customer.numbers.all()}
    others = PhoneNumber.objects.filter(e164__in=own).exclude(customer=customer)
    return not own or bool(own - set(others.values_list("e164", flat=True)))
