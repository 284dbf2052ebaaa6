"""Stands in for the mail server of the staff, and reads mails as a mail program would."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any

from icalendar import Calendar

from offers.channels.smtp import Outcome

TAKEN = Outcome("sent", 250, None, "", "verdict")
BUSY = Outcome("retry", 451, None, "", "rcpt")
DOWN = Outcome("retry", None, None, "connection refused", "connect")


class Post:
    """Its `outcome` is the next answer; `asked` counts the mails it was offered."""

    def __init__(self) -> None:
        self.outcome = TAKEN
        self.asked = 0
        self.mails: list[EmailMessage] = []

    def transmit(self, **facts: Any) -> Outcome:
        self.asked += 1
        if self.outcome.kind in {"sent", "unknown"}:
            mail = email.message_from_bytes(facts["message"], policy=email.policy.default)
            assert mail["To"].addresses[0].addr_spec == facts["recipient"]
            self.mails.append(mail)
        return self.outcome

    def to(self, username: str) -> list[EmailMessage]:
        return [m for m in self.mails if m["To"].addresses[0].username == username]


def text(mail: EmailMessage) -> str:
    """What somebody reads."""
    body = mail.get_body(("plain",))
    assert body
    return str(body.get_content())


def calendar_part(mail: EmailMessage) -> EmailMessage | None:
    """What a calendar reads."""
    found = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    assert len(found) < 2
    return found[0] if found else None


def entries(mail: EmailMessage) -> list[Any]:
    """The events that a calendar finds in a mail; its method agrees with the mail's (RFC 6047)."""
    part = calendar_part(mail)
    if part is None:
        return []
    calendar = Calendar.from_ical(part.get_content())
    assert calendar["METHOD"] == part.get_param("method")
    return list(calendar.walk("VEVENT"))
