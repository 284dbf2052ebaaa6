"""The door of the API: keys, scopes, problems, headers, the documents, health."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from pydantic import BaseModel
from pytest_django import Settings

from config import problems, shortcut
from crm import heartbeats, keys
from followups import gate
from followups.models import GateCheck
from tests.api.conftest import Machine, machine
from tests.cast import MINUTE, START, SYSTEM, Cast
from tests.sources import STOREYS

OPERATIONS: list[tuple[str, str, str]] = [
    ("get", "/api/v1/gate", "gate:read"),
    ("post", "/api/v1/gate", "gate:read"),
    ("get", "/api/v1/gate/decisions/0195f7a0-0000-7000-8000-000000000000", "gate:read"),
    ("post", "/api/v1/calls", "calls:write"),
    ("get", "/api/v1/promises", "promises:read"),
    ("get", "/api/v1/promises/P-XXXXXX", "promises:read"),
    ("post", "/api/v1/promises/P-XXXXXX/withdraw", "promises:write"),
    ("post", "/api/v1/promises/P-XXXXXX/renegotiate", "promises:write"),
    ("post", "/api/v1/promises/P-XXXXXX/reassign", "promises:write"),
    ("post", "/api/v1/promises/P-XXXXXX/send", "promises:write"),
    ("get", "/api/v1/customers", "customers:read"),
    ("get", "/api/v1/customers/C-000001", "customers:read"),
    ("put", "/api/v1/customers/C-000001", "customers:write"),
    ("post", "/api/v1/evidence", "evidence:write"),
    ("get", "/api/v1/ping", ""),
]


def is_problem(answer: HttpResponse, status: int, code: str) -> bool:
    body = json.loads(answer.content)
    return (
        answer.status_code == status
        and answer["Content-Type"] == "application/problem+json"
        and body["type"] == f"urn:kept:problem:{code}"
        and body["status"] == status
        and bool(body["title"])
    )


def call(method: str, path: str, **headers: str) -> HttpResponse:
    ask: Callable[..., Any] = getattr(Client(), method)
    body = {"content_type": "application/json"} if method in {"post", "put"} else {}
    return ask(path, headers=headers, **body)


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
def test_without_a_key_nothing_opens_and_nobody_is_sent_to_a_log_in(
    scene: Cast, method: str, path: str, scope: str
) -> None:
    answer = call(method, path)
    assert is_problem(answer, 401, "unauthorized")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS[:-1])
def test_a_key_without_the_scope_is_refused_and_nothing_changes(
    scene: Cast, method: str, path: str, scope: str
) -> None:
    other = machine(*(set(keys.SCOPES) - {scope}))
    answer = call(method, path, Authorization=f"Bearer {other.secret}")
    assert is_problem(answer, 403, "missing_scope")
    assert scope in answer.json()["detail"]
    assert not GateCheck.objects.exists()


def _headers(dialer: Machine) -> dict[str, str]:
    key_id = dialer.key.key_id
    return {
        "nothing": "",
        "no scheme": dialer.secret,
        "half a key": f"Bearer {dialer.secret[:-1]}",
        "another key's secret": f"Bearer kept_{key_id}_{machine().secret.split('_', 2)[2]}",
        "unknown id": f"Bearer kept_{'0' * 16}_{dialer.secret.split('_', 2)[2]}",
        "NUL": "Bearer kept_\x00_x",
        "SQL": "Bearer kept_'; DROP TABLE crm_apikey; --_x",
        "Basic rubbish": "Basic !!!",
        "Basic without key": f"Basic {base64.b64encode(key_id.encode()).decode()}",
        "Digest": f"Digest {dialer.secret}",
    }


def test_a_wrong_key_is_refused(scene: Cast, dialer: Machine) -> None:
    for name, header in _headers(dialer).items():
        assert is_problem(call("get", "/api/v1/ping", Authorization=header), 401, "unauthorized"), (
            name
        )


def test_a_key_works_as_bearer_and_as_basic(scene: Cast, dialer: Machine) -> None:
    basic = base64.b64encode(f"{dialer.key.key_id}:{dialer.secret}".encode()).decode()
    for header in (f"Bearer {dialer.secret}", f"bearer {dialer.secret}", f"Basic {basic}"):
        assert call("get", "/api/v1/ping", Authorization=header).status_code == 200


def test_an_ended_key_opens_nothing(scene: Cast) -> None:
    revoked, expired = machine(), machine(expires_at=START - MINUTE)
    keys.revoke(key=revoked.key, by=SYSTEM, at=START)
    assert is_problem(revoked.get("/ping"), 401, "unauthorized")
    assert is_problem(expired.get("/ping"), 401, "unauthorized")


def test_the_last_use_of_a_key_is_kept(scene: Cast, dialer: Machine) -> None:
    dialer.get("/ping")
    dialer.key.refresh_from_db()
    assert dialer.key.last_used_at >= START


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/", "/api/v2/gate", "/health/nothing"])
def test_what_is_not_there_is_a_problem_too(client: Client, db: None, path: str) -> None:
    assert is_problem(client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [("delete", "/api/v1/gate"), ("get", "/api/v1/calls"), ("post", "/health/live")],
)
def test_a_method_that_is_not_offered_is_a_problem_too(
    scene: Cast, dialer: Machine, method: str, path: str
) -> None:
    answer = call(method, path, Authorization=f"Bearer {dialer.secret}")
    assert is_problem(answer, 405, "method_not_allowed")
    assert answer["Allow"]


def test_a_body_that_is_too_large_is_not_read(scene: Cast, dialer: Machine) -> None:
    body = {"number": "1" * shortcut.LARGEST_BODY}
    assert is_problem(dialer.post("/gate", body), 413, "too_large")
    assert is_problem(dialer.post("/calls", body), 413, "too_large")


def test_a_body_of_unknown_length_is_not_read(client: Client, db: None) -> None:
    answer = client.post("/api/v1/calls", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")
    assert is_problem(answer, 411, "length_required")


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_is_a_problem(scene: Cast, dialer: Machine, body: bytes) -> None:
    header = {"Authorization": f"Bearer {dialer.secret}"}
    answer = dialer.client.post(
        "/api/v1/calls", body, content_type="application/json", headers=header
    )
    assert is_problem(answer, 400, "bad_request")


def test_an_unexpected_error_says_nothing_about_itself(
    scene: Cast, dialer: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break(monkeypatch, RuntimeError("the customer is Mme Dupont"))
    answer = dialer.get("/gate/decisions/0195f7a0-0000-7000-8000-000000000000")
    assert is_problem(answer, 500, "internal")
    assert b"Dupont" not in answer.content


def test_a_database_that_is_away_is_a_problem_with_a_hint_when_to_ask_again(
    scene: Cast, dialer: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break(monkeypatch, OperationalError("server closed the connection"))
    answer = dialer.get("/gate/decisions/0195f7a0-0000-7000-8000-000000000000")
    assert is_problem(answer, 503, "unavailable")
    assert answer["Retry-After"] == "5"


def _break(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def broken(*args: object, **more: object) -> None:
        raise error

    monkeypatch.setattr(gate, "still_stands", broken)


def test_every_answer_carries_the_security_headers(scene: Cast, dialer: Machine) -> None:
    for answer in (
        dialer.get("/ping"),
        call("get", "/api/v1/nothing"),
        call("get", "/health/live"),
    ):
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Cache-Control"] == "no-store"
        assert answer["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer["Referrer-Policy"] == "no-referrer"
        assert not answer.cookies


def test_a_key_over_an_open_line_is_refused_where_https_is_spoken(
    scene: Cast, dialer: Machine, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert is_problem(dialer.get("/ping"), 403, "forbidden")
    assert dialer.client.get("/health/live").status_code == 200


def test_every_problem_has_a_title_and_a_status() -> None:
    for code, (status, title) in problems.KINDS.items():
        body = problems.Problem(code).body
        assert (body["status"], body["title"]) == (status, str(title))
        assert 400 <= status < 600


# --- the documents ----------------------------------------------------------------------------


def test_the_openapi_document_names_every_operation(client: Client, db: None) -> None:
    answer = client.get("/api/v1/openapi.json")
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    offered = {
        f"{method} {path}" for path, methods in document["paths"].items() for method in methods
    }
    assert offered == {
        "get /api/v1/gate",
        "post /api/v1/gate",
        "get /api/v1/gate/decisions/{decision_id}",
        "post /api/v1/gate/batch",
        "post /api/v1/scrub",
        "get /api/v1/suppressions",
        "post /api/v1/calls",
        "get /api/v1/call-events",
        "post /api/v1/call-events",
        "get /api/v1/promises",
        "get /api/v1/promises/{reference}",
        "post /api/v1/promises/{reference}/came",
        "post /api/v1/promises/{reference}/withdraw",
        "post /api/v1/promises/{reference}/renegotiate",
        "post /api/v1/promises/{reference}/reassign",
        "post /api/v1/promises/{reference}/send",
        "get /api/v1/customers",
        "get /api/v1/customers/{reference}",
        "put /api/v1/customers/{reference}",
        "post /api/v1/evidence",
        "get /api/v1/ping",
    }
    assert {p["name"] for p in document["paths"]["/api/v1/gate"]["get"]["parameters"]} >= {
        "number",
        "customer",
        "purpose",
        "reserve",
    }


def _shapes(of: type[BaseModel] = BaseModel) -> Iterator[str]:
    for shape in of.__subclasses__():
        if ".api" in shape.__module__ and shape.__module__.startswith(STOREYS):
            yield shape.__name__
        yield from _shapes(shape)


def test_no_two_shapes_of_the_document_have_one_name() -> None:
    """Of two of a name the document shows one, and describes the other by it."""
    count = Counter(_shapes())
    count.pop("Wanted")  # queries, which the document shows field by field
    assert {"Known", "PromisePage"} <= set(count)
    assert [name for name, times in count.items() if times > 1] == []


def test_the_page_of_the_documents_asks_nobody_else(client: Client, db: None) -> None:
    answer = client.get("/api/v1/docs")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "https://" not in text
    assert "<script>" not in text
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy


# --- health -----------------------------------------------------------------------------------


def test_it_is_live_without_a_database(client: Client) -> None:
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"live": True})


def test_it_is_ready_while_every_sweep_runs(scene: Cast, client: Client) -> None:
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)


def test_it_is_not_ready_when_a_sweep_has_stopped(scene: Cast, client: Client) -> None:
    heartbeats.shift(by=-60 * MINUTE)
    answer = client.get("/health/ready")
    assert is_problem(answer, 503, "unavailable")
    assert "settle" in answer.json()["late"]
