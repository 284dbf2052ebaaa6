"""Links for customers: a token that names one delivery, and that nobody can make up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid

from django.conf import settings

from offers.models import Delivery

MAC_BYTES = 16
LENGTH = 43  # 16 bytes of key and 16 of seal, in base64 without padding


def token(delivery: Delivery) -> str:
    """The same for a delivery and its generation, so that a print run can be built again."""
    key = delivery.key.bytes
    sealed = _seal(key, delivery.link_generation)
    return base64.urlsafe_b64encode(key + sealed).decode().rstrip("=")


def url(delivery: Delivery) -> str:
    """The address of the customer's page, as it stands in a mail or a QR code."""
    return f"{settings.BASE_URL}/o/{token(delivery)}/"


def unsubscribe_url(delivery: Delivery) -> str:
    """The one-click address of List-Unsubscribe (RFC 8058)."""
    return f"{settings.BASE_URL}/api/v1/unsubscribe/{token(delivery)}"


def delivery_of(text: str) -> Delivery | None:
    """The delivery that a token names; None when it is none of ours or was revoked.

    Whether it has expired is for the reader, who knows when it could first be read.
    """
    if len(text) != LENGTH:
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=")
    except ValueError:
        return None
    key, sealed = raw[:16], raw[16:]
    delivery = (
        Delivery.objects.select_related("customer__text", "text", "document", "version__offer")
        .filter(key=uuid.UUID(bytes=key))
        .first()
    )
    generation = delivery.link_generation if delivery else 0
    genuine = hmac.compare_digest(sealed, _seal(key, generation))
    return delivery if genuine and delivery else None


def _seal(key: bytes, generation: int) -> bytes:
    words = b"link:%b:%d" % (key, generation)
    return hmac.new(settings.SECRET_KEY.encode(), words, hashlib.sha256).digest()[:MAC_BYTES]
