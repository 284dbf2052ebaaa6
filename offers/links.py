"""Links for customers: a token that names one delivery, and that nobody can make up.

The only writer of PaperCode: what a letter carries instead, typed together with the postcode.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import F, QuerySet

from crm.actors import Actor
from offers.models import Delivery, PaperCode

# Said on the phone and typed from paper: no 0 and O, no 1 and I and L, no B and 8, no S and 5,
# no U and V.
ALPHABET = "234679ACDEFGHJKMNPQRTWXYZ"
MAC_BYTES = 16
CODE_LENGTH, MOST_TRIES = 10, 5
LENGTH = 43  # 16 bytes of key and 16 of seal, in base64 without padding


def token(delivery: Delivery) -> str:
    """The same for a delivery and its generation, so that a print run can be built again."""
    key = delivery.key.bytes
    return _written(key + _seal(key, delivery.link_generation))


def url(delivery: Delivery) -> str:
    """The address of the customer's page, as it stands in a mail or a QR code."""
    return f"{settings.BASE_URL}/o/{token(delivery)}/"


def unsubscribe_url(delivery: Delivery) -> str:
    """The one-click address of List-Unsubscribe (RFC 8058)."""
    return f"{settings.BASE_URL}/api/v1/unsubscribe/{token(delivery)}"


def delivery_of(text: str) -> Delivery | None:
    """The delivery that a token names; None when it is none of ours or was revoked.

    Whatever the text, the same work is done for it. Whether it has expired is for the reader,
    who knows when it could first be read.
    """
    raw = _raw(text)
    key, sealed = raw[:16], raw[16:]
    delivery = _deliveries().filter(key=uuid.UUID(bytes=key)).first()
    generation = delivery.link_generation if delivery else 0
    genuine = hmac.compare_digest(sealed, _seal(key, generation))
    return delivery if genuine else None


def _deliveries() -> QuerySet[Delivery]:
    return Delivery.objects.select_related(
        "customer__text", "customer__postal", "text", "version__offer"
    )


def _raw(text: str) -> bytes:
    """Key and seal; those of nobody for what is no token at all."""
    nobody = bytes(16 + MAC_BYTES)
    if len(text) != LENGTH or not text.isascii():
        return nobody
    try:
        raw = base64.urlsafe_b64decode(text + "=")
    except ValueError:
        return nobody
    # Other letters may decode to the same bytes: one delivery has one address.
    return raw if _written(raw) == text else nobody


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _seal(key: bytes, generation: int) -> bytes:
    words = b"link:%b:%d" % (key, generation)
    return hmac.new(settings.SECRET_KEY.encode(), words, hashlib.sha256).digest()[:MAC_BYTES]


def paper_code(delivery: Delivery) -> str:
    """Ten characters for a letter, asked together with the postcode. The same each time."""
    words = b"paper:%b:%d" % (delivery.key.bytes, delivery.link_generation)
    seal = hmac.new(settings.SECRET_KEY.encode(), words, hashlib.sha256).digest()
    number = int.from_bytes(seal, "big")
    letters = []
    for _place in range(CODE_LENGTH):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)


def spaced(code: str) -> str:
    """As it is printed: "ABCDE FGHJK"."""
    return f"{code[:5]} {code[5:]}"


def keep_codes(deliveries: Iterable[Delivery], *, by: Actor, at: datetime) -> None:
    """Makes the paper codes of these deliveries work. Again and for thousands alike."""
    PaperCode.objects.bulk_create(
        (
            PaperCode(
                delivery=delivery,
                generation=delivery.link_generation,
                digest=_digest(paper_code(delivery)),
                created_at=at,
                created_by=by.code,
            )
            for delivery in deliveries
        ),
        batch_size=5_000,
        ignore_conflicts=True,
    )


def revoke(customers: Iterable[int]) -> None:
    """Whatever link or code is out for these customers opens nothing any more."""
    rows = Delivery.objects.filter(customer__in=list(customers))
    rows.update(link_generation=F("link_generation") + 1)
    PaperCode.objects.filter(delivery__in=rows).delete()


def by_paper(code: str, postcode: str) -> Delivery | None:
    """The delivery that a letter's code opens with its customer's postcode; None for anything else.

    A code that is tried MOST_TRIES times with another postcode stays shut.
    """
    typed = "".join(char for char in code.upper() if char.isalnum())
    row = PaperCode.objects.filter(digest=_digest(typed)).first()
    delivery = _deliveries().filter(pk=row.delivery_id if row else 0).first()
    # The try is counted before it is judged, so that many at once are not more than five.
    tries = PaperCode.objects.filter(pk=row.pk if row else 0, tries__lt=MOST_TRIES)
    counted = tries.update(tries=F("tries") + 1)
    same = hmac.compare_digest(_folded(postcode), _postcode(delivery))
    if not (counted and same and row and delivery):
        return None
    if row.generation != delivery.link_generation or not _postcode(delivery):
        return None
    PaperCode.objects.filter(pk=row.pk).update(tries=0)
    return delivery


def _postcode(delivery: Delivery | None) -> bytes:
    place = getattr(delivery.customer, "postal", None) if delivery else None
    return _folded(place.postcode) if place else b""


def _folded(postcode: str) -> bytes:
    return "".join(char for char in postcode.upper() if char.isalnum()).encode()


def _digest(code: str) -> bytes:
    return hmac.new(settings.HASH_PEPPER.encode(), code.encode(), hashlib.sha256).digest()
