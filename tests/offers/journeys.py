"""Deliveries for tests: queued to Mme Dupont, and brought to the state a test starts from."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from offers import deliveries, evidence
from offers.channels.smtp import Outcome
from offers.evidence import Event
from offers.models import Delivery, Evidence
from tests.cast import DUPONT_MAIL, SENT, START, SYSTEM, Cast, offer_for

Kind = Evidence.Kind


def queued(cast: Cast, *, at: datetime = START, address: str = DUPONT_MAIL) -> Delivery:
    parcel = deliveries.Parcel(
        customer=cast.dupont,
        channel="email",
        language="fr",
        to_name="Mme Dupont",
        address=address,
        reference="P-234679",
        words="the offer",
        promised_date=date(2026, 3, 2),
        reading_days=3,
        version=offer_for(cast.dupont, at=at),
    )
    return deliveries.queue(parcel=parcel, why="promised", by=SYSTEM, at=at)


def claimed(cast: Cast, *, at: datetime = START) -> Delivery:
    queued(cast, at=at)
    delivery = deliveries.claim(by=SYSTEM, at=at)
    assert delivery
    return delivery


def sending(cast: Cast, *, at: datetime = START) -> Delivery:
    delivery = claimed(cast, at=at)
    assert deliveries.begin_body(delivery=delivery, by=SYSTEM, at=at)
    return delivery


def sent(cast: Cast, *, at: datetime = START) -> Delivery:
    """Accepted by the relay, without evidence yet."""
    delivery = sending(cast, at=at)
    settle(delivery, SENT, at=at)
    return fresh(delivery)


def settle(delivery: Delivery, outcome: Outcome, *, at: datetime) -> bool:
    return deliveries.settle(
        delivery=delivery, to=outcome.kind, by=SYSTEM, at=at, cause="test", reply=outcome.reply
    )


def fresh(delivery: Delivery) -> Delivery:
    return Delivery.objects.select_related("text", "customer").get(pk=delivery.pk)


def happens(delivery: Delivery, kind: str, *, at: datetime, **more: Any) -> Evidence | None:
    """Something is reported about a delivery; its event id is its kind unless said."""
    facts: dict[str, Any] = {
        "source": "test",
        "event_id": f"{delivery.pk}:{kind}",
        "occurred_at": at,
    }
    event = Event(kind=kind, **{**facts, **more})
    return evidence.record(delivery=delivery, event=event, by=SYSTEM, at=at)
