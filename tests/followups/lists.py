"""A house in which every code of the gate stops somebody, and lists of its numbers."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime

from crm import calls, customers, suppressions
from crm.customers import Facts
from crm.models import Campaign, Customer, Disposition, Heartbeat, Suppression
from followups import conversations, facts, gate
from followups.gate import Decision, Question
from followups.models import Lease
from followups.terms import Terms
from offers import evidence, sending
from offers.models import Evidence
from tests.cast import (
    DAY,
    DUPONT_MOBILE,
    HOUR,
    MINUTE,
    START,
    SYSTEM,
    Cast,
    Clock,
    Relay,
    call_and_promise,
    call_of,
    delivery_of,
    person,
    sweeps_alive,
)
from tests.offers.journeys import happens

NOW = START + 2 * DAY
Happens = Callable[[Cast, Customer], None]
JUNK = ("", "n/a", "12", "+32 470", "١٢", "0470 12 34 5x", "+999123456789")


def owed(cast: Cast, who: Customer) -> None:
    call_and_promise(cast.amina, who, at=START)


def owed_a_call(cast: Cast, who: Customer) -> None:
    terms = Terms(kind="callback", words="I call you.", plan=(), due_at=NOW + HOUR)
    conversations.record(
        call=call_of(cast.amina, who, at=START, number=""),
        terms=[terms],
        by=person(cast.amina),
        at=START,
    )


def reading(cast: Cast, who: Customer) -> None:
    promise = call_and_promise(cast.amina, who, at=START)
    sending.send_due(clock=Clock(START))
    happens(delivery_of(promise), Evidence.Kind.DELIVERED, at=START)
    evidence.ripen(at=START + DAY)


def rung(cast: Cast, who: Customer) -> None:
    call = call_of(cast.bram, who, at=NOW - MINUTE, number="")
    calls.log(call=call, by=SYSTEM, at=NOW)


def called_often(cast: Cast, who: Customer) -> None:
    for days in range(3, 12):
        call = call_of(cast.bram, who, at=NOW - days * DAY, number="")
        calls.log(call=call, by=SYSTEM, at=NOW)


def spoken_to(cast: Cast, who: Customer) -> None:
    call = call_of(cast.bram, who, at=NOW - DAY, number="", direction="inbound", result="answered")
    calls.log(call=call, by=SYSTEM, at=NOW)


def said_no(cast: Cast, who: Customer) -> None:
    call = call_of(
        cast.bram,
        who,
        at=NOW - DAY,
        number="",
        result="answered",
        disposition=Disposition.objects.get(pk="declined"),
    )
    calls.log(call=call, by=SYSTEM, at=NOW)


def leased(cast: Cast, who: Customer) -> None:
    lease(customer=who)


def lease(**of: object) -> None:
    Lease.objects.create(
        decision_id=uuid.uuid4(),
        holder=f"user:{uuid.uuid4().int % 10**6}",
        taken_at=NOW,
        taken_by="system",
        until_at=NOW + MINUTE,
        **of,
    )


def wish(kind: str, lifted: bool = False) -> Happens:
    def add(cast: Cast, who: Customer) -> None:
        campaign = cast.sales if kind == "dnc_campaign" else None
        row = suppressions.add(
            customer=who, kind=kind, origin="call", campaign=campaign, by=SYSTEM, at=START
        )
        if lifted:
            suppressions.lift(suppression=row, by=SYSTEM, at=START)

    return add


HAPPENINGS: tuple[Happens, ...] = (
    owed,
    owed_a_call,
    reading,
    rung,
    called_often,
    spoken_to,
    said_no,
    leased,
    wish("dnc_company", lifted=True),
    *(wish(kind) for kind in Suppression.Kind.values),
)


def somebody(cast: Cast, *numbers: str, country: str = "BE") -> Customer:
    facts_of = Facts(
        name="Somebody", language="nl", team=cast.gent, country=country, phones=numbers
    )
    return customers.add(facts=facts_of, at=START - DAY)


def mixed_house(cast: Cast, relay: Relay, seed: int, people: int = 40) -> list[str]:
    """Customers to whom things happened, some of whom share a number; all their numbers."""
    dice = random.Random(seed)
    sweeps_alive(NOW)
    numbers = [f"+3247{n:07d}" for n in dice.sample(range(10**6), people)]
    for place, number in enumerate(numbers):
        shared = [dice.choice(numbers)] if dice.random() < 0.3 else []
        who = somebody(cast, *dict.fromkeys([number, *shared]))
        # Each thing happens to somebody, whatever the dice say.
        chosen = [HAPPENINGS[place]] if place < len(HAPPENINGS) else []
        for happen in chosen or dice.sample(HAPPENINGS, dice.choice((0, 0, 0, 1, 2, 3))):
            happen(cast, who)
    return [*numbers, *_strangers(cast, numbers)]


def _strangers(cast: Cast, numbers: list[str]) -> list[str]:
    """Numbers that nobody has: rung, leased, and neither; and a customer's, leased as a number."""
    call = call_of(cast.bram, None, at=NOW - HOUR, number="+32499000001")
    calls.log(call=call, by=SYSTEM, at=NOW)
    call = call_of(cast.bram, None, at=NOW - HOUR, number=numbers[-1])
    calls.log(call=call, by=SYSTEM, at=NOW)
    for number in ("+32499000002", "+32499000001", numbers[-2]):
        lease(number_hash=facts.hash_number(number))
    return ["+32499000001", "+32499000002", "+32499000003", DUPONT_MOBILE]


def spelt(e164: str, dice: random.Random) -> str:
    """The same number as somebody else would write it."""
    rest = e164.removeprefix("+32")
    return dice.choice(
        (e164, f"0{rest}", f"0032 {rest}", f"(0){rest[:3]}/{rest[3:]}", f" 32{rest}", f"tel:{e164}")
    )


def one_by_one(
    written: Iterable[str],
    *,
    purpose: str = "sales",
    campaign: Campaign | None = None,
    at: datetime = NOW,
) -> list[Decision]:
    """What the gate itself answers, as advice."""
    return [
        gate.decide(
            Question(number=text, purpose=purpose, campaign=campaign, reserve=False),
            by=SYSTEM,
            at=at,
        )
        for text in written
    ]


def silence() -> None:
    """The sweeps that guard the gate have stopped."""
    Heartbeat.objects.update(beat_at=NOW - DAY, grace_until_at=None)
