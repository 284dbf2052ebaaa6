"""Promises over HTTP: the list and its pages, one promise and its story, nobody's name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from followups.models import Promise
from offers import evidence
from offers.evidence import Event
from offers.models import Evidence
from tests.api.conftest import Machine, machine
from tests.cast import (
    DAY,
    DUPONT_MAIL,
    START,
    SYSTEM,
    WORDS,
    Cast,
    call_and_promise,
    delivery_of,
    offer_for,
)


def listed(dialer: Machine, **query: Any) -> list[str]:
    answer = dialer.get("/promises", **query)
    assert answer.status_code == 200, answer.content
    return [item["reference"] for item in answer.json()["items"]]


def some(scene: Cast, count: int, **more: Any) -> list[Promise]:
    version = offer_for(scene.dupont)
    return [
        call_and_promise(scene.amina, scene.dupont, version=version, **more) for _ in range(count)
    ]


def test_a_promise_is_shown_by_its_codes_and_instants(scene: Cast, dialer: Machine) -> None:
    made = call_and_promise(scene.amina, scene.dupont)
    item = dialer.get("/promises").json()["items"][0]
    assert (item["reference"], item["kind"], item["status"]) == (
        made.reference,
        "send_offer",
        "open",
    )
    assert (item["owner"], item["team"], item["channels"]) == ("amina", "liege", ["email"])
    assert item["customer"] == scene.dupont.reference
    assert item["offer"] == f"{made.version.offer.reference}/1"
    assert item["broken"] is False


def test_the_list_is_narrowed_by_what_is_asked_for(scene: Cast, dialer: Machine) -> None:
    (early,) = some(scene, 1, at=START - 5 * DAY, call={"started_at": START - 5 * DAY})
    late = call_and_promise(scene.bram, scene.peeters, address="", address_accepted=False)
    both = [early.reference, late.reference]
    assert listed(dialer) == listed(dialer, status="open") == both
    assert listed(dialer, status="kept") == []
    assert listed(dialer, owner="amina") == listed(dialer, team="liege") == both[:1]
    assert listed(dialer, due_before=START.isoformat()) == both[:1]
    assert listed(dialer, broken="1") == both[:1]
    assert listed(dialer, broken="1", owner="bram") == []


def test_pages_neither_skip_nor_repeat_while_promises_are_made(
    scene: Cast, dialer: Machine
) -> None:
    expected = [promise.reference for promise in some(scene, 3)]
    page = dialer.get("/promises", limit=2).json()
    seen = [item["reference"] for item in page["items"]]
    expected += [promise.reference for promise in some(scene, 2)]
    while page["next"]:
        page = dialer.get("/promises", limit=2, cursor=page["next"]).json()
        seen += [item["reference"] for item in page["items"]]
    assert seen == expected


def test_a_page_costs_the_same_for_one_promise_and_for_many(scene: Cast, dialer: Machine) -> None:
    some(scene, 1)
    listed(dialer)  # the key is seen once a minute
    with CaptureQueriesContext(connection) as one:
        listed(dialer)
    some(scene, 5)
    with CaptureQueriesContext(connection) as six:
        listed(dialer)
    assert len(one) == len(six) == 1


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"status": "late"}, "status"),
        ({"owner": "nobody"}, "owner"),
        ({"team": "nowhere"}, "team"),
        ({"due_before": "2026-03-02T09:00:00"}, "due_before"),
        ({"due_before": "soon"}, "due_before"),
        ({"broken": "perhaps"}, "broken"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "é"}, "cursor"),
        ({"cursor": "eyJhZnRlciI6ICJ4In0="}, "cursor"),
        ({"cursor": "MQ=="}, "cursor"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_wish_is_refused_by_field(
    scene: Cast, dialer: Machine, asked: dict[str, str], field: str
) -> None:
    answer = dialer.get("/promises", **asked)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_promise_tells_its_whole_story(scene: Cast, dialer: Machine) -> None:
    made = call_and_promise(scene.amina, scene.dupont)
    delivery = delivery_of(made)
    evidence.record(
        delivery=delivery,
        event=Event(
            source="report",
            event_id="e-1",
            kind=Evidence.Kind.FAILED,
            occurred_at=START + timedelta(minutes=1),
            hard=True,
        ),
        by=SYSTEM,
        at=START + timedelta(minutes=1),
    )
    body = dialer.get(f"/promises/{made.reference.lower()}").json()
    assert body["reference"] == made.reference
    assert body["call"] == {"source": "desk", "external_id": made.attempt.external_id}
    assert [event["cause"] for event in body["events"]][:2] == ["made", "delivery_attached"]
    (journey, *_) = body["deliveries"]
    assert (journey["id"], journey["channel"], journey["status"]) == (
        delivery.pk,
        "email",
        "queued",
    )
    assert [(proof["kind"], proof["hard"]) for proof in journey["evidence"]] == [("failed", True)]


def test_nothing_personal_is_told(scene: Cast) -> None:
    made = call_and_promise(scene.amina, scene.dupont)
    reader = machine("promises:read")
    for path in ("/promises", f"/promises/{made.reference}"):
        answer = reader.get(path)
        assert answer.status_code == 200
        text = answer.content.decode()
        for secret in (DUPONT_MAIL, WORDS, "Dupont", "Éléonore", "470123456"):
            assert secret not in text
        assert scene.dupont.reference not in text


def test_a_suppliers_key_sees_its_own_teams_promises(scene: Cast) -> None:
    made = call_and_promise(scene.amina, scene.dupont)
    own, other = machine(team=scene.liege), machine(team=scene.gent)
    assert listed(own) == [made.reference]
    assert listed(other) == []
    assert other.get(f"/promises/{made.reference}").status_code == 404


@pytest.mark.parametrize("reference", ["P-XXXXXX", "%00", "é", "P" * 300])
def test_an_unknown_promise_is_not_found(scene: Cast, dialer: Machine, reference: str) -> None:
    answer = dialer.get(f"/promises/{reference}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
