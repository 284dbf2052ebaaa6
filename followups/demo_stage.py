"""What people do on stage: calls, promises, mails that come back. Made by the code of every day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from config import sink_reports
from crm.actors import Actor
from crm.calls import Call
from crm.models import Attempt, Campaign, Customer, Disposition, User
from crm.workdays import Calendar
from followups import (
    conversations,
    demo_offers,
    gate,
    menu,
    overrides,
    plans,
)
from followups.conversations import Recorded
from followups.demo_time import Denied, Time
from followups.gate import Question
from followups.models import Override, Promise
from followups.terms import Terms
from offers import bounces
from offers.channels import email
from offers.models import Delivery
from offers.models.deliveries import PAPER

TALK = timedelta(minutes=4)
# What goes first, and what follows when that fails.
PLANS = {
    "email": ("email",),
    "portal": ("portal", "post"),
    "post": ("post",),
    "bill_insert": ("bill_insert", "post"),
}


@dataclass(frozen=True)
class Line:
    """Who talks to whom, and for which campaign. The first number and address on file."""

    agent: User
    customer: Customer
    campaign: Campaign
    number: str
    address: str

    @property
    def by(self) -> Actor:
        return Actor.person(self.agent)

    @property
    def team(self) -> str:
        return self.agent.team.slug if self.agent.team else ""


class Stage(Time):
    """Agents call while their team's calendar is open; at any other hour the customer rings."""

    def __init__(self, start: datetime, until: datetime, hours: Mapping[str, Calendar]) -> None:
        super().__init__(start, until)
        self.hours = hours
        self._calls = 0
        self._dispositions = Disposition.objects.in_bulk()

    def ask(self, line: Line, dialer: Actor | None = None) -> gate.Decision:
        """The question before each call: a dialer's, or the agent's own. Denied is not called."""
        agent = None if dialer else line.agent
        question = Question(number=line.number, campaign=line.campaign, agent=agent)
        return gate.decide(question, by=dialer or line.by, at=self.at)

    def dial(self, line: Line, result: str = "no_answer") -> None:
        """Asks, and calls when allowed; nobody speaks."""
        decision = self.ask(line)
        if decision.allow:
            self._record(line, result=result, decision=decision)

    def talk(
        self, line: Line, disposition: str, terms: tuple[Terms, ...] = (), note: str = ""
    ) -> Recorded:
        """A conversation of some minutes; outside the team's hours the customer rings us.

        Raises Denied.
        """
        said: dict[str, Any] = {"disposition": disposition, "terms": terms, "note": note}
        if not self.hours[line.team].is_open(self.at):
            return self._record(line, inbound=True, **said)
        decision = self.ask(line)
        if not decision.allow:
            raise Denied(decision.code)
        return self._record(line, decision=decision, **said)

    def rung_by(self, line: Line, disposition: str, note: str = "") -> Recorded:
        """The customer rings us."""
        return self._record(line, inbound=True, disposition=disposition, note=note)

    def call_back(self, line: Line, promise: Promise) -> None:
        """The call that was promised, asked for under its reference. Raises Denied."""
        question = Question(
            purpose="callback", number=line.number, agent=line.agent, reference=promise.reference
        )
        decision = gate.decide(question, by=line.by, at=self.at)
        if not decision.allow:
            raise Denied(decision.code)
        self._record(line, decision=decision, disposition="undecided", purpose="callback")

    def plead(self, line: Line, words: str) -> Override:
        """The agent asks the supervisor to let one call through."""
        return overrides.ask(customer=line.customer, reason=words, by=line.by, at=self.at)

    def let_through(self, request: Override, words: str) -> None:
        """The supervisor of the team allows it."""
        supervisor = overrides.supervisors(request.agent)[0]
        by = Actor.person(supervisor)
        overrides.grant(request=request, reason=words, by=by, at=self.at)

    def in_spite(self, line: Line, disposition: str, source: str = "demo") -> None:
        """Somebody calls without asking."""
        self._record(line, disposition=disposition, source=source)

    def promise(self, line: Line, *, channel: str = "email", read_back: bool = True) -> Promise:
        """The customer wants it in writing: the offer, by mail when nothing else is said.

        Raises Denied.
        """
        terms = offer_terms(line, channel=channel, read_back=read_back, at=self.at)
        made = self.talk(line, "wants_in_writing", (terms,)).promises[0]
        self.live_until(self.at + timedelta(seconds=20))
        return made

    def _record(
        self,
        line: Line,
        *,
        disposition: str = "",
        result: str = "answered",
        decision: gate.Decision | None = None,
        terms: tuple[Terms, ...] = (),
        note: str = "",
        purpose: str = "",
        inbound: bool = False,
        source: str = "demo",
    ) -> Recorded:
        started = self.at
        answered = result == "answered"
        self.live_until(started + (TALK if answered else timedelta(seconds=40)))
        self._calls += 1
        way = Attempt.Direction.INBOUND if inbound else Attempt.Direction.OUTBOUND
        call = Call(
            source=source,
            external_id=f"demo-{self._calls:05d}",
            direction=way,
            started_at=started,
            purpose=purpose or line.campaign.purpose,
            customer=line.customer,
            number=line.number,
            campaign=line.campaign,
            agent=line.agent,
            answered_at=started + timedelta(seconds=9) if answered else None,
            ended_at=self.at,
            result=result,
            disposition=self._dispositions[disposition] if disposition else None,
            note=note,
            decision_id=decision.id if decision else None,
        )
        return conversations.record(
            call=call, terms=terms, owner=line.agent, by=line.by, at=self.at
        )

    def report(self, promise: Promise, kind: sink_reports.Kind) -> None:
        """A mail server tells what became of the newest mail of a promise."""
        delivery, original = _mail_of(promise, self.at)
        sender = email.return_path(delivery)
        self._receive(sink_reports.dsn(kind, original, delivery.text.address, sender, self.at))

    def complain(self, promise: Promise) -> None:
        delivery, original = _mail_of(promise, self.at)
        sender = email.return_path(delivery)
        self._receive(sink_reports.complaint(original, delivery.text.address, sender, self.at))

    def answer(self, promise: Promise, words: str) -> None:
        """The customer writes back."""
        delivery, _original = _mail_of(promise, self.at)
        head = (
            f"From: {delivery.text.address}\r\nTo: {email.return_path(delivery)}\r\n"
            f"Subject: Re: {promise.reference}\r\nDate: {format_datetime(self.at)}\r\n"
            f"Message-ID: <answer.{delivery.key}@mail.example>\r\n"
            'MIME-Version: 1.0\r\nContent-Type: text/plain; charset="utf-8"\r\n\r\n'
        )
        self._receive(f"{head}{words}\r\n".encode())

    def _receive(self, raw: bytes) -> None:
        if not bounces.receive(raw=raw, by=bounces.LISTENER, at=self.at):
            raise RuntimeError("a report of the demo matched no delivery")

    def mend(self, promise: Promise, address: str) -> None:
        """The owner finds out the right address and sends it again."""
        plans.resend(promise=promise, address=address, by=Actor.person(promise.owner), at=self.at)
        self.live_until(self.at + timedelta(seconds=20))


def offer_terms(
    line: Line, *, channel: str, at: datetime, read_back: bool = True, **more: Any
) -> Terms:
    """An offer made for this customer, promised by this way."""
    kind = Promise.Kind.SEND_OFFER
    return Terms(
        kind=kind,
        words=menu.suggestions(line.customer.language)[kind.value, channel],
        plan=PLANS[channel],
        address="" if channel in PAPER else line.address,
        address_accepted=read_back,
        version=demo_offers.of(line.customer, by=line.by, at=at),
        **more,
    )


def _mail_of(promise: Promise, at: datetime) -> tuple[Delivery, bytes]:
    delivery = plans.attached(promise).select_related("text", "document").order_by("-pk").first()
    if delivery is None or delivery.document is None:
        raise RuntimeError("nothing has left for this promise")
    return delivery, email.compose(delivery, delivery.document, at)
