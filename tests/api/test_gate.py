"""The gate over HTTP: the question, the answer in three forms, and what is refused."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import parse_qs

import psycopg
import pytest
from django.db import OperationalError, connection, connections
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils.translation import get_language
from pytest_django import Settings

from config import clock, prepared
from crm import customers, keys
from crm.models import ApiKey
from followups import gate, reasons
from followups.models import GateCheck
from tests.api.conftest import Machine, machine
from tests.cast import (
    DUPONT_HOME,
    DUPONT_MOBILE,
    PEETERS_MOBILE,
    START,
    Cast,
    call_and_promise,
    person,
)
from tests.live import until

MEMBERS = {
    "decision",
    "code",
    "reason",
    "blocks",
    "number",
    "customer",
    "not_before",
    "decision_id",
    "valid_until",
    "checked_at",
}


def test_a_customer_nobody_waits_for_may_be_called(scene: Cast, dialer: Machine) -> None:
    dupont = scene.dupont
    answer = dialer.get("/gate", number=DUPONT_MOBILE)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == MEMBERS
    assert (body["decision"], body["code"], body["blocks"]) == ("allow", "ok", [])
    assert (body["number"], body["customer"]) == (DUPONT_MOBILE, dupont.reference)
    check = GateCheck.objects.get(pk=body["decision_id"])
    assert (check.by, check.reserve) == (f"key:{dialer.key.key_id}", True)


def test_another_campaign_asks_for_another_number_and_hears_why_not(
    scene: Cast, dialer: Machine
) -> None:
    promise = call_and_promise(scene.amina, scene.dupont)
    body = dialer.get("/gate", number=DUPONT_HOME, campaign=scene.sales.slug).json()
    assert (body["decision"], body["code"]) == ("deny", "open_promise")
    assert "promised a document" in body["reason"]
    assert body["not_before"] is None
    assert body["blocks"][0] == {
        "code": "open_promise",
        "since": START.isoformat(),
        "until": None,
        "promise": promise.reference,
    }


def test_the_question_may_come_as_query_form_or_json(scene: Cast, dialer: Machine) -> None:
    assert scene.dupont
    asked = {"number": DUPONT_MOBILE, "reserve": "0"}
    answers = [
        dialer.get("/gate", **asked),
        dialer.form("/gate", **asked),
        dialer.post("/gate", asked),
        dialer.post("/gate", {"number": DUPONT_MOBILE, "reserve": False}),
    ]
    assert [answer.json()["code"] for answer in answers] == ["ok"] * 4


def test_a_blank_before_the_number_is_a_plus_that_was_lost(scene: Cast, dialer: Machine) -> None:
    assert scene.dupont
    answer = dialer.client.get(
        f"/api/v1/gate?number={DUPONT_MOBILE}",  # the plus is not escaped
        headers={"Authorization": f"Bearer {dialer.secret}"},
    )
    assert answer.json()["number"] == DUPONT_MOBILE


def test_it_can_answer_in_one_line_of_text(scene: Cast, dialer: Machine) -> None:
    call_and_promise(scene.amina, scene.dupont)
    answer = dialer.get("/gate", number=DUPONT_MOBILE, format="text")
    assert answer["Content-Type"].startswith("text/plain")
    decision, code, number, not_before, decision_id = answer.content.decode().split(";")
    assert (decision, code, number, not_before) == ("DENY", "open_promise", DUPONT_MOBILE, "")
    assert uuid.UUID(decision_id)


def test_it_can_answer_in_form_pairs(scene: Cast, dialer: Machine) -> None:
    call_and_promise(scene.amina, scene.dupont)
    answer = dialer.get("/gate", number=DUPONT_MOBILE, format="form")
    assert answer["Content-Type"] == "application/x-www-form-urlencoded"
    assert answer.content.startswith(b"decision=deny&code=open_promise&number=%2B32470123456&")
    pairs = parse_qs(answer.content.decode(), keep_blank_values=True)
    assert list(pairs) == ["decision", "code", "number", "not_before", "decision_id"]


@pytest.mark.parametrize("number", ["", "not a number", "12", "+32 470", "x" * 250])
def test_what_is_no_number_is_denied(scene: Cast, dialer: Machine, number: str) -> None:
    body = dialer.get("/gate", number=number).json()
    assert (body["decision"], body["code"], body["number"]) == ("deny", "number_invalid", None)


def test_an_unknown_number_is_allowed_and_says_so(scene: Cast, dialer: Machine) -> None:
    body = dialer.get("/gate", number="+32475000001").json()
    assert (body["decision"], body["code"], body["customer"]) == ("allow", "unknown_number", None)


def test_a_customer_can_be_asked_for_by_reference(scene: Cast, dialer: Machine) -> None:
    call_and_promise(scene.amina, scene.dupont)
    body = dialer.get("/gate", customer=scene.dupont.reference).json()
    assert (body["code"], body["number"]) == ("open_promise", None)
    assert body["customer"] == scene.dupont.reference


def test_who_it_is_is_told_only_to_keys_that_may_know(scene: Cast) -> None:
    call_and_promise(scene.amina, scene.dupont)
    body = machine("gate:read").get("/gate", number=DUPONT_MOBILE).json()
    assert body["code"] == "open_promise"
    assert body["customer"] is None
    assert body["blocks"][0]["promise"] is None


def test_a_shared_number_names_no_one(scene: Cast, dialer: Machine) -> None:
    customers.add_number(customer=scene.peeters, e164=DUPONT_HOME, position=1, at=START)
    call_and_promise(scene.amina, scene.dupont)
    body = dialer.get("/gate", number=DUPONT_HOME).json()
    assert body["code"] == "open_promise"
    assert body["customer"] is None
    assert {block["promise"] for block in body["blocks"]} == {None}


def test_the_sentence_comes_in_the_language_that_was_asked_for(
    scene: Cast, dialer: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert scene.dupont
    monkeypatch.setitem(reasons.ALLOWED, "ok", lambda: str(get_language()))
    for language in ("fr", "nl", "en"):
        answer = dialer.get("/gate", number=DUPONT_MOBILE, lang=language, reserve="0")
        assert answer.json()["reason"] == language


def test_the_same_request_id_gets_the_same_decision(scene: Cast, dialer: Machine) -> None:
    assert scene.dupont
    first = dialer.get("/gate", number=DUPONT_MOBILE, request_id="r-1").json()
    again = dialer.get("/gate", number=DUPONT_MOBILE, request_id="r-1").json()
    assert first == again
    assert GateCheck.objects.count() == 1


def test_a_request_id_of_another_number_is_refused(scene: Cast, dialer: Machine) -> None:
    assert scene.dupont, scene.peeters
    dialer.get("/gate", number=DUPONT_MOBILE, request_id="r-1")
    answer = dialer.get("/gate", number=PEETERS_MOBILE, request_id="r-1")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "request_id"


def test_the_key_limits_the_purpose(scene: Cast) -> None:
    call_and_promise(scene.amina, scene.dupont)
    asked = {"number": DUPONT_MOBILE, "purpose": "service", "reference": "T-1"}
    assert machine().get("/gate", **asked).json()["decision"] == "allow"
    limited = machine(purposes=["sales"]).get("/gate", **asked).json()
    assert (limited["decision"], limited["code"]) == ("deny", "open_promise")


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({}, ["number", "customer"]),
        ({"number": DUPONT_MOBILE, "customer": "C-000001"}, ["number", "customer"]),
        ({"customer": "C-999999"}, ["customer"]),
        ({"customer": "C\x00"}, ["customer"]),
        ({"number": DUPONT_MOBILE, "purpose": "sale"}, ["purpose"]),
        ({"number": DUPONT_MOBILE, "campaign": "nothing"}, ["campaign"]),
        ({"number": DUPONT_MOBILE, "agent": "nobody"}, ["agent"]),
        ({"number": DUPONT_MOBILE, "reserve": "perhaps"}, ["reserve"]),
        ({"number": DUPONT_MOBILE, "lang": "es"}, ["lang"]),
        ({"number": DUPONT_MOBILE, "format": "xml"}, ["format"]),
        ({"number": DUPONT_MOBILE, "request_id": "r" * 81}, ["request_id"]),
        ({"number": DUPONT_MOBILE, "colour": "red"}, ["colour"]),
        ({"number": [DUPONT_MOBILE, PEETERS_MOBILE]}, ["number"]),
    ],
)
def test_a_wrong_question_is_refused_by_field_and_nothing_is_written(
    scene: Cast, dialer: Machine, asked: dict[str, str], fields: list[str]
) -> None:
    for answer in (dialer.get("/gate", **asked), dialer.form("/gate", **asked)):
        assert answer.status_code == 422, asked
        assert answer["Content-Type"] == "application/problem+json"
        assert [error["field"] for error in answer.json()["errors"]] == fields
        assert all(error["message"] for error in answer.json()["errors"])
    assert not GateCheck.objects.exists()


def test_a_suppliers_key_knows_its_own_people_and_campaigns(scene: Cast) -> None:
    supplier = machine(team=scene.gent)
    scene.sales.team = scene.liege
    scene.sales.save()
    assert supplier.get("/gate", number=DUPONT_MOBILE, campaign="fibre").status_code == 422
    assert supplier.get("/gate", number=DUPONT_MOBILE, agent="amina").status_code == 422
    assert supplier.get("/gate", number=DUPONT_MOBILE, agent="bram").status_code == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 100_000, b'"text"'])
def test_a_body_that_is_no_json_object_is_refused(
    scene: Cast, dialer: Machine, body: bytes
) -> None:
    answer = dialer.client.post(
        "/api/v1/gate",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {dialer.secret}"},
    )
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:kept:problem:bad_request"


def test_a_decision_stands_until_something_happens(scene: Cast, dialer: Machine) -> None:
    taken = dialer.get("/gate", number=DUPONT_MOBILE, customer="").json()
    assert scene.dupont
    taken = dialer.get("/gate", number=DUPONT_HOME).json()
    stands = dialer.get(f"/gate/decisions/{taken['decision_id']}").json()
    assert (stands["stands"], stands["decision"], stands["code"]) == (True, "allow", "ok")
    call_and_promise(scene.amina, scene.dupont)
    fallen = dialer.get(f"/gate/decisions/{taken['decision_id']}").json()
    assert (fallen["stands"], fallen["code"]) == (False, "open_promise")
    assert "promised a document" in fallen["reason"]


def test_a_decision_is_for_the_key_that_asked(scene: Cast, dialer: Machine) -> None:
    taken = dialer.get("/gate", number="+32475000001").json()
    assert machine().get(f"/gate/decisions/{taken['decision_id']}").status_code == 404


@pytest.mark.parametrize(
    "name", ["nonsense", str(uuid.UUID(int=1)), str(uuid.UUID(int=2**128 - 1))]
)
def test_an_unknown_decision_is_not_found(scene: Cast, dialer: Machine, name: str) -> None:
    answer = dialer.get(f"/gate/decisions/{name}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "error", [OperationalError("secret"), psycopg.OperationalError("secret"), ZeroDivisionError()]
)
def test_when_the_gate_fails_the_answer_is_no(
    scene: Cast, dialer: Machine, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    _break(monkeypatch, error)
    answer = dialer.get("/gate", number=DUPONT_MOBILE)
    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.json()["decision"], answer.json()["code"]) == ("deny", "unavailable")
    assert "secret" not in answer.content.decode()


def test_a_setting_opens_the_gate_that_fails_and_the_answer_says_unchecked(
    scene: Cast, dialer: Machine, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.GATE_ON_ERROR = "allow"
    _break(monkeypatch, OperationalError())
    answer = dialer.get("/gate", number="0470/12.34.56")
    assert answer.status_code == 200
    assert set(answer.json()) == MEMBERS
    assert (answer.json()["decision"], answer.json()["code"]) == ("allow", "unchecked")
    assert answer.json()["number"] == DUPONT_MOBILE
    text = dialer.get("/gate", number=DUPONT_MOBILE, format="text").content.decode()
    assert text == f"ALLOW;unchecked;{DUPONT_MOBILE};;"
    assert dialer.get("/gate", number="rubbish").json()["decision"] == "deny"
    assert dialer.get("/gate", number=DUPONT_MOBILE, purpose="sale").status_code == 422


def _break(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def broken(*args: object, **more: object) -> None:
        raise error

    monkeypatch.setattr(gate, "decide", broken)


def test_two_dialers_at_once_get_one_allow(lasting_scene: Cast) -> None:
    assert lasting_scene.dupont
    machines = [machine() for _ in range(8)]

    def ask(one: Machine) -> HttpResponse:
        try:
            return one.get("/gate", number=DUPONT_MOBILE)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(machines)) as pool:
        bodies = [answer.json() for answer in pool.map(ask, machines)]
    assert sorted(body["code"] for body in bodies) == ["leased"] * 7 + ["ok"]


def test_a_question_takes_one_exchange_with_the_database(
    lasting_scene: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lasting_scene.dupont
    plain = machine("gate:read")
    for _ in range(2):  # the first notes that the key was used, the second sees its new row
        plain.get("/gate", number=DUPONT_MOBILE, reserve="0")
    sent: list[str] = []
    rows = prepared.rows

    def overheard(statement: prepared.Statement, values: prepared.Values) -> prepared.Rows:
        sent.append(statement.name)
        return rows(statement, values)

    with monkeypatch.context() as patch, CaptureQueriesContext(connection) as asked_by_django:
        patch.setattr(prepared, "rows", overheard)
        answer = plain.get("/gate", number=DUPONT_MOBILE, reserve="0")
    assert answer.json()["decision"] == "allow"
    assert len(asked_by_django) == 0
    assert sent == ["gate_rule"]


def test_a_key_that_was_ended_is_refused_at_the_next_question(lasting_scene: Cast) -> None:
    assert lasting_scene.dupont
    plain = machine("gate:read")
    for _ in range(3):
        assert plain.get("/gate", number=DUPONT_MOBILE, reserve="0").status_code == 200
    row = ApiKey.objects.get(key_id=plain.key.key_id)
    before = GateCheck.objects.count()
    keys.revoke(key=row, by=person(lasting_scene.eva), at=START)
    assert plain.get("/gate", number=DUPONT_MOBILE, reserve="0").status_code == 401
    assert GateCheck.objects.count() == before


def test_a_key_that_runs_out_is_refused_although_its_row_never_changes(
    lasting_scene: Cast,
) -> None:
    assert lasting_scene.dupont
    plain = machine("gate:read")
    soon = clock.now() + timedelta(seconds=1.5)
    ApiKey.objects.filter(key_id=plain.key.key_id).update(expires_at=soon)
    for _ in range(2):
        assert plain.get("/gate", number=DUPONT_MOBILE, reserve="0").status_code == 200
    until(lambda: clock.now() > soon, limit=10, what="the key to run out")
    assert plain.get("/gate", number=DUPONT_MOBILE, reserve="0").status_code == 401
