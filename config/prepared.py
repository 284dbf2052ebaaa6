"""Prepared statements for the few requests that come all the time: one exchange, planned once.

The driver's cursor looks at each value in Python; at the gate that takes longer than the answer.
Here a statement is prepared once for each connection, and its values travel as they are: each call
is a transaction of its own. Within a transaction nothing is prepared, because an error there
could not be undone.

Needs a connection that stays with its server: behind PgBouncer, session pooling.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

Values = Mapping[str, Any]
Rows = list[tuple[Any, ...]]
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
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
        """In SQL's own words: the values become $1, $2, …"""
        numbered = PLACEHOLDER.sub(lambda found: f"${self.order.index(found[1]) + 1}", self.text)
        return numbered.encode()


class _Reader(threading.local):
    """Reads values by the driver's own loaders; Django's loader of instants is written in Python.

    Both give instants in UTC. One for each thread, because it remembers how each type is read.
    """

    def __init__(self) -> None:
        self.transformer = Transformer()


READER = _Reader()


class Ready(bytes):
    """A value as it travels already: for what is the same in many questions."""

    @classmethod
    def of(cls, value: Any) -> Ready | None:
        wire = _wire(value)
        return None if wire is None else cls(wire)


def _wire(value: Any) -> bytes | None:
    """A value as text; the server knows each parameter's type. TypeError for what we never send."""
    match value:
        case None | Ready():
            return value
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
        if line.autocommit:
            result = _alone(line, statement, given)
        else:
            result = _as_a_part(line, statement, given)
    READER.transformer.set_pgresult(result)
    return READER.transformer.load_rows(0, result.ntuples, tuple)


def _as_a_part(line: psycopg.Connection, statement: Statement, given: list[Any]) -> PGresult:
    if line.info.transaction_status == TransactionStatus.IDLE:
        _checked(line, line.pgconn.exec_(b"BEGIN"))
    return _checked(line, line.pgconn.exec_params(statement.source, given))


def _alone(line: psycopg.Connection, statement: Statement, given: list[Any]) -> PGresult:
    name = statement.name.encode()
    if statement.name in READY.setdefault(line, set()):
        try:
            return _checked(line, line.pgconn.exec_prepared(name, given))
        except psycopg.errors.InvalidSqlStatementName:
            # After a rollback the driver discards all that is prepared, ours as well. Of the
            # others each finds out by itself: what was prepared since then is still there.
            READY[line].discard(statement.name)
    _checked(line, line.pgconn.prepare(name, statement.source))
    READY[line].add(statement.name)
    return _checked(line, line.pgconn.exec_prepared(name, given))


def _checked(line: psycopg.Connection, result: PGresult) -> PGresult:
    if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        return result
    if line.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError("the connection to the database was lost")
    raise psycopg.errors.error_from_result(result, encoding="utf-8")
