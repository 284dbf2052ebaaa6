"""Past time, lived through in order: what happened is made by the code that makes it every day.

Nothing leaves the house meanwhile: instead of a mail server, the stage answers.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime

from django.db import connection

from config import sink_reports
from config.timetable import SWEEPS
from crm import heartbeats
from crm.actors import Actor
from crm.calls import Call
from crm.models import Attempt, Campaign, Customer, Disposition, User
from followups import (
    conversations,
    escalation,
    gate,
    items,
    menu,
    notices,
    overrides,
    plans,
    reconcile,
)
from followups.gate import Question
from followups.models import Notice, Override, Promise
from followups.terms import Terms
from offers import bounces, deliveries, evidence, intake, mail_room, sending
from offers.channels import email
from offers.channels.smtp import Outcome
from offers.models import Delivery, Document, OfferVersion
from offers.models.deliveries import PAPER

# What happens at one instant, then the next instant at which the same story goes on.
Plot = Generator[datetime, None, None]
LOOK_EVERY = timedelta(hours=6)
DUE = """
SELECT 'send', min(next_try_at) FROM offers_delivery
    WHERE status IN ('queued', 'retry') AND channel NOT IN ('post', 'bill_insert')
UNION ALL SELECT 'mail_room', least(
    (SELECT min(cut_off_at) FROM offers_printrun WHERE status = 'open'),
    (SELECT min(tell_at) FROM offers_printline))
UNION ALL SELECT 'settle', min(ripens_at) FROM offers_deliveryproof
UNION ALL SELECT 'escalate', min(next_rung_at) FROM followups_promise WHERE status = 'open'
UNION ALL SELECT 'items', min(next_rung_at) FROM followups_item WHERE closed_at IS NULL
UNION ALL SELECT 'notices', min(next_try_at) FROM followups_notice
    WHERE status IN ('queued', 'claimed')
