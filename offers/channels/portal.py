"""Portal: a mail that says the document is ready, and the page on which it stands.

A bare link makes a document available, it does not provide it (CJEU C-375/15). So the mail has its
own evidence, about the announcement; only the customer's own act on the page keeps the promise.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.conf import settings

from offers import letters, links
from offers.channels import email, smtp
from offers.models import Delivery, Document

# A page nobody is told of announces nothing: without a mail address the portal cannot go.
address_of = email.address_of


def letter(delivery: Delivery, document: Document) -> letters.Mail:
    """The announcement: where the document is, and not the document."""
    text = delivery.text
    return letters.portal_mail(
        language=delivery.language,
        customer_name=text.to_name,
        reference=text.reference,
        promised_words=text.words,
        promised_on=text.promised_date,
        company=settings.COMPANY_NAME,
        contact=settings.COMPANY_CONTACT,
        reading_days=text.reading_days,
        link=links.url(delivery),
        kind=document.kind,
    )


def carry(
    delivery: Delivery, document: Document, begin: Callable[[], bool], at: datetime
) -> smtp.Outcome:
    """One mail with the link alone."""
    mail = email.parts(delivery, letter(delivery, document), None, at)
    return email.hand_over(delivery, mail, begin)
