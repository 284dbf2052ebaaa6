"""Prepared statements: what arrives, what is kept, what is undone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import DataError, OperationalError, connection, transaction

from config import prepared
from config.prepared import Statement
from crm.models import Team

ECHO = Statement(
    "test_echo",
    "SELECT %(text)s::text, %(number)s::bigint, %(yes)s::boolean, %(nothing)s::text,"
    " %(bytes)s::bytea, %(at)s::timestamptz, %(gap)s::interval, %(ids)s::bigint[],"
    " %(text)s::text",
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


def test_outside_a_transaction_each_call_is_one_of_its_own(line: None) -> None:
    prepared.rows(FOUND, {"slug": "a"})
    with pytest.raises(DataError):
        prepared.rows(FOUND, {"slug": "much too long" * 9})
    assert prepared.rows(TEAMS, {}) == [("a",)]
    assert connection.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_within_a_transaction_of_djangos_it_is_part_of_that_one(line: None) -> None:
    with pytest.raises(ValueError), transaction.atomic():
        prepared.rows(FOUND, {"slug": "a"})
        assert Team.objects.count() == 1
        raise ValueError
    assert Team.objects.count() == 0


@pytest.mark.parametrize(
    ("value", "error"), [("a\0b", ValueError), (1.5, TypeError), (["a"], TypeError)]
)
def test_what_cannot_travel_is_refused(line: None, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        prepared.rows(FOUND, {"slug": value})
    assert Team.objects.count() == 0


def test_a_line_that_was_cut_is_told_and_the_next_one_works(line: None) -> None:
    assert prepared.rows(TEAMS, {}) == []
    with psycopg.connect(**_elsewhere()) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    with pytest.raises(OperationalError):
        prepared.rows(TEAMS, {})
    connection.close_if_unusable_or_obsolete()
    assert prepared.rows(TEAMS, {}) == []


def test_what_was_prepared_after_all_was_discarded_is_not_lost_with_the_rest(line: None) -> None:
    assert prepared.rows(TEAMS, {}) == []
    connection.connection.execute("DEALLOCATE ALL")
    assert prepared.rows(ECHO, VALUES)  # prepared while the other is believed to be
    assert prepared.rows(TEAMS, {}) == []  # found out, and everything is forgotten
    for _again in range(2):
        assert prepared.rows(ECHO, VALUES), "the server has it still"


@pytest.mark.parametrize("words", ["DISCARD ALL", "DEALLOCATE ALL"])
def test_statements_that_were_discarded_are_prepared_anew(line: None, words: str) -> None:
    assert prepared.rows(TEAMS, {}) == []
    with connection.cursor() as cursor:
        cursor.execute(words)
    assert prepared.rows(TEAMS, {}) == []


def test_a_rollback_after_which_the_driver_discards_its_own_is_not_noticed(line: None) -> None:
    prepared.rows(ECHO, VALUES)
    for _ in range(5):  # the driver prepares what comes often
        Team.objects.count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Team.objects.count()
        raise ZeroDivisionError
    assert len(prepared.rows(ECHO, VALUES)) == 1


def test_within_a_transaction_every_value_arrives_too(line: None) -> None:
    with transaction.atomic():
        (row,) = prepared.rows(ECHO, VALUES)
    assert [*row] == [*VALUES.values(), VALUES["text"]]


def test_who_waits_too_long_for_a_lock_is_told(line: None) -> None:
    prepared.rows(TEAMS, {})
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    hold = Statement("test_hold", "SELECT pg_advisory_xact_lock(77)")
    with psycopg.connect(**_elsewhere()) as other:
        other.execute("SELECT pg_advisory_xact_lock(77)")
        with pytest.raises(OperationalError):
            prepared.rows(hold, {})
    prepared.rows(hold, {})


def _elsewhere() -> dict[str, Any]:
    given = connection.get_connection_params()
    return {k: v for k, v in given.items() if k in {"dbname", "host", "port", "user", "password"}}
