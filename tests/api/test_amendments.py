"""Promises withdrawn, agreed anew, handed over and sent by other systems."""

from __future__ import annotations

from typing import Any

import pytest

from crm import calls
from crm.actors import Actor
from crm.models import Attempt
from followups.models import Promise
from offers.models import Delivery, Evidence
from tests.api.conftest import Machine, machine
from tests.api.test_door import is_problem
from tests.cast import (
    DAY,
    DUPONT_MAIL,
    HOUR,
    START,
    WORDS,
    Cast,
    Relay,
    call_and_promise,
    call_of,
    delivery_of,
    offer_for,
)
from tests.followups.scenes import accepted
from tests.followups.test_callbacks import asked as asked_for

OTHER_MAIL = "eleonore@mail.example"
MADE = START - DAY


@pytest.fixture
def promise(scene: Cast) -> Promise:
    return call_and_promise(scene.amina, scene.dupont, at=MADE)


def spoken(scene: Cast, **more: Any) -> dict[str, str]:
    """A call of this morning that the dialer has reported, as the body names it."""
    at = START - HOUR
    call = call_of(scene.amina, more.pop("customer", scene.dupont), at=at, source="north", **more)
    calls.log(call=call, by=Actor(code="source:north"), at=at)
    return {"source": "north", "external_id": call.external_id}


def act(dialer: Machine, promise: Promise, verb: str, body: Any, **headers: str) -> Any:
    return dialer.post(f"/promises/{promise.reference}/{verb}", body, **headers)


def fields(answer: Any) -> list[str]:
    assert answer.status_code == 422, answer.content
    return [error["field"] for error in answer.json()["errors"]]


def state(promise: Promise) -> str:
    return Promise.objects.get(pk=promise.pk).status


def test_a_promise_is_withdrawn_with_the_call_in_which_the_customer_said_so(
    scene: Cast, dialer: Machine, promise: Promise
) -> None:
    body = {"reason": "not_wanted", "call": spoken(scene)}
    answer = act(dialer, promise, "withdraw", body)
    assert (answer.status_code, answer.json()["status"]) == (200, "withdrawn")
    assert (answer.json()["reference"], state(promise)) == (promise.reference, "withdrawn")
    again = act(dialer, promise, "withdraw", body)
    assert (again.status_code, again.json()["status"]) == (200, "withdrawn")


def test_a_withdrawal_without_a_reported_call_is_refused_by_field(
    scene: Cast, dialer: Machine, promise: Promise
) -> None:
    made = {"source": "desk", "external_id": promise.attempt.external_id}
    nobody = {"source": "north", "external_id": "never"}
    for call in (made, nobody, spoken(scene, customer=scene.peeters)):
        body = {"reason": "not_wanted", "call": call}
        assert fields(act(dialer, promise, "withdraw", body)) == ["call"]
    assert fields(act(dialer, promise, "withdraw", {"call": made})) == ["reason"]
    assert fields(act(dialer, promise, "withdraw", {"reason": "whim", "call": made})) == ["reason"]
    assert state(promise) == "open"


@pytest.fixture
def left(scene: Cast, relay: Relay) -> Promise:
    """A promise whose mail left yesterday, and is not proven yet."""
    return accepted(scene, relay, at=MADE)


def test_what_the_customer_says_has_come_is_kept(
    scene: Cast, dialer: Machine, left: Promise
) -> None:
    body = {"call": spoken(scene)}
    for _again in range(2):
        answer = act(dialer, left, "came", body)
        assert (answer.status_code, answer.json()["status"]) == (200, "kept"), answer.content
    said = Evidence.objects.get(kind="confirmed")
    assert (said.grade, said.occurred_at) == (5, START - HOUR)
    assert said.received_by.startswith("key:")
    assert state(left) == "kept"


