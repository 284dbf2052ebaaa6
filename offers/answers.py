"""What customers answered on their page: the only writer of Answer. The newest answer counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from crm.actors import Actor
from offers.models import Answer, AnswerText, Delivery, OfferVersion

# The answers that decide about an offer.
DECISIONS = (Answer.Kind.ACCEPTED, Answer.Kind.DECLINED)


@transaction.atomic
def record(*, delivery: Delivery, kind: str, by: Actor, at: datetime, words: str = "") -> Answer:
    """Writes one pressed button about what this delivery carried."""
    answer = Answer.objects.create(
        customer=delivery.customer,
        delivery=delivery,
        version=delivery.version,
        kind=kind,
        at=at,
        by=by.code,
    )
    AnswerText.objects.create(answer=answer, words=words)
    return answer


def blank(customers: Iterable[int]) -> None:
    """Takes out what these customers wrote; what they decided stays."""
    AnswerText.objects.filter(answer__customer__in=list(customers)).update(words="")


def decision(version: OfferVersion | None) -> Answer | None:
    """Whether the customer took this offer version; None while that is open."""
    rows = Answer.objects.filter(version=version, kind__in=DECISIONS)
    return rows.order_by("-pk").first() if version else None
