"""What the gate answered: by month, found by its id, and never changed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from followups import checks, rulings
from followups.rulings import Asked
from tests.cast import DAY, START

pytestmark = pytest.mark.django_db

ASKED = Asked(
    number="",
    ids=[],
    purpose="sales",
    policy="none",
    by="key:test",
    holder="key:test",
    given="number_invalid",
)


def written(at: datetime) -> uuid.UUID:
    decision_id = rulings.rule(ASKED, at=at).id
    assert decision_id
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


@pytest.mark.parametrize(
    "at",
    [
        datetime(2000, 1, 1, tzinfo=UTC),
        datetime(2026, 3, 2, 8, 0, 0, 999999, tzinfo=UTC),
        datetime(2199, 12, 31, 23, 59, 59, 999500, tzinfo=UTC),
    ],
)
def test_an_id_carries_its_instant_to_the_millisecond(no_partitions: None, at: datetime) -> None:
    decision_id = written(at)
    assert decision_id.version == 7 and decision_id.variant == uuid.RFC_4122
    assert abs(checks.instant_of(decision_id) - at) <= checks.SLACK


def test_ids_of_the_same_instant_differ(no_partitions: None) -> None:
    assert len({written(START) for _ in range(100)}) == 100


def test_a_decision_is_found_by_its_id(no_partitions: None) -> None:
    checks.keep_partitions(at=START)
    decision_id = written(START)
    row = checks.find(decision_id)
    assert row and (row["id"], row["at"], row["answer"]) == (
        decision_id,
        START,
        {"blocks": [{"code": "number_invalid", "since": None, "until": None, "promise": None}]},
    )
    assert checks.find(uuid.UUID(int=decision_id.int ^ 1)) is None
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
