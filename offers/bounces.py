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
from django.db.models import QuerySet

from config import sink
from crm import preferences
from crm.actors import Actor
from crm.models import Preference, Suppression
from offers import canaries, evidence, imap, intake, reports
from offers.channels import email
from offers.models import Delivery, Evidence

log = logging.getLogger("kept.bounces")
Kind = Evidence.Kind
LISTENER = Actor.sweep("intake")
# A report that names nothing of ours but an address can say that something did not arrive. That it
# did arrive is believed only from those who know the mail.
BY_NAME = {"failed", "delayed"}
MAILED = ("email", "portal")
LATELY = timedelta(days=7)
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
    canary = _canary(raw, at)
    _heard("pipe", at)
    if canary:
        return True
    matched = take(raw, by=by, at=at)
    if not matched:
        intake.keep(raw=raw, by=by, at=at)
    return matched


def _heard(name: str, at: datetime) -> None:
    """This intake showed itself; it counts while no canary is lost."""
    if name == settings.BOUNCE_INTAKE and canaries.trusted(at=at):
        intake.seen(name=name, at=at)


def _canary(raw: bytes, at: datetime) -> bool:
    """Whether it is one of our canaries; one that had to bounce is home only as a bounce."""
    for report in reports.read(raw):
        number = canaries.number_of_path(report.envelope_to)
        if number is None and report.kind in BY_NAME:
            number = canaries.number_of(report.original_message_id.strip("<> ").partition("@")[0])
        if number is not None:
            if report.kind == "failed" or not settings.CANARY_ADDRESS:
                canaries.came_back(number=number, at=at)
            return True
    return False


def take(raw: bytes, *, by: Actor, at: datetime) -> bool:
    """Turns what a message reports into evidence; False when nothing in it matched."""
    matched = False
    for number, report in enumerate(reports.read(raw)):
        if _left(report, by=by, at=at):
            matched = True
            continue
        delivery = delivery_of(report, at=at)
        if delivery is None:
            continue
        matched = True
        if report.kind in KINDS:
            event = _event(report, raw, number, at)
            evidence.record(delivery=delivery, event=event, by=by, at=at)
    return matched


def _left(report: reports.Report, *, by: Actor, at: datetime) -> bool:
    """A mail program wrote to the address of List-Unsubscribe: that is no answer to the offer."""
    key = email.key_of_unsubscribe_path(report.envelope_to)
    delivery = Delivery.objects.select_related("customer").filter(key=key).first() if key else None
    if delivery is None:
        return False
    preferences.choose(
        customer=delivery.customer,
        topic=Preference.Topic.OFFERS_BY_MAIL,
        wanted=False,
        origin=Suppression.Origin.MAIL,
        by=by,
        at=at,
    )
    return True


def delivery_of(report: reports.Report, *, at: datetime) -> Delivery | None:
    """By the return path that only we can write, else by our Message-ID inside the report, else by
    who did not get it.

    An answer of a person counts only at the return path: a Message-ID can be quoted by anybody.
    """
    rows = Delivery.objects.select_related("text", "customer")
    key: uuid.UUID | None = email.key_of_return_path(report.envelope_to)
    if key is None and report.kind != "reply":
        key = email.key_of_message_id(report.original_message_id)
    if key is not None:
        return rows.filter(key=key).first()
    if report.kind in BY_NAME and "@" in report.recipient and not _names_another(report):
        return _only_one(rows, report.recipient, at)
    return None


def _names_another(report: reports.Report) -> bool:
    """It returns some other mail, or came to a path that somebody made up."""
    own, _, _ = settings.BOUNCE_ADDRESS.partition("@")
    return bool(report.original_message_id) or report.envelope_to.lower().startswith(f"{own}+")


def _only_one(rows: QuerySet[Delivery], address: str, at: datetime) -> Delivery | None:
    """The one mail that went to an address lately; of two nobody knows which is meant."""
    lately = rows.filter(
        channel__in=MAILED,
        text__address__iexact=address,
        sending_at__gt=at - LATELY,
        sending_at__lte=at,
    )
    found = list(lately[:2])
    return found[0] if len(found) == 1 else None


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
    canaries.send_due(clock=clock)
    if settings.BOUNCE_INTAKE == "sink" and _sink_answers():
        _poll_sink(clock)
        _heard("sink", clock())
    if settings.BOUNCE_INTAKE == "imap":
        _poll(clock)
    return intake.retry(read=lambda raw, at: take(raw, by=LISTENER, at=at), by=LISTENER, at=clock())


def _poll(clock: Callable[[], datetime]) -> None:
    """Reads every mailbox. Somebody listens when all could be read to their end, and the last
    canary showed that returned mail arrives there."""
    read = [
        imap.poll(url, take=lambda raw: receive(raw=raw, by=LISTENER, at=clock()))
        for url in settings.IMAP_URL
    ]
    if all(read):
        _heard("imap", clock())
    if not canaries.trusted(at=clock()):
        log.error("no returned mail reaches the mailbox: the last canary did not come back")


def _poll_sink(clock: Callable[[], datetime]) -> None:
    """The demo's mail server has returned the canary into its own folder."""
    canary = canaries.out()
    if canary is None:
        return
    path = canaries.path(canary)
    for mail in sink.messages(settings.SINK_DIR):
        if mail.envelope_to == path:
            receive(raw=sink.message(settings.SINK_DIR, mail.number), by=LISTENER, at=clock())


def _sink_answers() -> bool:
    parts = urlsplit(settings.EMAIL_URL)
    try:
        with socket.create_connection((parts.hostname, parts.port or 25), timeout=2):
            return True
    except OSError:
        return False
