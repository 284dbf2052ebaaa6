"""Calls over HTTP: logged once, promised once, refused by field, never by halves."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.http import HttpResponse

from crm import customers
from crm.models import Attempt, IdempotentAnswer, Suppression
from followups.api import calls
from followups.models import Promise
from offers.models import Delivery
from tests.api.conftest import Machine, machine
from tests.cast import (
    DUPONT_HOME,
    DUPONT_MAIL,
    DUPONT_MOBILE,
    HOUR,
    MINUTE,
    START,
    WORDS,
    Cast,
    offer_for,
)


@pytest.fixture(autouse=True)
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which sweeps were asked for; no broker is needed."""
    names: list[str] = []
    monkeypatch.setattr(calls, "nudge", names.append)
    return names


def call(**more: Any) -> dict[str, Any]:
    """An answered outbound call of Amina's to Mme Dupont."""
    told = {
        "source": "dialer",
        "external_id": "c-1",
        "direction": "outbound",
        "number": DUPONT_MOBILE,
        "agent": "amina",
        "started_at": (START - MINUTE).isoformat(),
        "answered_at": (START - MINUTE / 2).isoformat(),
        "result": "answered",
    }
    return {name: value for name, value in (told | more).items() if value is not None}


def promise(scene: Cast, **more: Any) -> dict[str, Any]:
    """A line that promises the offer by e-mail."""
    return {
        "kind": "send_offer",
        "words": WORDS,
        "channel": "email",
        "address": DUPONT_MAIL,
        "address_accepted": True,
        "offer": offer_for(scene.dupont).offer.reference,
    } | more


def test_a_call_is_logged_with_the_promise_made_in_it(
    scene: Cast, dialer: Machine, nudged: list[str]
) -> None:
    answer = dialer.post("/calls", call(promises=[promise(scene)], disposition="wants_in_writing"))
    assert answer.status_code == 201, answer.content
    body = answer.json()
    made = Promise.objects.get()
    assert body == {
        "attempt": made.attempt_id,
        "new": True,
        "revised": False,
        "revision": 1,
        "promises": [
            {
                "reference": made.reference,
                "kind": "send_offer",
                "channel": "email",
                "status": "open",
                "due_at": body["promises"][0]["due_at"],
            }
        ],
    }
    assert made.customer == scene.dupont
    assert made.owner == scene.amina
    assert made.attempt.logged_by == f"key:{dialer.key.key_id}"
    assert Delivery.objects.get().status == "queued"
    assert nudged == ["send"]
    assert dialer.get("/gate", number=DUPONT_HOME).json()["code"] == "open_promise"


def test_the_same_call_again_is_the_same_call(
    scene: Cast, dialer: Machine, nudged: list[str]
) -> None:
    told = call(promises=[promise(scene)])
    first, again = dialer.post("/calls", told), dialer.post("/calls", told)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"new": False}
    assert Promise.objects.count() == Delivery.objects.count() == 1
    assert nudged == ["send"]


def test_more_about_a_call_is_a_revision_and_its_promises_are_made(
    scene: Cast, dialer: Machine
) -> None:
    assert scene.dupont
    opened = dialer.post("/calls", call(promises=[], result=None, answered_at=None))
    assert opened.status_code == 201
    completed = call(disposition="wants_in_writing", promises=[promise(scene)])
    answer = dialer.post("/calls", completed)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["new"], body["revised"], body["revision"]) == (False, True, 2)
    assert len(body["promises"]) == 1


def test_a_promise_that_comes_later_is_owned_by_the_calls_agent(
    scene: Cast, dialer: Machine
) -> None:
    assert scene.dupont
    dialer.post("/calls", call())
    answer = dialer.post("/calls", call(agent=None, promises=[promise(scene)]))
    assert answer.status_code == 200
    assert Promise.objects.get().owner == scene.amina


def test_a_contradiction_is_refused_and_changes_nothing(scene: Cast, dialer: Machine) -> None:
    dialer.post("/calls", call(customer=scene.dupont.reference))
    answer = dialer.post("/calls", call(result="busy", promises=[promise(scene)]))
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:kept:problem:contradiction"
    assert "result" in answer.json()["detail"]
    assert Attempt.objects.get().result == "answered"
    assert not Promise.objects.exists()


def test_a_call_to_nobody_we_know_is_logged_without_promises(scene: Cast, dialer: Machine) -> None:
    assert dialer.post("/calls", call(number="+32475000001")).status_code == 201
    refused = dialer.post(
        "/calls", call(number="+32475000001", external_id="c-2", promises=[promise(scene)])
    )
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "customer"
    assert Attempt.objects.count() == 1


