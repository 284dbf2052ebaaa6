"""The feed over HTTP: three forms, one cursor."""

from __future__ import annotations

import csv
import io
import json

import pytest

from crm import suppressions
from tests.api.conftest import Machine, machine
from tests.cast import PEETERS_MOBILE, START, SYSTEM, Cast


@pytest.fixture
def blocked(scene: Cast) -> str:
    """When Dhr. Peeters may be called again."""
    row = suppressions.add(
        customer=scene.peeters, kind="complaint", origin="call", by=SYSTEM, at=START
    )
    assert row.until_at
    return row.until_at.isoformat()


def line(ends: str) -> dict[str, str]:
    return {
        "number": PEETERS_MOBILE,
        "state": "blocked",
        "code": "suppressed",
        "not_before": ends,
        "expires_at": ends,
    }


def test_the_whole_list_comes_first_as_json(blocked: str, dialer: Machine) -> None:
    body = dialer.get("/suppressions").json()
    assert set(body) == {"items", "next", "more", "safe", "as_of"}
    assert (body["items"], body["more"], body["safe"]) == ([line(blocked)], True, True)
    following = dialer.get("/suppressions", since=body["next"], limit=5).json()
    assert (following["items"], following["more"]) == ([], False)


def test_lines_and_tables_carry_the_cursor_in_their_headers(blocked: str, dialer: Machine) -> None:
    lines = dialer.get("/suppressions", format="ndjson")
    assert [json.loads(text) for text in lines.content.splitlines()] == [line(blocked)]
    table = dialer.get("/suppressions", format="csv")
    assert list(csv.DictReader(io.StringIO(table.content.decode()))) == [line(blocked)]
    for answer in (lines, table):
        assert (answer["Kept-More"], answer["Kept-Safe"]) == ("1", "1")
        assert dialer.get("/suppressions", since=answer["Kept-Next"]).status_code == 200


@pytest.mark.parametrize(
    "query", [{"since": "elsewhere"}, {"limit": 0}, {"limit": 10_001}, {"format": "xml"}, {"x": 1}]
)
def test_what_is_not_understood_is_refused(
    scene: Cast, dialer: Machine, query: dict[str, object]
) -> None:
    assert dialer.get("/suppressions", **query).status_code == 422


def test_it_needs_a_scope_of_its_own(scene: Cast) -> None:
    assert machine("gate:read").get("/suppressions").status_code == 403
    assert machine("feed:read").get("/suppressions").status_code == 200
