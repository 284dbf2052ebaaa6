"""POST /evidence: signed by who carries the delivery, or refused."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse

from config import clock
from offers import evidence_sources
from offers.models import Delivery, Evidence
from tests.api.conftest import Machine, machine
from tests.api.test_door import is_problem
from tests.cast import HOUR, START, SYSTEM, Cast
from tests.offers import journeys

HAPPENED = START - HOUR / 2


@pytest.fixture
def delivery(scene: Cast) -> Delivery:
    return journeys.sent(scene, at=START - HOUR)


@pytest.fixture
def secret(scene: Cast) -> str:
    return evidence_sources.add(name="mailer", carries="mail", by=SYSTEM, at=START).secret


def body_of(about: Delivery, **more: Any) -> dict[str, Any]:
    body = {
        "source": "mailer",
        "event_id": "e-1",
        "delivery": about.pk,
        "kind": "delivered",
        "occurred_at": HAPPENED.isoformat(),
    }
    return body | more


def told(
    who: Machine,
    secret: str,
    body: dict[str, Any],
    *,
    at: datetime | None = None,
    sent: dict[str, Any] | None = None,
    **headers: str,
) -> HttpResponse:
    """Signs `body` at this moment and sends it, or `sent` in its place."""
    stamp = str(int((at or clock.now()).timestamp()))
    raw = json.dumps(body).encode()
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest()
    signed = {"X-Timestamp": stamp, "X-Signature": mac} | headers
    return who.client.post(
        "/api/v1/evidence",
        json.dumps(sent) if sent else raw,
        content_type="application/json",
        headers={"Authorization": f"Bearer {who.secret}"} | signed,
    )


def test_a_signed_report_is_evidence_and_the_same_again_is_the_same(
    scene: Cast, dialer: Machine, delivery: Delivery, secret: str
) -> None:
    first = told(dialer, secret, body_of(delivery))
    assert (first.status_code, first.json()["new"], first.json()["grade"]) == (201, True, 2)
    again = told(dialer, secret, body_of(delivery, delivery=f"D{delivery.pk:09d}"))
    assert (again.status_code, again.json()["new"]) == (200, False)
    assert Evidence.objects.get().occurred_at == HAPPENED


def test_a_contradiction_is_refused(
    scene: Cast, dialer: Machine, delivery: Delivery, secret: str
) -> None:
    told(dialer, secret, body_of(delivery))
    assert is_problem(told(dialer, secret, body_of(delivery, kind="failed")), 409, "contradiction")
    waiting = journeys.queued(scene)
    assert is_problem(told(dialer, secret, body_of(waiting, event_id="e-2")), 409, "contradiction")
    assert Evidence.objects.count() == 1


def test_what_is_not_signed_by_the_source_is_nobodys_word(
    scene: Cast, dialer: Machine, delivery: Delivery, secret: str
) -> None:
    body = body_of(delivery)
    refused = [
        told(dialer, "another secret", body),
        told(dialer, secret, body, sent=body | {"kind": "failed"}),
        told(dialer, secret, body, **{"X-Signature": ""}),
        told(dialer, secret, body, **{"X-Timestamp": "soon"}),
        told(dialer, secret, body | {"source": "nobody"}),
        told(dialer, secret, body, at=clock.now() - timedelta(seconds=330)),
        told(dialer, secret, body, at=clock.now() + timedelta(seconds=330)),
    ]
    for place, answer in enumerate(refused):
        assert is_problem(answer, 401, "unauthorized"), place
    assert not Evidence.objects.exists()


def test_a_source_that_is_switched_off_is_not_heard(
    scene: Cast, dialer: Machine, delivery: Delivery, secret: str
) -> None:
    source = evidence_sources.named("mailer")
    assert source
    evidence_sources.switch(source=source, on=False, by=SYSTEM, at=START)
    assert is_problem(told(dialer, secret, body_of(delivery)), 401, "unauthorized")


def test_a_signature_without_a_key_opens_nothing(
    scene: Cast, delivery: Delivery, secret: str
) -> None:
    other = machine("calls:write")
    assert is_problem(told(other, secret, body_of(delivery)), 403, "missing_scope")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"delivery": 999_999}, "delivery"),
        ({"delivery": "X12"}, "delivery"),
        ({"kind": "pressed"}, "kind"),
        ({"kind": "posted"}, "kind"),
        ({"occurred_at": "2026-03-02T09:00:00"}, "occurred_at"),
        ({"status_code": "five"}, "status_code"),
        ({"event_id": ""}, "event_id"),
        ({"words": "hello"}, "words"),
    ],
)
def test_a_report_that_cannot_be_read_is_refused_by_field(
    scene: Cast,
    dialer: Machine,
    delivery: Delivery,
    secret: str,
    wrong: dict[str, Any],
    field: str,
) -> None:
    answer = told(dialer, secret, body_of(delivery, **wrong))
    assert answer.status_code == 422, answer.content
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_suppliers_key_reports_about_its_own_customers(
    scene: Cast, delivery: Delivery, secret: str
) -> None:
    other = machine("evidence:write", team=scene.gent)
    assert told(other, secret, body_of(delivery)).status_code == 422
    own = machine("evidence:write", team=scene.liege)
    assert told(own, secret, body_of(delivery)).status_code == 201
