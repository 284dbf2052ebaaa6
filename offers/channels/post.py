"""Post: the document as a letter, in the next batch that is printed."""

from __future__ import annotations

from crm.models import Customer, PostalAddress
from offers import postal


def address_of(customer: Customer) -> str | None:
    """The lines of the postal address; None when a part of it is missing."""
    row = PostalAddress.objects.filter(customer=customer).first()
    if row is None:
        return None
    return postal.lines(street=row.street, postcode=row.postcode, city=row.city) or None
