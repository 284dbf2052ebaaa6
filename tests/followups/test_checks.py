"""What the gate answered: by month, found by its id, and never changed."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from followups import checks
from followups.checks import Check
from tests.cast import DAY, START

pytestmark = pytest.mark.django_db

CHECK = Check(
    at=START,
    by="key:test",
    agent_id=None,
    customer_ids=[1],
    number_hash=b"x" * 16,
    purpose="sales",
    campaign_id=None,
    decision="deny",
    code="open_promise",
    codes=["open_promise"],
    reserve=True,
    request_id="",
    policy="none@1",
    valid_until_at=START,
    answer={"blocks": []},
)


def written(at: datetime, **more: object) -> uuid.UUID:
    decision_id = checks.new_id(at)
    check = dataclasses.replace(CHECK, at=at, **more)  # type: ignore[arg-type]
    checks.write(decision_id=decision_id, check=check, durable=False)
    return decision_id


def table_of(decision_id: uuid.UUID) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM followups_gatecheck WHERE id = %s", [decision_id]
        )
        return str(cursor.fetchone()[0])


@pytest.fixture
def no_partitions(db: None) -> Iterator[None]:
    """Only the rest, as after the first migration."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'followups_gatecheck'::regclass"
        )
        for (name,) in cursor.fetchall():
            if name != "followups_gatecheck_rest":
                cursor.execute(f"DROP TABLE {name}")
    yield


@given(st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_id_carries_its_instant_to_the_millisecond(at: datetime) -> None:
    decision_id = checks.new_id(at)
    assert decision_id.version == 7 and decision_id.variant == uuid.RFC_4122
    assert abs(checks.instant_of(decision_id) - at) <= checks.SLACK


def test_ids_of_the_same_instant_differ() -> None:
    assert len({checks.new_id(START) for _ in range(100)}) == 100


def test_a_decision_is_found_by_its_id(no_partitions: None) -> None:
    checks.keep_partitions(at=START)
    decision_id = written(START, answer={"blocks": [{"code": "x"}]})
    row = checks.find(decision_id)
    assert row and (row["id"], row["at"], row["answer"]) == (
        decision_id,
        START,
        {"blocks": [{"code": "x"}]},
    )
    assert checks.find(checks.new_id(START)) is None
    assert checks.find(uuid.UUID(int=(1 << 128) - 1)) is None


def test_this_month_and_the_next_two_are_ready(no_partitions: None) -> None:
    assert checks.keep_partitions(at=START) == 3
    assert checks.keep_partitions(at=START) == 0
    assert checks.keep_partitions(at=START + 31 * DAY) == 1
    assert table_of(written(START)) == "followups_gatecheck_2026_03"
    assert table_of(written(START + 31 * DAY)) == "followups_gatecheck_2026_04"


def test_the_turn_of_the_year_is_a_month_like_any_other(no_partitions: None) -> None:
    december = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    assert checks.keep_partitions(at=december) == 3
    assert table_of(written(december)) == "followups_gatecheck_2026_12"
    assert table_of(written(december + timedelta(minutes=1))) == "followups_gatecheck_2027_01"


def test_what_had_no_month_moves_out_of_the_rest(no_partitions: None) -> None:
    early, later = written(START), written(START + 150 * DAY)
    assert table_of(early) == table_of(later) == "followups_gatecheck_rest"
    checks.keep_partitions(at=START)
    assert table_of(early) == "followups_gatecheck_2026_03"
    assert table_of(later) == "followups_gatecheck_rest"
    assert checks.find(early) and checks.find(later)


@pytest.mark.parametrize("ready", [True, False])
@pytest.mark.parametrize("statement", ["UPDATE {} SET decision = 'allow'", "DELETE FROM {}"])
@pytest.mark.parametrize("through", ["followups_gatecheck", "its own table"])
def test_an_answer_stays_as_it_was_given(
    no_partitions: None, ready: bool, statement: str, through: str
) -> None:
    if ready:
        checks.keep_partitions(at=START)
    decision_id = written(START)
    table = table_of(decision_id) if through == "its own table" else through
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(table))
    found = checks.find(decision_id)
    assert found and found["decision"] == "deny"


def test_the_rest_is_guarded_again_after_a_move(no_partitions: None) -> None:
    written(START)
    checks.keep_partitions(at=START)
    written(START + 150 * DAY)
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("DELETE FROM followups_gatecheck_rest")


def test_a_request_is_found_by_its_actor_within_the_time(no_partitions: None) -> None:
    decision_id = written(START, request_id="r", by="key:a")
    ask = checks.of_request
    found = ask(by="key:a", request_id="r", since=START)
    assert found and found["id"] == decision_id
    assert ask(by="key:b", request_id="r", since=START) is None
    assert ask(by="key:a", request_id="r", since=START + DAY) is None
    written(START, request_id="", by="key:a")
    assert ask(by="key:a", request_id="", since=START) is None