def test_the_machines_own_word_that_it_came_keeps_nothing(
    scene: Cast, dialer: Machine, left: Promise
) -> None:
    own = {"source": "south", "external_id": "77", "started_at": "2026-03-02T08:00:00+01:00"}
    facts = {"direction": "inbound", "result": "answered", "agent": "amina"}
    logged = dialer.post("/calls", {**own, **facts, "customer": scene.dupont.reference})
    assert logged.status_code == 201, logged.content
    nobody = {"source": "north", "external_id": "never"}
    mine = {"source": "south", "external_id": "77"}
    made = {"source": "desk", "external_id": left.attempt.external_id}
    for call in (mine, nobody, made, spoken(scene, customer=scene.peeters)):
        assert fields(act(dialer, left, "came", {"call": call})) == ["call"]
    assert fields(act(dialer, left, "came", {})) == ["call"]
    assert fields(act(dialer, left, "came", {"call": mine, "reason": "other"})) == ["reason"]
    assert (state(left), Evidence.objects.filter(kind="confirmed").count()) == ("open", 0)


def test_what_has_not_left_has_not_come_and_a_call_is_no_document(
    scene: Cast, dialer: Machine, promise: Promise
) -> None:
    for one in (promise, asked_for(scene)):
        assert fields(act(dialer, one, "came", {"call": spoken(scene)})) == ["promise"]
        assert state(one) == "open"


def test_that_it_came_is_written_down_once_for_one_key(
    scene: Cast, dialer: Machine, left: Promise
) -> None:
    key, body = {"Idempotency-Key": "it-came"}, {"call": spoken(scene)}
    first, second = (act(dialer, left, "came", body, **key) for _again in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    other = act(dialer, left, "came", {"call": spoken(scene)}, **key)
    assert is_problem(other, 422, "idempotency_key_reused")


def test_another_promise_takes_the_place_of_the_first(
    scene: Cast, dialer: Machine, promise: Promise
) -> None:
    body = {
        "reason": "other_address",
        "call": spoken(scene),
        "address": OTHER_MAIL,
        "address_accepted": True,
    }
    answer = act(dialer, promise, "renegotiate", body)
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["replaces"], told["status"], told["kind"]) == (
        promise.reference,
        "open",
        "send_offer",
    )
    new = Promise.objects.get(reference=told["reference"])
    assert (new.text.words, new.text.address, new.required_grade) == (WORDS, OTHER_MAIL, 3)
    assert (state(promise), delivery_of(new).text.address) == ("replaced", OTHER_MAIL)


def test_what_is_not_agreed_anew_stays_as_it_was(
    scene: Cast, dialer: Machine, promise: Promise
) -> None:
    body = {"reason": "later", "call": spoken(scene), "due_at": "2026-03-12T12:00:00+01:00"}
    told = act(dialer, promise, "renegotiate", body).json()
    new = Promise.objects.get(reference=told["reference"])
    assert (new.text.address, new.version, new.plan) == (DUPONT_MAIL, promise.version, ["email"])
    assert new.address_accepted_at is not None
    assert told["due_at"] == "2026-03-12T11:00:00Z"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"due_at": "2026-03-01T09:00:00+01:00"}, "due_at"),
        ({"due_at": "2030-03-01T09:00:00+01:00"}, "due_at"),
        ({"channel": "pigeon"}, "channel"),
        ({"address": "nowhere"}, "address"),
        ({"channel": "portal", "address_accepted": True}, "address"),
        ({"offer": "O-999999"}, "offer"),
        ({"document": 1}, "document"),
        ({"reason": "whim"}, "reason"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_terms_that_cannot_be_kept_are_refused_by_field(
    scene: Cast, dialer: Machine, promise: Promise, asked: dict[str, Any], field: str
) -> None:
    body = {"reason": "customer_asked", "call": spoken(scene)} | asked
    assert fields(act(dialer, promise, "renegotiate", body)) == [field]
    assert Promise.objects.get().status == "open"


def test_another_customers_offer_is_refused(scene: Cast, dialer: Machine, promise: Promise) -> None:
    offer = offer_for(scene.peeters).offer.reference
    body = {"reason": "other_offer", "call": spoken(scene), "offer": offer}
    assert fields(act(dialer, promise, "renegotiate", body)) == ["offer"]


def test_somebody_else_keeps_it(scene: Cast, dialer: Machine, promise: Promise) -> None:
    answer = act(dialer, promise, "reassign", {"owner": "bram", "reason": "absent"})
    assert (answer.status_code, answer.json()["owner"], answer.json()["team"]) == (
        200,
        "bram",
        "gent",
    )


@pytest.mark.parametrize("owner", ["nobody", "dirk", "eva"])
def test_nobody_who_keeps_no_promises_gets_one(
    scene: Cast, dialer: Machine, promise: Promise, owner: str
) -> None:
    body = {"owner": owner, "reason": "absent"}
    assert fields(act(dialer, promise, "reassign", body)) == ["owner"]


def test_it_is_sent_where_the_machine_says(scene: Cast, dialer: Machine, promise: Promise) -> None:
    answer = act(dialer, promise, "send", {"address": OTHER_MAIL})
    assert answer.status_code == 200, answer.content
    assert (delivery_of(promise).text.address, delivery_of(promise).why) == (OTHER_MAIL, "resend")
    place = {"street": "quai de Rome 3", "postcode": "4000", "city": "Liège"}
    assert act(dialer, promise, "send", {"channel": "post", "postal": place}).status_code == 200
    assert delivery_of(promise).channel == "post"
    scene.dupont.postal.refresh_from_db()
    assert scene.dupont.postal.street == "quai de Rome 3"


def test_without_an_address_it_goes_to_the_one_on_file(
    scene: Cast, dialer: Machine, promise: Promise
) -> None:
    assert act(dialer, promise, "send", {}).status_code == 200
    assert delivery_of(promise).text.address == DUPONT_MAIL


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"channel": "pigeon"}, "channel"),
        ({"channel": "bill_insert"}, "postal"),
        ({"address": "nowhere"}, "address"),
        ({"channel": "post", "address": OTHER_MAIL}, "address"),
        ({"postal": {"street": "x", "postcode": "1", "city": "y"}}, "postal"),
        ({"channel": "post", "postal": {"street": " ", "postcode": "1", "city": "y"}}, "postal"),
    ],
)
def test_a_way_that_leads_nowhere_is_refused(
    scene: Cast, dialer: Machine, promise: Promise, asked: dict[str, Any], field: str
) -> None:
    assert fields(act(dialer, promise, "send", asked)) == [field]
    assert Delivery.objects.count() == 1


