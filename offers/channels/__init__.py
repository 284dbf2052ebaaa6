"""The registry of channels: one room each, with `address_of` and either `carry` or `join`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from crm.models import Customer
from offers import bill_runs
from offers.channels import bill_insert, email, portal, post
from offers.channels.smtp import Outcome
from offers.models import Delivery, Document

Carry = Callable[[Delivery, Document, Callable[[], bool], datetime], Outcome]
Join = Callable[..., object]


@dataclass(frozen=True)
class Channel:
    """A way for a document to travel.

    `address_of(customer)` says where it reaches the customer now, or None. `carry(delivery,
    document, begin, at)` touches the network and writes no rows; it calls `begin()` just
    before the first byte of the body and sends nothing when that says no.

    Paper is carried by nobody here: `join(delivery=, by=, at=)` puts it on the list of a print run,
    in the transaction that queues it, and the run owns it from then on.
    """

    address_of: Callable[[Customer], str | None]
    carry: Carry | None = None
    join: Join | None = None


CHANNELS = {
    "email": Channel(address_of=email.address_of, carry=email.carry),
    "portal": Channel(address_of=portal.address_of, carry=portal.carry),
    "post": Channel(address_of=post.address_of, join=bill_runs.join),
    "bill_insert": Channel(address_of=bill_insert.address_of, join=bill_runs.join),
}
