"""What the offers storey knows of one person: offers, documents, how they travelled, answers."""

from __future__ import annotations

import base64

from crm.own_data import Row, Sections, row
from offers.models import Answer, Delivery, Document, OfferVersion


def tell(ids: list[int]) -> Sections:
    """Documents are told whole, as base64."""
    return {
        "offers": _offers(ids),
        "documents": [
            row(
                one,
                *("kind", "title", "created_at", "pages", "sha256"),
                pdf_base64=base64.b64encode(bytes(one.pdf)).decode(),
            )
            for one in Document.objects.filter(customer__in=ids).order_by("pk")
        ],
        "deliveries": _deliveries(ids),
        "answers": [
            row(one, "kind", "at", words=one.text.words if hasattr(one, "text") else "")
            for one in Answer.objects.filter(customer__in=ids).select_related("text").order_by("pk")
        ],
    }


def _offers(ids: list[int]) -> list[Row]:
    rows = OfferVersion.objects.filter(offer__customer__in=ids).order_by("pk")
    told = []
    for one in rows.select_related("offer").prefetch_related("lines"):
        names = ("number", "issue_date", "valid_days", "plan", "commitment_until_date")
        told.append(row(one, *names, "termination_fee", reference=one.offer.reference))
        told += [
            row(line, "side", "label", "monthly", "promo_monthly", "promo_until_date", "one_off")
            for line in one.lines.all()
        ]
    return told


def _deliveries(ids: list[int]) -> list[Row]:
    rows = Delivery.objects.filter(customer__in=ids).select_related("text").order_by("pk")
    told = []
    for one in rows.prefetch_related("evidence__text"):
        names = ("queued_at", "channel", "status", "sending_at", "settled_at")
        text = {name: getattr(one.text, name) for name in ("to_name", "address", "words", "reply")}
        told.append(row(one, *names, **text, promise=one.text.reference))
        told += [
            row(
                proof,
                *("kind", "grade", "occurred_at", "received_at"),
                words=proof.text.words if hasattr(proof, "text") else "",
            )
            for proof in one.evidence.all()
        ]
    return told
