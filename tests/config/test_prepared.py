"""Prepared statements and short transactions: what arrives, what is kept, what is undone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import DataError, OperationalError, ProgrammingError, connection, transaction

from config import prepared
from config.prepared import Statement
from crm.models import Team

ECHO = Statement(
    "test_echo",
    "SELECT %(text)s::text, %(number)s::bigint, %(yes)s::boolean, %(nothing)s::text,"
    " %(bytes)s::bytea, %(at)s::timestamptz, %(gap)s::interval, %(ids)s::bigint[],"
    " %(words)s::text[], %(id)s::uuid, %(text)s::text",
)
VALUES: dict[str, Any] = {
    "text": "O'Neil\\'; DROP TABLE crm_team; -- é €",
    "number": -7,
    "yes": True,
    "nothing": None,
    "bytes": b"\x00'\\\xff",
    "at": datetime(2026, 3, 2, 8, 0, 0, 5, tzinfo=UTC),
    "gap": timedelta(hours=4, microseconds=1),
    "ids": [3, 1, 2],
    "words": ["a", 'b"', "c,{}", "d'"],
    "id": uuid.UUID(int=5),
}
FOUND = Statement(
    "test_found",
    "INSERT INTO crm_team (slug, name, calendar) VALUES (%(slug)s, %(slug)s, '{}')",
)
TEAMS = Statement("test_teams", "SELECT slug FROM crm_team ORDER BY slug")
BROKEN = Statement("test_broken", "SELECT 1 / %(zero)s::int")


@pytest.fixture
def line(transactional_db: None) -> Iterator[None]:
    """A connection of this test's own, outside any transaction."""
    connection.close()
    yield
    connection.close()


def test_every_value_arrives_as_it_was(line: None) -> None:
    (row,) = prepared.rows(ECHO, VALUES)
    assert list(row) == [*VALUES.values(), VALUES["text"]]


def test_writes_wait_for_the_end_and_are_kept_together(line: None) -> None:
    with prepared.transaction():
        assert prepared.rows(TEAMS, {}) == []
        prepared.run(FOUND, {"slug": "a"})
        prepared.run(FOUND, {"slug": "b"})
        assert prepared.rows(TEAMS, {}) == [("a",), ("b",)]
        prepared.run(FOUND, {"slug": "c"})
        prepared.may_lag()
    assert Team.objects.count() == 3
    assert _status() == psycopg.pq.TransactionStatus.IDLE


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_whatever_is_raised_undoes_everything(line: None, error: type[BaseException]) -> None:
    with pytest.raises(error), prepared.transaction():
        prepared.run(FOUND, {"slug": "a"})
        prepared.rows(TEAMS, {})
        raise error
    assert Team.objects.count() == 0
    assert _status() == psycopg.pq.TransactionStatus.IDLE


def test_a_statement_that_fails_undoes_everything(line: None) -> None:
    for _again in range(2):
        with pytest.raises(DataError), prepared.transaction():
            prepared.run(FOUND, {"slug": "a"})
            prepared.rows(BROKEN, {"zero": 0})
        assert Team.objects.count() == 0


def test_a_write_that_fails_at_the_end_is_told(line: None) -> None:
    with pytest.raises(DataError), prepared.transaction():
        prepared.run(FOUND, {"slug": "a"})
        prepared.run(FOUND, {"slug": "much too long" * 9})
    assert Team.objects.count() == 0
    with transaction.atomic():
        Team.objects.create(slug="d", name="d", calendar={})


def test_within_a_transaction_of_djangos_it_is_part_of_that_one(line: None) -> None:
    with pytest.raises(ValueError), transaction.atomic():
        with prepared.transaction():
            prepared.run(FOUND, {"slug": "a"})
        assert Team.objects.count() == 1
        raise ValueError
    assert Team.objects.count() == 0


def test_djangos_own_transactions_are_refused_within_it(line: None) -> None:
    with pytest.raises(ProgrammingError), prepared.transaction():
        prepared.rows(TEAMS, {})
        with transaction.atomic():
            Team.objects.create(slug="a", name="a", calendar={})
    assert Team.objects.count() == 0


def test_a_line_that_was_cut_is_told_and_the_next_one_works(line: None) -> None:
    assert prepared.rows(TEAMS, {}) == []
    with psycopg.connect(**_elsewhere()) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    with pytest.raises(OperationalError), prepared.transaction():
        prepared.rows(TEAMS, {})
    connection.close_if_unusable_or_obsolete()
    assert prepared.rows(TEAMS, {}) == []


def test_statements_that_were_discarded_are_prepared_anew(line: None) -> None:
    assert prepared.rows(TEAMS, {}) == []
    with connection.cursor() as cursor:
        cursor.execute("DISCARD ALL")
    with pytest.raises(ProgrammingError):
        prepared.rows(TEAMS, {})
    assert prepared.rows(TEAMS, {}) == []


def test_who_waits_too_long_for_a_lock_is_told(line: None) -> None:
    prepared.rows(TEAMS, {})
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    hold = Statement("test_hold", "SELECT pg_advisory_xact_lock(77)")
    with psycopg.connect(**_elsewhere()) as other:
        other.execute("SELECT pg_advisory_xact_lock(77)")
        with pytest.raises(OperationalError), prepared.transaction():
            prepared.rows(hold, {})
    with prepared.transaction():
        prepared.rows(hold, {})


def _elsewhere() -> dict[str, Any]:
    given = connection.get_connection_params()
    return {k: v for k, v in given.items() if k in {"dbname", "host", "port", "user", "password"}}


def _status() -> psycopg.pq.TransactionStatus:
    return connection.connection.info.transaction_status
