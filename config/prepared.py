"""Prepared statements and short transactions, for the few requests that come all the time.

Django plans each statement anew and says BEGIN and COMMIT by themselves. At the gate, planning
takes longer than running, and waiting for the line longer than both. Here a statement is planned
once for each connection, and several travel together: BEGIN with the first, COMMIT with the last.

Needs a connection that stays with its server: behind PgBouncer, session pooling.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg import abc, generators
from psycopg.adapt import AdaptersMap, Transformer
from psycopg.pq import ExecStatus, TransactionStatus

Values = Mapping[str, Any]
Rows = list[tuple[Any, ...]]
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
LAG = b"SET LOCAL synchronous_commit = off"
# One plan for all values. And whoever holds a lock for longer than this has an accident: the
# caller is told so instead of waiting.
SESSION = b"SET plan_cache_mode = force_generic_plan; SET lock_timeout = '3s'"
# The statement knows the type of each value, so that these need no cast.
PLAIN: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: "NULL",
    bool: str,
    int: str,
    UUID: lambda value: f"'{value}'",
    datetime: lambda value: f"'{value.isoformat()}'",
}


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

    def call(self, values: Values, literals: abc.Transformer) -> bytes:
        if not self.order:
            return f"EXECUTE {self.name}".encode()
        given = b", ".join([_literal(values[name], literals) for name in self.order])
        return b"EXECUTE %s (%s)" % (self.name.encode(), given)


def _literal(value: Any, literals: abc.Transformer) -> bytes:
    plain = PLAIN.get(type(value))
    return plain(value).encode() if plain else bytes(literals.as_literal(value))


@dataclass
class Talk:
    """A short transaction: whether it has begun, and what is to be sent with the next words."""

    begun: bool = False
    may_lag: bool = False
    waiting: list[tuple[Statement, Values]] = field(default_factory=list)


TALK: ContextVar[Talk | None] = ContextVar("talk", default=None)
READY: WeakKeyDictionary[psycopg.Connection, set[str]] = WeakKeyDictionary()


@contextmanager
def transaction() -> Iterator[None]:
    """A transaction in few round trips: all reads through `together`, all writes through `run`.

    Inside a transaction of Django's it is part of that one. Within it the driver refuses
    Django's own transactions, so what needs `atomic` belongs outside.
    """
    if connection.in_atomic_block or TALK.get():
        yield
        return
    talk = Talk()
    token = TALK.set(talk)
    try:
        yield
        if talk.begun or talk.waiting:
            _send([], end=[LAG, b"COMMIT"] if talk.may_lag else [b"COMMIT"])
    except BaseException:
        _roll_back()
        raise
    finally:
        TALK.reset(token)


def rows(statement: Statement, values: Values) -> Rows:
    """Runs one statement and returns its rows."""
    return together([statement], values)[0]


def together(statements: Sequence[Statement], values: Values) -> list[Rows]:
    """Several queries in one round trip; each sees what was committed before it began."""
    return _send([(statement, values) for statement in statements])[-len(statements) :]


def run(statement: Statement, values: Values) -> None:
    """Writes; in a short transaction together with what is said next, at the latest COMMIT."""
    talk = TALK.get()
    if talk:
        talk.waiting.append((statement, values))
    else:
        _send([(statement, values)])


def may_lag() -> None:
    """Losing this transaction in a crash would harm nobody: COMMIT need not wait for the disk."""
    talk = TALK.get()
    if talk:
        talk.may_lag = True


def _send(asked: list[tuple[Statement, Values]], end: Sequence[bytes] = ()) -> list[Rows]:
    django = connections[DEFAULT_DB_ALIAS]
    django.ensure_connection()
    line: psycopg.Connection = django.connection
    talk = TALK.get()
    begin: list[bytes] = []
    if talk:
        asked = talk.waiting + asked
        talk.waiting = []
    with django.wrap_database_errors:
        _prepare(line, [statement for statement, _ in asked])
        if talk:
            begin, talk.begun = ([] if talk.begun else [b"BEGIN"]), True
        elif not line.autocommit and line.info.transaction_status == TransactionStatus.IDLE:
            begin = [b"BEGIN"]
        literals = Transformer(line)
        calls = [statement.call(values, literals) for statement, values in asked]
        return _exchange(line, b"; ".join([*begin, *calls, *end]))


def _exchange(line: psycopg.Connection, words: bytes) -> list[Rows]:
    """One round trip; the rows of each statement that has any (writes and BEGIN have none).

    Without a cursor, which looks at each result in Python: that costs more than the exchange.
    """
    with line.lock:
        line.pgconn.send_query(words)
        results = line.wait(generators.execute(line.pgconn))
    loader = Transformer(_Plain(line))
    found = []
    for result in results:
        if result.status == ExecStatus.TUPLES_OK:
            loader.set_pgresult(result)
            found.append(loader.load_rows(0, result.ntuples, tuple))
        elif result.status != ExecStatus.COMMAND_OK:
            error = psycopg.errors.error_from_result(result, encoding="utf-8")
            if isinstance(error, psycopg.errors.InvalidSqlStatementName):
                READY.pop(line, None)  # somebody discarded them: prepared anew next time
            raise error
    return found


@dataclass(frozen=True)
class _Plain:
    """Reads values by the driver's own loaders; Django's loader of instants is written in Python.

    Both give instants in the connection's zone, which is UTC.
    """

    connection: psycopg.Connection
    adapters: ClassVar[AdaptersMap] = psycopg.adapters


def _prepare(line: psycopg.Connection, statements: Sequence[Statement]) -> None:
    ready = READY.setdefault(line, set())
    for statement in statements:
        if statement.name not in ready:
            psycopg.Cursor(line).execute(SESSION + b"; " + statement.source)
            ready.add(statement.name)


def _roll_back() -> None:
    line = connection.connection
    if line is None or line.closed or line.info.transaction_status == TransactionStatus.IDLE:
        return
    try:
        line.rollback()
    except psycopg.Error:
        connection.close()
