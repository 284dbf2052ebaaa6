"""The reports that real mail servers would send about a mail in the sink: RFC 3464, RFC 5965."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Literal

from aiosmtpd.smtp import Envelope

Kind = Literal["failed", "delayed", "delivered"]

SERVER = "mx.sink.example"
STATUS: dict[Kind, tuple[str, str, str]] = {
    "failed": (
        "5.1.1",
        "550 5.1.1 <{to}>: Recipient address rejected: User unknown",
        "Undelivered",
    ),
    "delayed": ("4.4.1", "451 4.4.1 No answer from host, still trying", "Delayed"),
    "delivered": ("2.0.0", "250 2.0.0 Delivered to mailbox", "Successfully delivered"),
}
TELLS: dict[Kind, str] = {
    "failed": "Your message could not be delivered to {to}. It will not be tried again.",
    "delayed": "Your message to {to} has not been delivered yet. It will be tried again.",
    "delivered": "Your message was delivered to {to}.",
}


def dsn(
    kind: Kind,
    original: bytes,
    recipient: str,
    envelope_from: str,
    at: datetime,
    *,
    status: str = "",
    diagnostic: str = "",
) -> bytes:
    """A delivery status notification to the return path, at this instant. Asked twice, it is the
    same report with the same Message-ID, as when a mail server repeats itself."""
    usual, words, title = STATUS[kind]
    to, code = _line(recipient), _line(status) or usual
    lines = [
        f"Reporting-MTA: dns; {SERVER}",
        f"Arrival-Date: {format_datetime(at)}",
        "",
        f"Original-Recipient: rfc822;{to}",
        f"Final-Recipient: rfc822;{to}",
        f"Action: {kind}",
        f"Status: {code}",
        f"Remote-MTA: dns; {to.rpartition('@')[2]}",
        f"Diagnostic-Code: smtp; {_line(diagnostic) or words.format(to=to)}",
        f"Last-Attempt-Date: {format_datetime(at)}",
    ]
    if kind == "delayed":
        lines.append(f"Will-Retry-Until: {format_datetime(at + timedelta(days=2))}")
    parts = [
        ("text/plain; charset=utf-8", TELLS[kind].format(to=to).encode()),
        ("message/delivery-status", _joined(lines)),
        ("text/rfc822-headers", _head(original)),
    ]
    return _report("delivery-status", f"{title} mail", envelope_from, at, parts)


def returned(envelope: Envelope, *, at: datetime) -> Envelope:
    """The mail by which a server says that it could not deliver this one: to its return path."""
    back, path = Envelope(), envelope.mail_from or ""
    original = bytes(envelope.original_content or b"")
    back.mail_from, back.rcpt_tos = "", [path]
    back.original_content = dsn("failed", original, envelope.rcpt_tos[0], path, at)
    return back


def complaint(original: bytes, recipient: str, envelope_from: str, at: datetime) -> bytes:
    """What a mailbox provider sends when its user presses "this is spam"."""
    to, sender = _line(recipient), _line(envelope_from)
    fields = [
        "Feedback-Type: abuse",
        "User-Agent: sink/1",
        "Version: 1",
        f"Original-Mail-From: <{sender}>",
        f"Original-Rcpt-To: <{to}>",
        f"Arrival-Date: {format_datetime(at)}",
        f"Reported-Domain: {sender.rpartition('@')[2]}",
    ]
    parts = [
        ("text/plain; charset=utf-8", f"{to} marked this message as unwanted.".encode()),
        ("message/feedback-report", _joined(fields)),
        ("message/rfc822", original),
    ]
    return _report("feedback-report", "Complaint about a message", envelope_from, at, parts)


def _report(
    kind: str, subject: str, envelope_from: str, at: datetime, parts: list[tuple[str, bytes]]
) -> bytes:
    digest = hashlib.sha256(b"\0".join(content for _, content in parts)).hexdigest()
    boundary = f"=_{digest[:40]}"
    head = [
        "Return-Path: <>",
        f"Date: {format_datetime(at)}",
        f"From: Mail Delivery System <MAILER-DAEMON@{SERVER}>",
        f"To: {_line(envelope_from)}",
        f"Subject: {subject}",
        f"Message-ID: <{digest[:32]}@{SERVER}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={kind};\r\n boundary="{boundary}"',
        "",
    ]
    body = b"".join(
        f"--{boundary}\r\nContent-Type: {media}\r\n\r\n".encode() + content + b"\r\n"
        for media, content in parts
    )
    return _joined(head) + body + f"--{boundary}--\r\n".encode()


def _joined(lines: list[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode()


def _line(value: str) -> str:
    return re.sub(r"[\x00-\x20\x7f]+", " ", value).strip()


def _head(original: bytes) -> bytes:
    return original.partition(b"\r\n\r\n")[0] + b"\r\n"
