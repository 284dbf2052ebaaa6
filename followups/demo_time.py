"""Past time, lived through in order: every sweep at each instant at which it has something to do.

Nothing leaves the house meanwhile: instead of a mail server, the stage answers.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Generator, Iterable
from datetime import datetime, timedelta

from django.db import connection

from crm import heartbeats
from crm.actors import Actor
from followups import escalation, items, notices, reconcile
from followups.models import Notice
from offers import deliveries, evidence, intake, mail_room, sending
from offers.channels.smtp import Outcome
from offers.models import Delivery, Document

# What happens at one instant, then the next instant at which the same story goes on.
Plot = Generator[datetime, None, None]
LOOK_EVERY = timedelta(hours=24)
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
GROWING = (
    "crm_customer",
    "crm_attempt",
    "crm_phonenumber",
    "followups_notice",
    "followups_promise",
    "followups_promisedelivery",
    "offers_delivery",
    "offers_deliverytext",
    "offers_evidence",
    "offers_printline",
)
POSTMAN = Actor.sweep("send")
ACCEPTED = Outcome("sent", 250, "2.0.0", "250 2.0.0 Ok: queued", "verdict")
FATES = {
    "busy": Outcome("retry", 450, "4.2.1", "450 4.2.1 The mailbox is busy, try later", "rcpt"),
    "cut": Outcome("unknown", None, None, "the connection was cut", "verdict"),
}
Heard = Callable[[datetime], None]  # how far the past has been lived


class Denied(RuntimeError):
    """The gate denied a call that the story needs."""


class Time:
    """The time it is on stage, and what becomes of mails to addresses that are not usual."""

    def __init__(self, start: datetime, until: datetime) -> None:
        self.at = start
        self.fates: dict[str, str] = {}
        self._looked = start
        intake.listened(name="sink", from_at=start, until_at=until)
        # No sweep sleeps on stage: said once, as of the end, so that the gate trusts its promises.
        heartbeats.beat_all(at=until)

    def perform(
        self,
        plots: Iterable[tuple[datetime, Plot]],
        *,
        until: datetime,
        heard: Heard = lambda at: None,
    ) -> None:
        """Lives from now to `until`; whatever would come later does not happen."""
        waiting = [(at, number, plot) for number, (at, plot) in enumerate(plots)]
        heapq.heapify(waiting)
        while waiting and waiting[0][0] < until:
            at, number, plot = heapq.heappop(waiting)
            self.live_until(at)
            heard(at)
            following = _turn(plot)
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


def _told(batch: list[Notice], at: datetime) -> Outcome:
    """What was said to the people of the house in the past is not mailed today."""
    return ACCEPTED


def _turn(plot: Plot) -> datetime | None:
    """What happens at this instant; a story whose call the gate denies ends there."""
    with contextlib.suppress(Denied):
        return next(plot, None)
    return None


def counted(*, at: datetime) -> Plot:
    """PostgreSQL counts its rows once a week: what autovacuum does for a house that takes years."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(GROWING)}")
        at += timedelta(weeks=1)
        yield at