def test_who_shares_a_number_must_be_named(scene: Cast, dialer: Machine) -> None:
    told = call(promises=[promise(scene)])
    customers.add_number(customer=scene.peeters, e164=DUPONT_MOBILE, position=1, at=START)
    answer = dialer.post("/calls", told)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "customer"
    named = dialer.post("/calls", told | {"customer": scene.dupont.reference})
    assert named.status_code == 201


def test_a_call_that_was_logged_stays_the_same_persons(scene: Cast, dialer: Machine) -> None:
    assert scene.dupont
    dialer.post("/calls", call())
    customers.add_number(customer=scene.peeters, e164=DUPONT_MOBILE, position=1, at=START)
    assert dialer.post("/calls", call()).status_code == 200
    assert Attempt.objects.get().customer == scene.dupont


def test_a_version_of_an_offer_can_be_named(scene: Cast, dialer: Machine) -> None:
    first = offer_for(scene.dupont)
    offer_for(scene.dupont, offer=first.offer)
    reference = first.offer.reference
    dialer.post("/calls", call(promises=[promise(scene, offer=reference)]))
    dialer.post(
        "/calls", call(external_id="c-2", promises=[promise(scene, offer=f"{reference}/1")])
    )
    numbers = Promise.objects.order_by("pk").values_list("version__number", flat=True)
    assert list(numbers) == [2, 1]


def test_never_call_me_takes_effect_with_the_call(scene: Cast, dialer: Machine) -> None:
    assert scene.dupont
    dialer.post("/calls", call(disposition="refused_contact"))
    assert Suppression.objects.get().kind == "dnc_company"
    assert dialer.get("/gate", number=DUPONT_HOME).json()["code"] == "dnc_company"


AHEAD = (START + HOUR).isoformat()
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"source": ""}, "source"),
    ({"source": "s" * 41}, "source"),
    ({"external_id": None}, "external_id"),
    ({"external_id": "x\x00"}, "external_id"),
    ({"direction": "sideways"}, "direction"),
    ({"number": "12"}, "number"),
    ({"number": None}, "number"),
    ({"number": 32470123456}, "number"),
    ({"customer": "C-999999"}, "customer"),
    ({"campaign": "nothing"}, "campaign"),
    ({"agent": "nobody"}, "agent"),
    ({"agent": "\ud800"}, "agent"),
    ({"purpose": "sale"}, "purpose"),
    ({"started_at": "2026-03-02T08:00:00"}, "started_at"),
    ({"started_at": 1772438400}, "started_at"),
    ({"started_at": "yesterday"}, "started_at"),
    ({"started_at": AHEAD}, "started_at"),
    ({"started_at": "0001-01-01T00:00:00+14:00"}, "started_at"),
    ({"answered_at": (START - HOUR).isoformat()}, "answered_at"),
    ({"ended_at": (START - HOUR).isoformat()}, "ended_at"),
    ({"ended_at": AHEAD}, "ended_at"),
    ({"result": "perhaps"}, "result"),
    ({"disposition": "happy"}, "disposition"),
    ({"note": "n" * 10_001}, "note"),
    ({"decision_id": "no uuid"}, "decision_id"),
    ({"scrub_id": "no uuid"}, "scrub_id"),
    ({"colour": "red"}, "colour"),
    ({"\ud800": "red"}, "body"),
    ({"promises": {}}, "promises"),
]
WRONG_LINES: list[tuple[dict[str, Any], str]] = [
    ({"kind": "kiss"}, "promises.0.kind"),
    ({"words": ""}, "promises.0.words"),
    ({"channel": "pigeon"}, "promises.0.channel"),
    ({"address": "nowhere"}, "promises.0.address"),
    ({"address": "a@b.example\r\nBcc: c@d.example"}, "promises.0.address"),
    ({"address": ""}, "promises.0.address"),
    ({"offer": None}, "promises.0.offer"),
    ({"offer": "O-999999"}, "promises.0.offer"),
    ({"offer": "O-000001/99999999999"}, "promises.0.offer"),
    ({"kind": "send_document"}, "promises.0.document"),
    ({"document": 1}, "promises.0.document"),
    ({"due_at": (START - HOUR).isoformat()}, "promises.0.due_at"),
    ({"due_at": (START + timedelta(days=800)).isoformat()}, "promises.0.due_at"),
    ({"due_at": "9999-12-31T23:59:59-14:00"}, "promises.0.due_at"),
    ({"due_at": "2026-03-03"}, "promises.0.due_at"),
    ({"colour": "red"}, "promises.0.colour"),
]


