"""Incoming mail: reports, complaints and answers find their delivery and become evidence."""

from __future__ import annotations

import hashlib
import logging
import socket
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings

from crm import heartbeats
from crm.actors import Actor
from crm.models import Heartbeat
from offers import evidence, intake, message, reports
from offers.channels import email, smtp
from offers.models import Delivery, Evidence

log = logging.getLogger("kept.bounces")
Kind = Evidence.Kind
LISTENER = Actor.sweep("intake")
CANARY_EVERY = timedelta(hours=24)
KINDS = {
    "failed": Kind.FAILED,
    "delivered": Kind.DELIVERED,
    "delayed": Kind.DELAYED,
    "relayed": Kind.RELAYED,
    "expanded": Kind.RELAYED,
    "complaint": Kind.COMPLAINT,
    "read_receipt": Kind.READ_RECEIPT,
    "reply": Kind.REPLY,
}


def receive(*, raw: bytes, by: Actor, at: datetime) -> bool:
    """Takes in one message. False when it matched no delivery: it is then kept and tried again.

    An automatic answer is known and proves nothing; that also counts as taken in.
    """
    if _canary(raw):
        intake.seen(name="pipe", at=at)
        return True
    if settings.BOUNCE_INTAKE == "pipe":
        intake.seen(name="pipe", at=at)
    matched = take(raw, by=by, at=at)
    if not matched:
        intake.keep(raw=raw, by=by, at=at)
    return matched


def take(raw: bytes, *, by: Actor, at: datetime) -> bool:
    """Turns what a message reports into evidence; False when nothing in it matched."""
    matched = False
    for number, report in enumerate(reports.read(raw)):
        delivery = delivery_of(report)
        if delivery is None:
            continue
        matched = True
        if report.kind in KINDS:
            event = _event(report, raw, number, at)
            evidence.record(delivery=delivery, event=event, by=by, at=at)
    return matched


def delivery_of(report: reports.Report) -> Delivery | None:
    """By the return path that only we can write, else by our Message-ID inside the report.

    An answer of a person counts only at the return path: a Message-ID can be quoted by anybody.
    """
    key: uuid.UUID | None = email.key_of_return_path(report.envelope_to)
    if key is None and report.kind != "reply":
        key = email.key_of_message_id(report.original_message_id)
    if key is None:
        return None
    return Delivery.objects.select_related("text", "customer").filter(key=key).first()


def _event(report: reports.Report, raw: bytes, number: int, at: datetime) -> evidence.Event:
    name = report.message_id or hashlib.sha256(raw).hexdigest()
    return evidence.Event(
        source="mail",
        event_id=f"{name[:190]}#{number}",
        kind=KINDS[report.kind],
        occurred_at=report.arrived or at,
        hard=report.hard,
        status_code=report.status,
        words=report.diagnostic,
    )


def listen(*, clock: Callable[[], datetime]) -> int:
    """The intake sweep: proves that somebody listens, and tries kept reports again."""
    if settings.BOUNCE_INTAKE == "sink" and _sink_answers():
        intake.seen(name="sink", at=clock())
    if settings.BOUNCE_INTAKE == "pipe":
        _send_canary(clock)
    return intake.retry(read=lambda raw, at: take(raw, by=LISTENER, at=at), by=LISTENER, at=clock())


def _sink_answers() -> bool:
    parts = urlsplit(settings.EMAIL_URL)
    try:
        with socket.create_connection((parts.hostname, parts.port or 25), timeout=2):
            return True
    except OSError:
        return False


def _canary_path() -> str:
    return message.verp(settings.BOUNCE_ADDRESS, f"canary-{email.seal('canary')}")


def _canary(raw: bytes) -> bool:
    return any(report.envelope_to == _canary_path() for report in reports.read(raw))


def _send_canary(clock: Callable[[], datetime]) -> None:
    """Once a day a mail to our own return path: when it comes back, the pipe is proven."""
    at = clock()
    last = Heartbeat.objects.filter(pk="canary").first()
    if last and last.beat_at + CANARY_EVERY > at:
        return
    path = _canary_path()
    sent = smtp.transmit(
        url=settings.EMAIL_URL,
        envelope_from=settings.MAIL_FROM,
        recipient=path,
        message=message.build(
            message_id=f"<canary.{at:%Y%m%d%H%M%S}@{settings.MAIL_FROM.rpartition('@')[2]}>",
            mail_from=settings.MAIL_FROM,
            reply_to="",
            to_name="",
            to_address=path,
            subject="canary",
            text="Kept sends this once a day to see that returned mail reaches it.",
            html="<p>Kept sends this once a day to see that returned mail reaches it.</p>",
            attachments=[],
            date=at,
        ),
        before_body=lambda: True,
    )
    if sent.kind == "sent":
        heartbeats.beat(name="canary", at=clock())
