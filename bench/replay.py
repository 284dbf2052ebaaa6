"""A campaign's calls asked again of the gate, one policy at a time: what would have been refused?

Runs inside Kept's own settings: people on standard input, one line of JSON for each policy out.
"""

from __future__ import annotations

import json
import random
import sys
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate

from django.db import connection

from bench.report import say
from config.timetable import SWEEPS
from crm import calling_hours, campaigns, heartbeats, policies, workdays
from crm.actors import Actor
from crm.models import Attempt, AttemptText, Campaign, Customer, NationalList, PhoneNumber, Team
from crm.policies import Policy
from followups import checks, gate
from followups.gate import Decision, Question

BY = Actor.sweep("replay")
# A number of that country for each person; each policy has people of its own.
NUMBERS = {
    "": "+3247{:07d}",
    "BE": "+3247{:07d}",
    "FR": "+3361{:07d}",
    "NL": "+3161{:07d}",
    "DE": "+491511{:07d}",
    "GB": "+44740{:07d}",
    "US": "+12122{:06d}",
}
ROOM = 100_000  # numbers of one policy
BATCH = 500
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Person:
    """How often somebody was called, and whether the last call sold."""

    calls: int
    sale: bool


@dataclass(frozen=True)
class Assumptions:
    """What the data do not tell. Each person's calls are spread evenly from a random moment on."""

    seed: int = 11
    first: date = date(2026, 9, 1)
    days: int = 30
    round_the_clock: bool = False  # else within the policy's own hours, where it has some
    all_answered: bool = False  # else nobody answers before the last call

    @property
    def start(self) -> datetime:
        return datetime.combine(self.first, time(), UTC)

    @property
    def end(self) -> datetime:
        return self.start + timedelta(days=self.days)


@dataclass
class Outcome:
    """What one policy would have refused. `beyond`: sales whose call was refused, by code."""

    policy: str
    calls: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    sales: int = 0
    beyond: Counter[str] = field(default_factory=Counter)
    differs: int = 0  # calls on which a count by hand does not agree


@dataclass(frozen=True)
class Call:
    at: datetime
    person: int
    last: bool


def openings(policy: Policy, assumed: Assumptions) -> list[Span]:
    """When people of the policy's own country may be called in these days."""
    hours, country, at = policy.rules.hours, policy.rules.country, assumed.start
    if assumed.round_the_clock or hours is None:
        return [(at, assumed.end)]
    found: list[Span] = []
    while at < assumed.end:
        shut = calling_hours.shut(hours, country=country, at=at)
        until = shut.until if shut else calling_hours.until_change(hours, country=country, at=at)
        if not shut:
            found.append((at, min(until, assumed.end)))
        at = until
    return found


def spread(people: Sequence[Person], spans: Sequence[Span], seed: int) -> list[Call]:
    """The calls of everybody in the order of time, over the spans as if they had no gaps."""
    dice = random.Random(seed)
    ends = list(accumulate((end - start).total_seconds() for start, end in spans))
    calls = []
    for place, person in enumerate(people):
        begins = dice.random()
        for turn in range(person.calls):
            passed = (turn + begins) / person.calls * ends[-1]
            span = bisect_right(ends, passed)
            left = passed - (ends[span - 1] if span else 0)
            at = spans[span][0] + timedelta(seconds=left)
            calls.append(Call(at, place, turn == person.calls - 1))
    return sorted(calls, key=lambda call: call.at)


def settle(policy: Policy, people: int, *, place: int, at: datetime) -> list[Customer]:
    """The people of one policy, in its country, each with a number."""
    team, _new = Team.objects.get_or_create(
        slug="replay", defaults={"name": "Replay", "calendar": workdays.DEFAULT.to_dict()}
    )
    country = policy.rules.country
    customers = Customer.objects.bulk_create(
        [
            Customer(
                reference=f"R{place}-{n}",
                language="en",
                country=country or "BE",
                team=team,
                generated=True,
                created_at=at,
            )
            for n in range(people)
        ],
        batch_size=BATCH,
    )
    PhoneNumber.objects.bulk_create(
        [
            PhoneNumber(customer=who, e164=number_of(country, place, n), position=0)
            for n, who in enumerate(customers)
        ],
        batch_size=BATCH,
    )
    return customers


def number_of(country: str, place: int, n: int) -> str:
    return NUMBERS[country].format(place * ROOM + n)


