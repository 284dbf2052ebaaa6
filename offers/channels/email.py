"""E-mail: one message to one address over SMTP, under a stable Message-ID and return path."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable
from datetime import datetime

from django.conf import settings

from crm.models import Customer
from offers import letters, message
from offers.channels import smtp
from offers.models import Delivery, Document


def address_of(customer: Customer) -> str | None:
    """The first mail address that no report has called bad."""
    return next((row.address for row in customer.emails.all() if row.bad_at is None), None)


def message_id(delivery: Delivery) -> str:
    """The same for every try of this delivery, so that a bounce finds it."""
    return f"<{delivery.key}@{settings.MAIL_FROM.rpartition('@')[2]}>"


def seal(key: str) -> str:
    return hmac.new(settings.HASH_PEPPER.encode(), key.encode(), hashlib.sha256).hexdigest()[:10]


def return_path(delivery: Delivery) -> str:
    """The envelope sender: it names the delivery, and nobody can make one up."""
    key = delivery.key.hex
    return message.verp(settings.BOUNCE_ADDRESS, f"{key}-{seal(key)}")


def key_of_return_path(address: str) -> uuid.UUID | None:
    """The delivery key that a report came back to; None when the address is not one of ours."""
    found = message.read_verp(address, settings.BOUNCE_ADDRESS) or ""
    key, _, sealed = found.partition("-")
    if len(key) != 32 or not hmac.compare_digest(sealed, seal(key)):
        return None
    return uuid.UUID(hex=key)


def key_of_message_id(text: str) -> uuid.UUID | None:
    """The delivery key in a Message-ID of ours, or None."""
    local, _, domain = text.strip("<> ").partition("@")
    if domain != settings.MAIL_FROM.rpartition("@")[2]:
        return None
    try:
        return uuid.UUID(local)
    except ValueError:
        return None


def compose(delivery: Delivery, document: Document, at: datetime) -> bytes:
    """The mail of this delivery: the words of the promise, and the document attached."""
    text = delivery.text
    mail = letters.offer_mail(
        language=delivery.language,
        customer_name=text.to_name,
        reference=text.reference,
        promised_words=text.words,
        promised_on=text.promised_date,
        reading_days=text.reading_days,
        company=settings.COMPANY_NAME,
        contact=settings.COMPANY_CONTACT,
        offer=document.kind == Document.Kind.OFFER,
    )
    return message.build(
        message_id=message_id(delivery),
        mail_from=settings.MAIL_FROM,
        reply_to=return_path(delivery),
        to_name=text.to_name,
        to_address=text.address,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        attachments=[(f"{text.reference}.pdf", "application/pdf", bytes(document.pdf))],
        date=at,
    )


def carry(
    delivery: Delivery, document: Document, begin: Callable[[], bool], at: datetime
) -> smtp.Outcome:
    """One SMTP conversation; see offers/channels/smtp.py for what each ending means."""
    return smtp.transmit(
        url=settings.EMAIL_URL,
        envelope_from=return_path(delivery),
        recipient=delivery.text.address,
        message=compose(delivery, document, at),
        before_body=begin,
        envelope_id=delivery.key.hex,
    )
