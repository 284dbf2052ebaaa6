"""Prepared statements on Django's connection, for the few that run at every call.

Django binds on the client and plans each statement anew. The gate's facts take the planner longer
than they take the executor, so they are prepared once for each connection. Needs a connection
that stays with its server: behind PgBouncer, session pooling or its own prepared statements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from django.db import connection

Values = Sequence[Any] | Mapping[str, Any]
Rows = list[tuple[Any, ...]]


def rows(statement: str, values: Values) -> Rows:
    """Runs a prepared statement in the current transaction and returns its rows."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return _ask(statement, values).fetchall()


def run(statement: str, values: Values) -> None:
    """Runs a prepared statement that returns nothing."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        _ask(statement, values)


def together(statements: Sequence[str], values: Values) -> list[Rows]:
    """Several statements in one round trip; each sees what was committed before it began."""
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        asked = [_ask(statement, values) for statement in statements]
        return [cursor.fetchall() for cursor in asked]


def _ask(statement: str, values: Values) -> psycopg.Cursor:
    cursor = psycopg.Cursor(connection.connection)
    return cursor.execute(statement.encode(), values, prepare=True)
