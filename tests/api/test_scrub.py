"""Whole lists over HTTP: the answers of the gate, in order; and lists that are refused in words."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse

from followups.models import GateCheck, Lease, ScrubRun
from tests.api.conftest import Machine, machine
from tests.cast import DUPONT_HOME, DUPONT_MOBILE, PEETERS_MOBILE, Cast, call_and_promise
from tests.races import Thread

LIST = f"name;phone\nÉ;{DUPONT_HOME}\nJ;{PEETERS_MOBILE}\nX;none\nY;0499 00 00 01\n"


def send(dialer: Machine, body: bytes | str = LIST, kind: str = "text/csv", **how: Any) -> Any:
    query = "&".join(f"{name}={value}" for name, value in how.items())
    return dialer.client.post(
        f"/api/v1/scrub?{query}",
        body.encode() if isinstance(body, str) else body,
        content_type=kind,
        headers={"Authorization": f"Bearer {dialer.secret}"},
    )


def lines(answer: Any) -> list[str]:
    text: str = answer.getvalue().decode()
    return re.sub(r"[0-9a-f-]{36}", "ID", text).splitlines()


def faults(answer: HttpResponse) -> str:
    return " ".join(fault["message"] for fault in answer.json()["errors"])


def test_a_list_comes_back_with_answers(scene: Cast, dialer: Machine) -> None:
    call_and_promise(scene.amina, scene.dupont)
    assert scene.peeters
    answer = send(dialer)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv"
    assert lines(answer) == [
        "name;phone;decision;code;not_before;scrub_id",
        f"É;{DUPONT_HOME};deny;open_promise;;ID",
        f"J;{PEETERS_MOBILE};allow;ok;;ID",
        "X;none;deny;number_invalid;;ID",
        "Y;0499 00 00 01;allow;unknown_number;;ID",
    ]
    run = ScrubRun.objects.get(pk=answer["Kept-Scrub-Id"])
    assert (run.by, run.rows_read, run.rows_denied) == (f"key:{dialer.key.key_id}", 4, 2)
    assert (answer["Kept-Rows"], answer["Kept-Denied"], answer["Kept-Unreadable"]) == (
        "4",
        "2",
        "0",
    )
    assert answer["Cache-Control"] == "no-store"


def test_column_and_drop_are_parameters(scene: Cast, dialer: Machine) -> None:
    assert scene.dupont and scene.peeters
    body = f"a|b\n{DUPONT_HOME}|{PEETERS_MOBILE}\n{DUPONT_HOME}|x\n"
    answer = send(dialer, body, column="2", header="1", delimiter="|", drop="1")
    assert lines(answer)[1:] == [f"{DUPONT_HOME}|{PEETERS_MOBILE}|allow|ok||ID"]


@pytest.mark.parametrize(
    ("body", "how", "said"),
    [
        ("", {}, "The list is empty."),
        ("a;b\n1;2\n", {}, "No column holds telephone numbers"),
        (LIST, {"column": "fax"}, "The first line has: name, phone."),
        (LIST.encode("utf-16"), {}, "UTF-16"),
        (LIST, {"colum": "phone"}, "not known"),
        (LIST, {"purpose": "fun"}, "Input should be"),
        (LIST, {"campaign": "none-such"}, "There is no such campaign."),
    ],
)
def test_what_cannot_be_read_is_said_in_words(
    scene: Cast, dialer: Machine, body: str, how: dict[str, str], said: str
) -> None:
    answer = send(dialer, body, **how)
    assert answer.status_code == 422
    assert said in faults(answer)
    assert not ScrubRun.objects.exists()


def test_a_form_is_no_list(scene: Cast, dialer: Machine) -> None:
    assert send(dialer, kind="application/x-www-form-urlencoded").status_code == 415


def test_a_list_may_be_larger_than_other_bodies(scene: Cast, dialer: Machine) -> None:
    answer = send(dialer, "phone\n" + f"{DUPONT_HOME}\n" * 120_000)
    assert (answer.status_code, answer["Kept-Rows"]) == (200, "120000")
    assert int(answer["Content-Length"]) == len(answer.getvalue()) > 1024 * 1024


def test_a_list_that_was_cut_off_is_refused(scene: Cast, dialer: Machine) -> None:
    answer = dialer.client.generic(
        "POST",
        "/api/v1/scrub",
        LIST.encode(),
        content_type="text/csv",
        headers={"Authorization": f"Bearer {dialer.secret}"},
        CONTENT_LENGTH=str(len(LIST.encode()) + 10),
        **{"wsgi.input": io.BytesIO(LIST.encode())},
    )
    assert answer.status_code == 400


def test_it_needs_the_scope(scene: Cast) -> None:
    assert send(machine("calls:write")).status_code == 403
    assert machine("calls:write").post("/gate/batch", {"numbers": []}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_one_list_at_a_time(lasting_scene: Cast) -> None:
    dialer = machine()
    assert send(dialer).status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext('scrub'), 1)")
        try:
            answer = Thread(lambda: send(dialer)).answer()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('scrub'), 1)")
    assert (answer.status_code, answer["Retry-After"]) == (503, "15")
    assert "Another list" in answer.json()["detail"]
    assert send(dialer).status_code == 200


def test_a_batch_is_answered_in_its_order(scene: Cast, dialer: Machine) -> None:
    call_and_promise(scene.amina, scene.dupont)
    assert scene.peeters
    asked = ["none", "04 222 33 44", PEETERS_MOBILE, DUPONT_MOBILE, "0499000001", "none"]
    answer = dialer.post("/gate/batch", {"numbers": asked})
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"scrub_id", "checked_at", "answers"}
    assert [(a["number"], a["decision"], a["code"], a["not_before"]) for a in body["answers"]] == [
        (None, "deny", "number_invalid", None),
        (DUPONT_HOME, "deny", "open_promise", None),
        (PEETERS_MOBILE, "allow", "ok", None),
        (DUPONT_MOBILE, "deny", "open_promise", None),
        ("+32499000001", "allow", "unknown_number", None),
        (None, "deny", "number_invalid", None),
    ]
    run = ScrubRun.objects.get(pk=body["scrub_id"])
    assert (run.kind, run.rows_read, run.rows_denied) == ("batch", 6, 4)
    assert not GateCheck.objects.exists() and not Lease.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"numbers": "0470123456"},
        {"numbers": [470123456]},
        {"numbers": ["1"] * 10_001},
        {"numbers": ["1" * 251]},
        {"numbers": [], "purpose": "fun"},
        {"numbers": [], "numbrs": []},
        {"numbers": ["\x00"]},
    ],
)
def test_a_batch_that_cannot_be_read_is_refused(
    scene: Cast, dialer: Machine, body: dict[str, Any]
) -> None:
    assert dialer.post("/gate/batch", body).status_code == 422


def test_ten_thousand_numbers_fit_in_a_batch(scene: Cast, dialer: Machine) -> None:
    answer = dialer.post("/gate/batch", {"numbers": [DUPONT_MOBILE] * 10_000})
    assert {a["code"] for a in answer.json()["answers"]} == {"unknown_number"}
