"""Prepared statements for the few requests that come all the time: one exchange, planned once.

Django plans each statement anew, and its cursor looks at each value in Python. At the gate,
planning takes longer than running. Here a statement is planned once for each connection, and its
values travel as they are. Outside a transaction each call is one of its own.

Needs a connection that stays with its server: behind PgBouncer, session pooling.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.adapt import AdaptersMap, Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

Values = Mapping[str, Any]
Rows = list[tuple[Any, ...]]
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
# One plan for all values. And whoever holds a lock for longer than this has an accident: the
# caller is told so instead of waiting.
SESSION = b"SET plan_cache_mode = force_generic_plan; SET lock_timeout = '3s'"
READY: WeakKeyDictionary[psycopg.Connection, set[str]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Statement:
    """A statement with `%(named)s` values; the name is its own in the whole house."""

    name: str
    text: str
    order: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        order = tuple(dict.fromkeys(PLACEHOLDER.findall(self.text)))
        object.__setattr__(self, "order", order)

    @property
    def source(self) -> bytes:
        """PREPARE, in SQL's own words: the values become $1, $2, …"""
        text = PLACEHOLDER.sub(lambda found: f"${self.order.index(found[1]) + 1}", self.text)
        return f"PREPARE {self.name} AS {text}".encode()


def _wire(value: Any) -> bytes | None:
    """A value as text; the server knows each parameter's type. TypeError for what we never send."""
    match value:
        case None:
            return None
        case str():
            if "\0" in value:  # the wire would end the text there
                raise ValueError("a text with NUL cannot be sent")
            return value.encode()
        case bool():
            return b"t" if value else b"f"
        case int():
            return b"%d" % value
        case bytes():
            return b"\\x" + value.hex().encode()
        case datetime():
            return value.isoformat().encode()
        case timedelta():
            return f"{value.total_seconds()} s".encode()
        case list():
            return b"{" + b",".join(b"%d" % number for number in value) + b"}"
    raise TypeError(f"cannot send a {type(value).__name__}")


def rows(statement: Statement, values: Values) -> Rows:
    """Runs one statement in one exchange and returns its rows."""
    django = connections[DEFAULT_DB_ALIAS]
    django.ensure_connection()
    line: psycopg.Connection = django.connection
    # The driver takes None for NULL; its types do not say so.
    given: list[Any] = [_wire(values[name]) for name in statement.order]
    with django.wrap_database_errors, line.lock:
        if statement.name not in READY.setdefault(line, set()):
            _prepare(line, statement)
        if not line.autocommit and line.info.transaction_status == TransactionStatus.IDLE:
            line.pgconn.exec_(b"BEGIN")
        result = line.pgconn.exec_prepared(statement.name.encode(), given)
        if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise _error(line, result)
    loader = Transformer(_Plain(line))
    loader.set_pgresult(result)
    return loader.load_rows(0, result.ntuples, tuple)


def _error(line: psycopg.Connection, result: PGresult) -> psycopg.Error:
    if line.pgconn.status == ConnStatus.BAD:
        return psycopg.OperationalError("the connection to the database was lost")
    error = psycopg.errors.error_from_result(result, encoding="utf-8")
    if isinstance(error, psycopg.errors.InvalidSqlStatementName):
        READY.pop(line, None)  # somebody discarded them: prepared anew next time
    return error


@dataclass(frozen=True)
class _Plain:
    """Reads values by the driver's own loaders; Django's loader of instants is written in Python.

    Both give instants in the connection's zone, which is UTC.
    """

    connection: psycopg.Connection
    adapters: ClassVar[AdaptersMap] = psycopg.adapters


def _prepare(line: psycopg.Connection, statement: Statement) -> None:
    for words in (SESSION, statement.source):
        result = line.pgconn.exec_(words)
        if result.status != ExecStatus.COMMAND_OK:
            raise _error(line, result)
    READY[line].add(statement.name)