def suppose(policy: Policy, assumed: Assumptions) -> None:
    """What stands in favour of the calls besides the policy's limits: Kept's own sweeps run, and
    the national lists that the policy asks for are at hand, fresh, and name nobody.

    Nobody has given a consent: a policy that asks for one denies all. What is assumed of consents
    belongs here.
    """
    for sweep in SWEEPS:
        heartbeats.beat(name=sweep.name, at=assumed.end)
    for rule in policy.rules.lists:
        NationalList.objects.get_or_create(
            name=rule.name,
            defaults={
                "as_of_date": assumed.end.date(),
                "numbers": 0,
                "sha256": "",
                "imported_at": assumed.end,
                "imported_by": BY.code,
            },
        )


def replay(
    policy: Policy, people: Sequence[Person], assumed: Assumptions, *, place: int
) -> Outcome:
    """Asks for each call in turn, and logs those that are allowed before the next of the person."""
    suppose(policy, assumed)
    customers = settle(policy, len(people), place=place, at=assumed.start)
    campaign, _new = campaigns.put(slug=policy.name, policy=policy.name, by=BY, at=assumed.start)
    outcome, hand = Outcome(policy.label), Hand(policy)
    made: dict[int, tuple[Call, Decision]] = {}
    for call in spread(people, openings(policy, assumed), assumed.seed):
        if call.person in made or len(made) == BATCH:
            log(made.values(), customers, campaign, assumed)
            made.clear()
        number = number_of(policy.rules.country, place, call.person)
        decision = gate.decide(Question(number=number, campaign=campaign), by=BY, at=call.at)
        if decision.allow:
            made[call.person] = call, decision
        answered = call.last or assumed.all_answered
        count(outcome, call, decision, people[call.person])
        outcome.differs += decision.allow != hand.allows(call, answered)
    log(made.values(), customers, campaign, assumed)
    if assumed.round_the_clock and policy.rules.hours:
        outcome.differs = 0  # the hand has no calendar
    return outcome


def count(outcome: Outcome, call: Call, decision: Decision, person: Person) -> None:
    sale = person.sale and call.last
    outcome.calls += 1
    outcome.sales += sale
    if not decision.allow:
        outcome.refused[decision.code] += 1
        outcome.beyond[decision.code] += sale


class Hand:
    """The limits counted by hand: calls that were made, in lists, without the gate."""

    def __init__(self, policy: Policy) -> None:
        self.rules = policy.rules
        self.made: dict[int, deque[tuple[datetime, bool]]] = {}

    def allows(self, call: Call, answered: bool) -> bool:
        if self.rules.consent and self.rules.consent.required:
            return False
        before = self.made.setdefault(call.person, deque())
        gap = timedelta(hours=self.rules.product.min_gap_hours)
        if before and call.at - before[-1][0] < gap:
            return False
        for cap in self.rules.caps:
            since = call.at - timedelta(days=cap.days)
            counted = [
                1 for at, spoken in before if at > since and (cap.unit == "attempt" or spoken)
            ]
            if len(counted) >= cap.most:
                return False
        before.append((call.at, answered))
        return True


def log(
    made: Collection[tuple[Call, Decision]],
    customers: Sequence[Customer],
    campaign: Campaign,
    assumed: Assumptions,
) -> None:
    """The calls that were allowed, as attempts: many at once, since nobody waits for each."""
    attempts = [
        Attempt(
            source="replay",
            external_id=str(decision.id),
            customer=customers[call.person],
            campaign=campaign,
            purpose=campaign.purpose,
            direction=Attempt.Direction.OUTBOUND,
            started_at=call.at,
            decision_id=decision.id,
            logged_at=call.at,
            logged_by=BY.code,
            revision=1,
            result="answered" if call.last or assumed.all_answered else "no_answer",
        )
        for call, decision in made
    ]
    Attempt.objects.bulk_create(attempts)
    AttemptText.objects.bulk_create(
        AttemptText(attempt=attempt, number=decision.number)
        for attempt, (_call, decision) in zip(attempts, made, strict=True)
    )


def outcomes(people: Sequence[Person], assumed: Assumptions) -> Iterator[Outcome]:
    """Every preset in its version of the first day, by name."""
    checks.keep_partitions(at=assumed.start)
    for place, policy in enumerate(policies.in_force(at=assumed.start)):
        yield replay(policy, people, assumed, place=place)


def main() -> None:
    given = json.loads(sys.stdin.read())
    people = [Person(*row) for row in given.pop("people")]
    assumed = Assumptions(**given | {"first": date.fromisoformat(given["first"])})
    with connection.cursor() as cursor:
        # What is measured here is what is answered: nothing need outlive the power.
        cursor.execute("SET synchronous_commit = off")
    for outcome in outcomes(people, assumed):
        say(json.dumps(vars(outcome)))
