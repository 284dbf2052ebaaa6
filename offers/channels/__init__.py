"""The registry of channels: one room each, with `address_of` and `carry`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from crm.models import Customer
from offers.channels import email
from offers.channels.smtp import Outcome
from offers.models import Delivery, Document

Carry = Callable[[Delivery, Document, Callable[[], bool], datetime], Outcome]


@dataclass(frozen=True)
class Channel:
    """A way for a document to travel.

    `address_of(customer)` says where it reaches the customer now, or None. `carry(delivery,
    document, begin, at)` touches the network and writes no rows; it calls `begin()` just
    before the first byte of the body and sends nothing when that says no.
    """

    address_of: Callable[[Customer], str | None]
    carry: Carry


CHANNELS = {"email": Channel(address_of=email.address_of, carry=email.carry)}
