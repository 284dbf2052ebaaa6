"""The terms of a promise: what is owed, by when, and which proof is enough. Reads nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from crm.policies import Policy
from crm.workdays import Calendar
from offers.models import Document, OfferVersion

# Said on the phone: no 0 and O, no 1 and I and L, no B and 8, no S and 5, no U and V.
ALPHABET = "234679ACDEFGHJKMNPQRTWXYZ"


class Refused(ValueError):
    """A promise that cannot be made as asked; the message says why, `field` says where."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


@dataclass(frozen=True)
class Terms:
    """What is promised. Exactly one of `version` (send_offer) and `document` (send_document).

    `address_accepted` means: read back on the call and confirmed by the customer. `due_at` None
    takes the channel's default.
    """

    kind: str
    words: str
    plan: tuple[str, ...] = ("email",)
    address: str = ""
    address_accepted: bool = False
    version: OfferVersion | None = None
    document: Document | None = None
    due_at: datetime | None = None


def due(*, channel: str, calendar: Calendar, at: datetime) -> datetime:
    """When a promise over this channel is due by default: the end of the next working day."""
    if channel != "email":
        raise ValueError(f"no due time is set for {channel!r}")
    return calendar.end_of_working_day(at)


def required_grade(policy: Policy, terms: Terms) -> int:
    """The grade that keeps it: less is enough when the address was accepted on the call."""
    return policy.email_grade_accepted if terms.address_accepted else policy.email_grade
