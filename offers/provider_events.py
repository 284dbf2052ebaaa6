"""What a mail provider reports about our mails, in our words: its events become evidence."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from datetime import datetime

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason

from crm.actors import Actor
from offers import canaries, evidence
from offers.channels.esp import METADATA
from offers.hardness import is_hard, status_of
from offers.models import Delivery, Evidence

Kind = Evidence.Kind
# What is missing here proves nothing: opened and clicked are what scanners do, an answering machine
# is nobody, and "queued" or "sent" is what our own request was told already.
KINDS = {
    EventType.DELIVERED: Kind.DELIVERED,
    EventType.BOUNCED: Kind.FAILED,
    EventType.REJECTED: Kind.FAILED,
    EventType.FAILED: Kind.FAILED,
    EventType.DEFERRED: Kind.DELAYED,
    EventType.COMPLAINED: Kind.COMPLAINT,
}


def take(*, esp: str, events: Iterable[AnymailTrackingEvent], by: Actor, at: datetime) -> int:
    """Writes what is about one of our deliveries; returns how many events were new.

    Each event in a transaction of its own: when one fails, the provider sends all again, and the
    known ones change nothing.
    """
    new = 0
    for found in events:
        if _canary(found, at):
            continue
        delivery = _delivery(found)
        if delivery and found.event_type in KINDS:
            event = _event(esp, found, at)
            new += evidence.record(delivery=delivery, event=event, by=by, at=at) is not None
    return new


def _canary(found: AnymailTrackingEvent, at: datetime) -> bool:
    """Whether it is about a canary; it is home when the provider says that it bounced."""
    number = canaries.number_of(str((found.metadata or {}).get(METADATA, "")))
    if number is not None and KINDS.get(found.event_type) == Kind.FAILED:
        canaries.came_back(number=number, at=at)
    return number is not None


def _delivery(found: AnymailTrackingEvent) -> Delivery | None:
    """By the id that travelled with the mail; an account may also send for others."""
    try:
        key = uuid.UUID(hex=str((found.metadata or {}).get(METADATA, "")))
    except (ValueError, AttributeError):
        return None
    return Delivery.objects.select_related("text", "customer").filter(key=key).first()


def _event(esp: str, found: AnymailTrackingEvent, at: datetime) -> evidence.Event:
    texts = [str(said)[:1000] for said in (found.mta_response, found.description) if said]
    kind = KINDS[found.event_type]
    status = status_of("", texts[0] if texts else "")
    invalid = found.reject_reason == RejectReason.INVALID
    return evidence.Event(
        source=f"esp:{esp}",
        event_id=_name(found),
        kind=kind,
        occurred_at=found.timestamp or at,
        hard=kind == Kind.FAILED and (invalid or is_hard(status, *texts)),
        status_code=status,
        words="\n".join(texts),
    )


def _name(found: AnymailTrackingEvent) -> str:
    """The provider's name for this event; where it has none, what makes it this one."""
    if found.event_id:
        return str(found.event_id)[:200]
    facts = (found.event_type, found.message_id, found.recipient, found.timestamp)
    return hashlib.sha256(repr(facts).encode()).hexdigest()