"""
TALK = timedelta(minutes=4)
POSTMAN = Actor.sweep("send")
ACCEPTED = Outcome("sent", 250, "2.0.0", "250 2.0.0 Ok: queued", "verdict")
FATES = {
    "busy": Outcome("retry", 450, "4.2.1", "450 4.2.1 The mailbox is busy, try later", "rcpt"),
    "cut": Outcome("unknown", None, None, "the connection was cut", "verdict"),
}
# What goes first, and what follows when that fails.
PLANS = {
    "email": ("email",),
    "portal": ("portal", "post"),
    "post": ("post",),
    "bill_insert": ("bill_insert", "post"),
}


@dataclass(frozen=True)
class Line:
    """Who talks to whom, for which campaign, with which offer at hand."""

    agent: User
    customer: Customer
    campaign: Campaign
    version: OfferVersion

    @property
    def number(self) -> str:
        first = self.customer.numbers.first()
        return first.e164 if first else ""

    @property
    def address(self) -> str:
        first = self.customer.emails.first()
        return first.address if first else ""


class Stage:
    """The time it is on stage, and what becomes of mails to addresses that are not usual."""

    def __init__(self, start: datetime, until: datetime) -> None:
        self.at = start
        self.fates: dict[str, str] = {}
        self._calls, self._looked = 0, start
        intake.listened(name="sink", from_at=start, until_at=until)

    def perform(self, plots: Iterable[tuple[datetime, Plot]], *, until: datetime) -> None:
        """Lives from now to `until`; whatever would come later does not happen."""
        waiting = [(at, number, plot) for number, (at, plot) in enumerate(plots)]
        heapq.heapify(waiting)
        while waiting and waiting[0][0] < until:
            at, number, plot = heapq.heappop(waiting)
            self.live_until(at)
            following = next(plot, None)
            if following is not None:
                heapq.heappush(waiting, (following, number, plot))
        self.live_until(until)

    def live_until(self, at: datetime) -> None:
        """Every sweep at each instant at which it has something to do. Time only goes forward."""
        while True:
            due = self._due()
            if self._sweep({name for name, instant in due.items() if instant <= self.at}):
                continue
            if self.at >= at:
                return
            self.at = min([at, *(instant for instant in due.values() if instant > self.at)])

    def _due(self) -> dict[str, datetime]:
        """When each kind of row wants to be looked at next."""
        with connection.cursor() as cursor:
            cursor.execute(DUE)
            due = {name: instant for name, instant in cursor.fetchall() if instant}
        return due | {"reconcile": self._looked + LOOK_EVERY}

    def _sweep(self, names: set[str]) -> int:
        at, moved = self.at, 0
        if "send" in names:
            moved += self._send()
        if "mail_room" in names:
            moved += mail_room.work(clock=lambda: at)
        if "settle" in names:
            moved += evidence.ripen(at=at)
        if "reconcile" in names:
            moved += reconcile.run(at=at)
            self._looked = at
        if "escalate" in names:
            moved += escalation.climb(at=at)
        if "items" in names:
            moved += items.climb(at=at)
        if "notices" in names:
            moved += notices.send_due(clock=lambda: at, mail=_told)
        return moved

    def _send(self) -> int:
        at, sent = self.at, 0
        while delivery := deliveries.claim(by=POSTMAN, at=at):
            sending.send(delivery=delivery, by=POSTMAN, clock=lambda: at, carry=self._carry)
            sent += 1
        return sent

    def _carry(
        self, delivery: Delivery, document: Document, begin: object, at: datetime
    ) -> Outcome:
        fate = FATES.get(self.fates.get(delivery.text.address, ""), ACCEPTED)
        if fate.kind == "retry":
            return fate
        if not deliveries.begin_body(delivery=delivery, by=POSTMAN, at=at):
            return Outcome("lost", None, None, "", "data")
        return fate

    def ask(self, line: Line) -> gate.Decision:
        """A dialer's question before each call. A denied one is not made."""
        self._beat()
        question = Question(number=line.number, campaign=line.campaign, agent=line.agent)
        return gate.decide(question, by=Actor.person(line.agent), at=self.at)

    def dial(self, line: Line, result: str = "no_answer") -> None:
        """Asks, and calls when allowed; nobody speaks."""
        decision = self.ask(line)
        if decision.allow:
            self._record(line, decision, result, "", ())

    def talk(
        self, line: Line, disposition: str, terms: tuple[Terms, ...] = (), note: str = ""
    ) -> Promise | None:
        """A conversation of some minutes, if the gate allows it; the promise made in it."""
        decision = self.ask(line)
        if not decision.allow:
            return None
        return self._record(line, decision, "answered", disposition, terms, note)

    def call_back(self, line: Line, promise: Promise) -> None:
        """The call that was promised, asked for under its reference."""
        self._beat()
        question = Question(
            purpose="callback", number=line.number, agent=line.agent, reference=promise.reference
        )
        decision = gate.decide(question, by=Actor.person(line.agent), at=self.at)
        if not decision.allow:
            raise RuntimeError("the gate denied the call that was promised")
        self._record(line, decision, "answered", "undecided", (), purpose="callback")

    def plead(self, line: Line, words: str) -> Override:
        """The agent asks the supervisor to let one call through."""
        self._beat()
        by = Actor.person(line.agent)
        return overrides.ask(customer=line.customer, reason=words, by=by, at=self.at)

    def let_through(self, request: Override, words: str) -> None:
        """The supervisor of the team allows it."""
        self._beat()
        supervisor = overrides.supervisors(request.agent)[0]
        by = Actor.person(supervisor)
        overrides.grant(request=request, reason=words, by=by, at=self.at)

    def _beat(self) -> None:
        """Every sweep has just run, so that the gate trusts its own promises."""
        for sweep in SWEEPS:
            heartbeats.beat(name=sweep.name, at=self.at)

    def in_spite(self, line: Line, disposition: str) -> None:
        """Somebody calls without asking."""
        self._record(line, None, "answered", disposition, ())

    def promise(self, line: Line, *, channel: str = "email", read_back: bool = True) -> Promise:
        """The customer wants it in writing: the offer, by mail when nothing else is said."""
        kind = Promise.Kind.SEND_OFFER
        terms = Terms(
            kind=kind,
            words=menu.suggestions(line.customer.language)[kind.value, channel],
            plan=PLANS[channel],
            address="" if channel in PAPER else line.address,
            address_accepted=read_back,
            version=line.version,
        )
        made = self.talk(line, "wants_in_writing", (terms,))
        if made is None:
            raise RuntimeError("the gate denied a call that the story needs")
        self.live_until(self.at + timedelta(seconds=20))
        return made

    def _record(
        self,
        line: Line,
        decision: gate.Decision | None,
        result: str,
        disposition: str,
        terms: tuple[Terms, ...],
        note: str = "",
        purpose: str = "",
    ) -> Promise | None:
        started = self.at
        answered = result == "answered"
        self.live_until(started + (TALK if answered else timedelta(seconds=40)))
        self._calls += 1
        call = Call(
            source="demo",
            external_id=f"demo-{self._calls:05d}",
            direction=Attempt.Direction.OUTBOUND,
            started_at=started,
            purpose=purpose or line.campaign.purpose,
            customer=line.customer,
            number=line.number,
            campaign=line.campaign,
            agent=line.agent,
            answered_at=started + timedelta(seconds=9) if answered else None,
            ended_at=self.at,
            result=result,
            disposition=Disposition.objects.get(pk=disposition) if disposition else None,
            note=note,
            decision_id=decision.id if decision else None,
        )
        by = Actor.person(line.agent)
        recorded = conversations.record(call=call, terms=terms, owner=line.agent, by=by, at=self.at)
        return recorded.promises[0] if recorded.promises else None

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


def _mail_of(promise: Promise, at: datetime) -> tuple[Delivery, bytes]:
    delivery = plans.attached(promise).select_related("text", "document").order_by("-pk").first()
    if delivery is None or delivery.document is None:
        raise RuntimeError("nothing has left for this promise")
    return delivery, email.compose(delivery, delivery.document, at)


def _told(batch: list[Notice], at: datetime) -> Outcome:
    """What was said to the people of the house in the past is not mailed today."""
    return ACCEPTED
