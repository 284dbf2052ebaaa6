"""E-mail: one message to one address, under a stable Message-ID and return path."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable
from datetime import datetime

from django.conf import settings

from crm.models import Customer
from offers import letters, links, message
from offers.channels import esp, smtp
from offers.models import Delivery, Document

# The `why` of a delivery that confirms an acceptance; its promised date is the day of it.
CONFIRMATION = "confirmation"


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


def unsubscribe_path(delivery: Delivery) -> str:
    """Where a mail program writes that its owner wants no more offers."""
    key = f"u-{delivery.key.hex}"
    return message.verp(settings.BOUNCE_ADDRESS, f"{key}-{seal(key)}")


def key_of_unsubscribe_path(address: str) -> uuid.UUID | None:
    """The delivery of a wish to leave, None when the address is not one of ours."""
    found = message.read_verp(address, settings.BOUNCE_ADDRESS) or ""
    key, _, sealed = found.rpartition("-")
    mark, _, name = key.partition("-")
    if mark != "u" or len(name) != 32 or not hmac.compare_digest(sealed, seal(key)):
        return None
    return uuid.UUID(hex=name)


def parts(
    delivery: Delivery, mail: letters.Mail, document: Document | None, at: datetime
) -> message.Parts:
    """A letter on its way to the address of a delivery; without `document`, nothing is attached."""
    text = delivery.text
    attached = (
        [(f"{text.reference}.pdf", "application/pdf", bytes(document.pdf))] if document else []
    )
    return message.Parts(
        message_id=message_id(delivery),
        mail_from=settings.MAIL_FROM,
        reply_to=return_path(delivery),
        to_name=text.to_name,
        to_address=text.address,
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
        attachments=attached,
        date=at,
        unsubscribe=(links.unsubscribe_url(delivery), f"mailto:{unsubscribe_path(delivery)}"),
    )


def letter(delivery: Delivery, document: Document) -> letters.Mail:
    """The words around the document: of the promise, or of the acceptance they confirm."""
    text = delivery.text
    common = {
        "language": delivery.language,
        "customer_name": text.to_name,
        "reference": text.reference,
        "company": settings.COMPANY_NAME,
        "contact": settings.COMPANY_CONTACT,
        "link": links.url(delivery),
    }
    if delivery.why == CONFIRMATION and document.version:
        plan, on = document.version.plan, text.promised_date
        return letters.confirmation_mail(plan=plan, accepted_on=on, **common)
    return letters.offer_mail(
        promised_words=text.words,
        promised_on=text.promised_date,
        reading_days=text.reading_days,
        kind=document.kind,
        **common,
    )


def compose(delivery: Delivery, document: Document, at: datetime) -> bytes:
    """The mail of this delivery, as it stands on the wire."""
    return message.build(**vars(parts(delivery, letter(delivery, document), document, at)))


def carry(
    delivery: Delivery, document: Document, begin: Callable[[], bool], at: datetime
) -> smtp.Outcome:
    """One mail with the document attached."""
    return hand_over(delivery, parts(delivery, letter(delivery, document), document, at), begin)


def hand_over(delivery: Delivery, mail: message.Parts, begin: Callable[[], bool]) -> smtp.Outcome:
    """This delivery's mail, under its own return path."""
    key = delivery.key.hex
    return transmit(mail=mail, envelope_from=return_path(delivery), key=key, begin=begin)


def transmit(
    *, mail: message.Parts, envelope_from: str, key: str, begin: Callable[[], bool]
) -> smtp.Outcome:
    """To the provider when there is one, else to the relay. See offers/channels/smtp.py and
    esp.py for what each ending means."""
    if settings.ANYMAIL_ESP:
        return esp.transmit(mail=mail, key=key, begin=begin)
    return smtp.transmit(
        url=settings.EMAIL_URL,
        envelope_from=envelope_from,
        recipient=mail.to_address,
        message=message.build(**vars(mail)),
        before_body=begin,
        envelope_id=key,
    )