@pytest.mark.parametrize(("wrong", "field"), WRONG)
def test_a_wrong_call_is_refused_by_field_and_nothing_is_saved(
    scene: Cast, dialer: Machine, wrong: dict[str, Any], field: str
) -> None:
    assert scene.dupont
    _refused(dialer.post("/calls", call(**wrong)), field)


@pytest.mark.parametrize(("wrong", "field"), WRONG_LINES)
def test_a_wrong_promise_is_refused_by_field_and_the_call_is_not_saved(
    scene: Cast, dialer: Machine, wrong: dict[str, Any], field: str
) -> None:
    _refused(dialer.post("/calls", call(promises=[promise(scene, **wrong)])), field)


def test_another_customers_offer_cannot_be_promised(scene: Cast, dialer: Machine) -> None:
    offer = offer_for(scene.peeters).offer.reference
    answer = dialer.post("/calls", call(promises=[promise(scene, offer=offer)]))
    _refused(answer, "promises.0.offer")


def test_a_promise_needs_an_agent_who_owns_it(scene: Cast, dialer: Machine) -> None:
    _refused(dialer.post("/calls", call(agent=None, promises=[promise(scene)])), "agent")


def _refused(answer: HttpResponse, field: str) -> None:
    assert answer.status_code == 422, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    errors = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert errors.get(field), errors
    assert not Attempt.objects.exists()
    assert not Promise.objects.exists()
    assert not Delivery.objects.exists()
    assert not IdempotentAnswer.objects.exists()


# --- the idempotency key ----------------------------------------------------------------------


def test_a_retry_gets_the_first_answer(scene: Cast, dialer: Machine) -> None:
    told = call(promises=[promise(scene)])
    key = {"Idempotency-Key": "k-1"}
    first, again = dialer.post("/calls", told, **key), dialer.post("/calls", told, **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert Attempt.objects.count() == Promise.objects.count() == 1


def test_the_key_of_another_body_is_refused(scene: Cast, dialer: Machine) -> None:
    assert scene.dupont
    dialer.post("/calls", call(), **{"Idempotency-Key": "k-1"})
    other = dialer.post("/calls", call(external_id="c-2"), **{"Idempotency-Key": "k-1"})
    assert other.status_code == 422
    assert other.json()["type"] == "urn:kept:problem:idempotency_key_reused"
    assert Attempt.objects.count() == 1


def test_a_refused_call_does_not_use_up_its_key(scene: Cast, dialer: Machine) -> None:
    assert scene.dupont
    key = {"Idempotency-Key": "k-1"}
    assert dialer.post("/calls", call(agent="nobody"), **key).status_code == 422
    assert dialer.post("/calls", call(), **key).status_code == 201


def test_another_machine_may_use_the_same_key(scene: Cast, dialer: Machine) -> None:
    assert scene.dupont
    key = {"Idempotency-Key": "k-1"}
    assert dialer.post("/calls", call(), **key).status_code == 201
    assert machine().post("/calls", call(external_id="c-2"), **key).status_code == 201


def test_an_overlong_key_is_refused(scene: Cast, dialer: Machine) -> None:
    assert scene.dupont
    _refused(dialer.post("/calls", call(), **{"Idempotency-Key": "k" * 201}), "Idempotency-Key")


def test_twenty_identical_calls_at_once_make_one_call(lasting_scene: Cast) -> None:
    dialer = machine()
    told = call(promises=[promise(lasting_scene)])
    answers = _at_once(lambda: dialer.post("/calls", told))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    references = {answer.json()["promises"][0]["reference"] for answer in answers}
    assert len(references) == Attempt.objects.count() == Promise.objects.count() == 1
    assert Delivery.objects.count() == 1


def test_twenty_identical_calls_with_a_key_get_one_answer(lasting_scene: Cast) -> None:
    dialer = machine()
    told = call(promises=[promise(lasting_scene)])
    answers = _at_once(lambda: dialer.post("/calls", told, **{"Idempotency-Key": "k-1"}))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert Attempt.objects.count() == Promise.objects.count() == Delivery.objects.count() == 1


def _at_once(ask: Callable[[], HttpResponse]) -> list[HttpResponse]:
    def one(_: int) -> HttpResponse:
        try:
            return ask()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(one, range(20)))


def test_the_scrub_before_a_call_is_kept_with_it_and_may_be_told_late(
    scene: Cast, dialer: Machine
) -> None:
    assert scene.dupont
    assert dialer.post("/calls", call()).status_code == 201
    scrub = str(uuid.uuid4())
    again = dialer.post("/calls", call(scrub_id=scrub))
    assert (again.status_code, again.json()["revised"]) == (200, True)
    assert not dialer.post("/calls", call(scrub_id=scrub)).json()["revised"]
    assert str(Attempt.objects.get().scrub_id) == scrub
