"""Bill insert: the document as a leaflet in the envelope of the next paper bill."""

from __future__ import annotations

from crm.models import Customer
from offers.channels import post


def address_of(customer: Customer) -> str | None:
    """Where the paper bill goes; None for a customer who gets none, or on no known day."""
    if customer.bill_medium != Customer.BillMedium.PAPER or customer.bill_day is None:
        return None
    return post.address_of(customer)
