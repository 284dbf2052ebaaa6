"""Sending: claims what is due, renders, hands it to its channel, writes down how that ended."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from config import stopping
from crm import customers
from crm.actors import Actor
from offers import deliveries, documents, evidence
from offers.channels import CHANNELS, Carry
from offers.channels.smtp import Outcome
from offers.hardness import is_hard
from offers.models import Delivery, Document, Evidence

log = logging.getLogger("kept.send")
Clock = Callable[[], datetime]
# Stages at which a refusal is about our account and not about the mail.
OUR_OWN = frozenset({"greeting", "ehlo", "starttls", "auth"})
# One sweep's share. Its heartbeat comes at its end and guards the gate, so that a long queue must
# not look like a stopped sender; and the other sweeps wait for the same workers.
SHARE = timedelta(seconds=20)


def send_due(*, clock: Clock) -> int:
    """The send sweep: delivers what is due until nothing is, or its share of time is used.

    Gets the clock and not an instant, because each conversation with a mail server takes time.
    Ten workers may run it at once: each claims rows that no other holds.
    """
    by = Actor(code=f"worker:{os.getpid()}")
    started, sent = clock(), 0
    while clock() < started + SHARE and not stopping.asked():
        delivery = deliveries.claim(by=by, at=clock())
        if delivery is None:
            break
        try:
            send(delivery=delivery, by=by, clock=clock)
        except Exception:
            log.exception("sending broke", extra={"delivery": delivery.pk})
            _hand_back(delivery, by=by, at=clock())
        sent += 1
    return sent


def _hand_back(delivery: Delivery, *, by: Actor, at: datetime) -> None:
    """Nothing of it has left (the template broke, say): tried again later, for a day.

    SENDING stays until its lease ends, and is UNKNOWN then.
    """
    if deliveries.held(delivery).filter(status=Delivery.Status.CLAIMED).exists():
        outcome = Outcome("retry", None, None, "could not be prepared", "prepare")
        settle(delivery=delivery, outcome=outcome, by=by, at=at)


def send(*, delivery: Delivery, by: Actor, clock: Clock, carry: Carry | None = None) -> Outcome:
    """Carries one claimed delivery. No transaction is open while the network is touched.

    `carry` takes the place of the channel's own: the demo's past is carried by nobody.
    """
    carry = carry or CHANNELS[delivery.channel].carry
    if carry is None:
        raise ValueError("paper is carried by its run")
    document = _document(delivery, by=by, at=clock())

    def begin() -> bool:
        return deliveries.begin_body(delivery=delivery, by=by, at=clock())

    outcome = carry(delivery, document, begin, clock())
    if outcome.kind != "lost":
        settle(delivery=delivery, outcome=outcome, by=by, at=clock())
    return outcome


def _document(delivery: Delivery, *, by: Actor, at: datetime) -> Document:
    if delivery.document:
        return delivery.document
    if delivery.version is None:
        raise ValueError("a delivery carries a version or a document")
    document = documents.ensure(version=delivery.version, language=delivery.language, by=by, at=at)
    deliveries.attach_document(delivery=delivery, document=document)
    return document


@transaction.atomic
def settle(*, delivery: Delivery, outcome: Outcome, by: Actor, at: datetime) -> None:
    """The end of a conversation: the state and its evidence, both or neither.

    A refusal that lasted longer than a day is final. What the fence refuses (another holder,
    or evidence came first) changes nothing.
    """
    # The person before the row, as everybody who touches both does.
    customers.hold([delivery.customer_id])
    to, cause = outcome.kind, f"smtp_{outcome.stage}"
    if outcome.stage in OUR_OWN:
        # A refused log-in says nothing about the customer's address: mended, and tried again.
        log.error("the mail server refuses us", extra={"stage": outcome.stage})
        to = "retry"
    if to == "retry" and at >= delivery.queued_at + deliveries.GIVE_UP:
        to, cause = "failed", "gave_up"
    won = deliveries.settle(
        delivery=delivery,
        to=to,
        by=by,
        at=at,
        cause=cause,
        reply_code=outcome.code,
        reply_status=outcome.status or "",
        reply=outcome.reply,
    )
    if not won and to != "sent":
        return
    event = _event(delivery, to, outcome, at)
    if event:
        evidence.record(delivery=delivery, event=event, by=by, at=at)


def _event(delivery: Delivery, to: str, outcome: Outcome, at: datetime) -> evidence.Event | None:
    kinds = {"sent": Evidence.Kind.RELAY_ACCEPTED, "failed": Evidence.Kind.FAILED}
    if to not in kinds:
        return None
    status = outcome.status or ""
    return evidence.Event(
        source="smtp",
        event_id=f"{delivery.pk}:{delivery.token}:{to}",
        kind=kinds[to],
        occurred_at=at,
        hard=outcome.kind == "failed" and hard(status, outcome),
        status_code=status,
        words=outcome.reply,
        ours=True,
    )


def hard(status: str, outcome: Outcome) -> bool:
    """Whether a refusal says that the address itself is bad, and not only this message."""
    if status:
        return is_hard(status, outcome.reply)
    return outcome.stage in {"rcpt", "address"} and outcome.code in {None, 550, 551, 553}
