"""The gate with one safeguard taken out: a test that does not notice is worth nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from django.db import connection

from followups import gate
from followups.gate import Decision, Question
from tests.cast import SYSTEM

Decide = Callable[[Question], Decision]
SOURCE = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'kept_gate_rule'"
PERSONS = "pg_advisory_xact_lock(s.id)"
NUMBER = "pg_advisory_xact_lock(-abs(hashtextextended(dialled, 0) >> 1) - 1)"


@dataclass(frozen=True)
class Weakness:
    """What is missing: in the database, on each connection that asks, or in front of the gate."""

    name: str
    database: Callable[[], AbstractContextManager[None]] = nullcontext
    connected: Callable[[], None] = lambda: None
    asking: Callable[[Decide], Decide] = lambda decide: decide

    def __str__(self) -> str:
        return self.name


@contextmanager
def _unlocked() -> Iterator[None]:
    """The function of the gate without its locks; as it was afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(SOURCE)
        (whole,) = cursor.fetchone()
        assert PERSONS in whole and NUMBER in whole, "the gate locks in other words now"
        cursor.execute(whole.replace(PERSONS, "s.id").replace(NUMBER, "NULL"))
        try:
            yield
        finally:
            cursor.execute(whole)


def _with_an_old_snapshot() -> None:
    """What the gate reads after its lock is what stood before it began to wait."""
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_isolation = 'repeatable read'")


def _remembering(decide: Decide) -> Decide:
    """An allow is cached for its number, as one does to save a query."""
    allowed: dict[str | None, Decision] = {}

    def remembered(question: Question) -> Decision:
        decision = allowed.get(question.number) or decide(question)
        if decision.allow:
            allowed[question.number] = decision
        return decision

    return remembered


SOUND = Weakness("nothing")
NO_LOCK = Weakness("the lock", database=_unlocked)
READ_BEFORE_LOCK = Weakness("the reading after the lock", connected=_with_an_old_snapshot)
MEMORY = Weakness("the reading of each question", asking=_remembering)


def plainly(question: Question) -> Decision:
    """The gate by the database's own clock, as the edges ask."""
    return gate.decide(question, by=SYSTEM)