def test_the_same_key_and_body_act_once(scene: Cast, dialer: Machine, promise: Promise) -> None:
    key = {"Idempotency-Key": "again"}
    first = act(dialer, promise, "send", {}, **key)
    second = act(dialer, promise, "send", {}, **key)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert Delivery.objects.count() == 2
    other = act(dialer, promise, "send", {"address": OTHER_MAIL}, **key)
    assert is_problem(other, 422, "idempotency_key_reused")
    elsewhere = call_and_promise(scene.amina, scene.dupont)
    assert is_problem(act(dialer, elsewhere, "send", {}, **key), 422, "idempotency_key_reused")


def test_a_promise_that_is_closed_is_left_as_it_is(
    scene: Cast, dialer: Machine, promise: Promise
) -> None:
    call = spoken(scene)
    act(dialer, promise, "withdraw", {"reason": "moved", "call": call})
    for verb, body in (
        ("came", {"call": call}),
        ("renegotiate", {"reason": "later", "call": call}),
        ("reassign", {"reason": "absent", "owner": "bram"}),
        ("send", {}),
    ):
        answer = act(dialer, promise, verb, body)
        assert is_problem(answer, 409, "not_open"), verb
        assert answer.json()["promise_status"] == "withdrawn"


@pytest.mark.parametrize("verb", ["withdraw", "came", "renegotiate", "reassign", "send"])
def test_another_teams_promise_is_not_there(scene: Cast, promise: Promise, verb: str) -> None:
    call = spoken(scene)
    bodies = {
        "withdraw": {"reason": "other", "call": call},
        "came": {"call": call},
        "renegotiate": {"reason": "other", "call": call},
        "reassign": {"reason": "other", "owner": "bram"},
        "send": {},
    }
    supplier = machine("promises:write", team=scene.gent)
    assert is_problem(act(supplier, promise, verb, bodies[verb]), 404, "not_found")
    assert (state(promise), Delivery.objects.count()) == ("open", 1)


def test_nothing_personal_is_told_back(scene: Cast, promise: Promise) -> None:
    writer = machine("promises:write")
    answer = act(writer, promise, "send", {"address": OTHER_MAIL})
    text = answer.content.decode()
    assert scene.dupont.reference not in text
    for secret in (DUPONT_MAIL, OTHER_MAIL, WORDS, "Dupont"):
        assert secret not in text
    assert Attempt.objects.count() == 1
