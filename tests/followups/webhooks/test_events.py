"""What a message says: a CloudEvent with references and codes, the same each time it is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from crm.models import GateChange
from followups.models import PromiseEvent, WebhookMessage
from followups.webhooks import events
from offers import deliveries
from offers.models import DeliveryEvent, Evidence
from tests.cast import DAY, HOUR, START, SYSTEM, Cast, Relay, delivery_of
from tests.followups.scenes import accepted, promised, proven, report

REQUIRED = {"specversion", "id", "source", "type"}
PERSONAL = ("Dupont", "Éléonore", "dupont@", "+32470123456", "I will e-mail you", "rue du Pont")


def message(source: str, pk: int, kind: str) -> WebhookMessage:
    return WebhookMessage(source=source, source_id=pk, type=kind, at=START)


def body(source: str, pk: int, kind: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(events.body(message(source, pk, kind)))
    return told


def test_a_promise_is_told_by_its_reference(cast: Cast) -> None:
    promise = promised(cast)
    event = promise.events.get(cause="made")
    told = body("promise", event.pk, "kept.promise.made")
    assert told == {
        "specversion": "1.0",
        "id": f"promise-{event.pk}-{int(START.timestamp())}",
        "source": settings.BASE_URL,
        "type": "kept.promise.made",
        "subject": promise.reference,
        "time": "2026-03-02T08:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "promise": promise.reference,
            "customer": cast.dupont.reference,
            "external_id": None,
            "kind": "send_offer",
            "channels": ["email"],
            "team": "liege",
            "made_at": "2026-03-02T08:00:00Z",
            "due_at": "2026-03-03T16:30:00Z",
            "cause": "made",
        },
    }


def test_a_delivery_is_told_with_the_promises_it_serves(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    delivery = delivery_of(promise)
    row = Evidence.objects.get(kind="relay_accepted")
    told = body("evidence", row.pk, "kept.delivery.accepted")
    assert told["subject"] == str(delivery.pk)
    assert told["data"] == {
        "delivery": str(delivery.pk),
        "promises": [promise.reference],
        "customer": cast.dupont.reference,
        "external_id": None,
        "channel": "email",
        "cause": "relay_accepted",
        "grade": 1,
        "status_code": "2.0.0",
        "occurred_at": "2026-03-02T08:00:00Z",
    }


def test_a_doubt_is_told_with_its_cause(cast: Cast) -> None:
    promised(cast)
    delivery = deliveries.claim(by=SYSTEM, at=START)
    assert delivery and deliveries.begin_body(delivery=delivery, by=SYSTEM, at=START)
    deliveries.free_expired(at=START + HOUR)
    event = DeliveryEvent.objects.get(to_status="unknown")
    told = body("delivery", event.pk, "kept.delivery.unknown")["data"]
    assert (told["delivery"], told["cause"]) == (str(delivery.pk), "lease_expired")


def test_the_gate_is_told_by_customer_with_every_cause_of_the_transaction(cast: Cast) -> None:
    promised(cast)
    first = GateChange.objects.filter(customer=cast.dupont).order_by("pk")[0]
    told = body("gate", first.pk, "kept.gate.changed")
    assert told["subject"] == cast.dupont.reference
    # In a test everything is one transaction.
    causes = set(GateChange.objects.filter(customer=cast.dupont).values_list("cause", flat=True))
    assert told["data"]["causes"] == sorted(causes)
    assert "promise_made" in causes


def test_whatever_is_told_is_a_cloudevent_without_anything_personal(
    cast: Cast, relay: Relay
) -> None:
    promise = proven(cast, relay)
    report(promise, "failed", at=START + 5 * DAY, words="550 dupont@mail.example unknown")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        (mine,) = cursor.fetchone()
        cursor.execute(events.COMMITTED, {"from": mine, "until": mine + 1})
        rows = cursor.fetchall()
    assert len({kind for _source, _pk, kind, _at in rows}) >= 7
    for source, pk, kind, _at in rows:
        text = events.body(message(source, pk, kind)).decode()
        told = json.loads(text)
        assert set(told) >= REQUIRED and told["type"] == kind
        assert all(isinstance(value, str) for key, value in told.items() if key != "data")
        plain = json.dumps(told, ensure_ascii=False)
        assert [word for word in PERSONAL if word in plain] == []


def test_what_is_sent_again_is_the_same_to_the_byte_whatever_came_since(
    cast: Cast, relay: Relay
) -> None:
    promise = proven(cast, relay)
    made = PromiseEvent.objects.get(cause="made")
    kept = PromiseEvent.objects.get(cause="proven")
    proof = Evidence.objects.get(kind="delivered")
    told = [
        message("promise", made.pk, "kept.promise.made"),
        message("promise", kept.pk, "kept.promise.kept"),
        message("evidence", proof.pk, "kept.delivery.delivered"),
    ]
    before = [events.body(one) for one in told]
    report(promise, "failed", at=START + 5 * DAY)
    assert [events.body(one) for one in told] == before


def test_an_event_that_had_this_number_before_a_restore_has_another_id() -> None:
    one, two = message("promise", 7, "kept.promise.made"), message("promise", 7, "x")
    two.at = START + HOUR
    assert one.webhook_id != two.webhook_id


@pytest.mark.parametrize("kind", [*events.TYPES, events.TEST])
def test_every_type_is_a_name_that_receivers_can_route_by(kind: str) -> None:
    assert kind.startswith("kept.") and kind == kind.lower() and kind.isascii()
