"""Promise, evidence and gate against a small model, over whatever a drawn history brings.

The model is written from the design alone: it knows mails and what is reported of them, no table
and no sweep.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as play

from crm import suppressions
from crm.models import Suppression
from followups import gate
from followups.gate import Question
from followups.models import Promise
from offers import evidence, sending
from offers.models import Delivery
from tests.cast import (
    DAY,
    DUPONT_HOME,
    DUPONT_MOBILE,
    HOUR,
    MINUTE,
    START,
    SYSTEM,
    Cast,
    Clock,
    Relay,
    call_and_promise,
    sweeps_alive,
)
from tests.offers.journeys import Kind, happens

READING = timedelta(hours=72)
WAITS = {"open_promise", "reading_time", "dnc_company", "suppressed"}


@dataclass
class Mail:
    """What is known of a promised mail. A report: (instant, kind, grade)."""

    reports: list[tuple[datetime, str, int]]
    settled: datetime | None = None

    CUSTOMERS = frozenset({"reply", "pressed", "never_received"})
    GRADES = {"delivered": 2, "complaint": 2, "read_receipt": 4, "pressed": 4, "reply": 5}

    def standing(self) -> list[tuple[datetime, str, int]]:
        """The customer outranks machines, and the latest word of the customer the others."""
        said = [report for report in self.reports if report[1] in self.CUSTOMERS]
        told = [report for report in self.reports if report[1] not in self.CUSTOMERS]
        if any(kind == "failed" for _, kind, _ in told):
            told = []
        last = max((at for at, _, _ in said), default=None)
        if any(kind == "never_received" for at, kind, _ in said if at == last):
            return []
        return [report for report in told + said if report[2]]

    def hear(self, kind: str, occurred: datetime, now: datetime) -> None:
        self.reports.append((occurred, kind, self.GRADES.get(kind, 0)))
        self.weigh(now)

    def rest(self, now: datetime) -> None:
        """A day after it was delivered, and nothing came back."""
        came = [at for at, kind, _ in self.standing() if kind in {"delivered", "complaint"}]
        quiet = all(grade < 3 for _, _, grade in self.standing())
        if came and quiet and now >= min(came) + DAY:
            self.reports.append((min(came) + DAY, "quiet", 3))
            self.weigh(now)

    def weigh(self, now: datetime) -> None:
        proven = any(grade >= 3 for _, _, grade in self.standing())
        self.settled = (self.settled or now) if proven else None

    def shut_until(self) -> datetime | None:
        """The end of the reading period; None while nothing is proven."""
        if self.settled is None:
            return None
        stands = self.standing()
        seen = any(kind in {"accepted", "delivered", "complaint"} for _, kind, _ in stands)
        least = 1 if seen else 3
        readable = min(at for at, _, grade in stands if grade >= least)
        return max(self.settled, readable + READING)


@dataclass
class Person:
    """What stands against a call to sell, by the model."""

    mails: list[Mail] = field(default_factory=list)
    forbidden: bool = False

    def blocks(self, now: datetime) -> set[str]:
        ends = [mail.shut_until() for mail in self.mails]
        found = {"open_promise"} if None in ends else set()
        found |= {"reading_time"} if any(end and end > now for end in ends) else set()
        found |= {"dnc_company"} if self.forbidden else set()
        complained = any(kind == "complaint" for mail in self.mails for _, kind, _ in mail.reports)
        return found | ({"suppressed"} if complained else set())


class Story(RuleBasedStateMachine):
    """One customer: promised, reported, waited; after each step the gate agrees with the model."""

    cast: Cast

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.person = Person()
        self.mails: list[Delivery] = []
        self.numbers = count()
        self.wish: Suppression | None = None
        self.undone = transaction.atomic()
        self.undone.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undone.__exit__(None, None, None)

    @precondition(lambda self: len(self.mails) < 3)
    @rule()
    def promise(self) -> None:
        made = call_and_promise(self.cast.amina, self.cast.dupont, at=self.now)
        sending.send_due(clock=Clock(self.now))
        self.mails.append(Delivery.objects.filter(attached__promise=made).earliest("pk"))
        self.person.mails.append(Mail([(self.now, "accepted", 1)]))

    @precondition(lambda self: self.mails)
    @rule(
        which=st.integers(0, 2),
        kind=st.sampled_from(
            [
                Kind.DELIVERED,
                Kind.DELIVERED,
                Kind.FAILED,
                Kind.COMPLAINT,
                Kind.READ_RECEIPT,
                Kind.PRESSED,
                Kind.REPLY,
                Kind.NEVER_RECEIVED,
            ]
        ),
        ago=st.integers(0, 30),
    )
    def report(self, which: int, kind: str, ago: int) -> None:
        """Told now, of something that happened some hours ago, in whatever order."""
        place = which % len(self.mails)
        mail, known = self.mails[place], self.person.mails[place]
        occurred = max(self.now - ago * HOUR, known.reports[0][0])
        happens(mail, kind, at=self.now, occurred_at=occurred, event_id=str(next(self.numbers)))
        known.hear(str(kind), occurred, self.now)

    @rule(hours=st.sampled_from([1, 5, 24, 72]))
    def wait(self, hours: int) -> None:
        self.now += hours * HOUR + MINUTE
        evidence.ripen(at=self.now)
        for mail in self.person.mails:
            mail.rest(self.now)

    @precondition(lambda self: self.wish is None)
    @rule()
    def forbid(self) -> None:
        self.wish = suppressions.add(
            customer=self.cast.dupont,
            kind=Suppression.Kind.DNC_COMPANY,
            origin=Suppression.Origin.CALL,
            by=SYSTEM,
            at=self.now,
        )
        self.person.forbidden = True

    @invariant()
    def the_gate_says_what_the_model_says(self) -> None:
        sweeps_alive(self.now)
        wanted = self.person.blocks(self.now)
        for number in (DUPONT_HOME, DUPONT_MOBILE):
            said = gate.decide(Question(number=number), by=SYSTEM, at=self.now)
            assert {block.code for block in said.blocks} & WAITS == wanted
            assert said.allow == (not said.blocks)

    @invariant()
    def the_promises_are_as_the_model_has_them(self) -> None:
        rows = Promise.objects.filter(customer=self.cast.dupont).order_by("pk")
        known = ["open" if mail.settled is None else "kept" for mail in self.person.mails]
        assert [row.status for row in rows] == known


@pytest.mark.django_db
def test_whatever_happens_the_gate_says_what_the_model_says(
    cast: Cast, relay: Relay, pytestconfig: pytest.Config
) -> None:
    # The cast comes on stage when it is called: before the first story, whose end undoes it.
    assert relay and cast.amina and cast.dupont
    Story.cast = cast
    play(
        Story,
        settings=settings(
            max_examples=int(pytestconfig.getoption("--stories")),
            stateful_step_count=15,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
