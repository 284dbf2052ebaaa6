"""What the suite must notice: the product with one of its safeguards taken out.

The product does not know of this: only processes started for it load this room, the naive twin
of the storm by its settings (`twin.py`), a run of single tests by its plugin (`mutated.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from django.apps import AppConfig
from django.db import connection, transaction
from django.db.models import QuerySet

Decide = Callable[..., Any]
GATE_RULE = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = 'kept_gate_rule'"


class Mutants(AppConfig):
    name = "tests.storm"
    label = "mutants"

    def ready(self) -> None:
        take_out()


def take_out() -> None:
    """The safeguards that KEPT_MUTANTS names, in this process and its database."""
    for name in os.environ["KEPT_MUTANTS"].split():
        KNOWN[name].take_out()


@dataclass(frozen=True)
class Mutant:
    """`take_out` removes the safeguard; `red` is the test that must fail without it, with `more`
    words to pytest where its usual size could miss it by luck."""

    take_out: Callable[[], None]
    red: str
    more: tuple[str, ...] = ()


def no_compare_and_set() -> None:
    """Whoever once claimed a delivery sends it and writes its end, whatever happened meanwhile."""
    from offers import deliveries
    from offers.models import Delivery

    @transaction.atomic
    def move(delivery: Any, to: str, by: Any, at: datetime, cause: str, **columns: object) -> bool:
        row = Delivery.objects.get(pk=delivery.pk)
        Delivery.objects.filter(pk=row.pk).update(
            **{"status": to, "next_try_at": None, "lease_until_at": None, **columns}
        )
        deliveries._event(row.pk, row.status, to, token=row.token, by=by, at=at, cause=cause)
        return True

    def begin_body(*, delivery: Any, by: Any, at: datetime) -> bool:
        lease = at + deliveries.LEASE
        return move(delivery, "sending", by, at, "body", sending_at=at, lease_until_at=lease)

    def settle(
        *, delivery: Any, to: str, by: Any, at: datetime, cause: str, **reply: object
    ) -> bool:
        columns = {} if to != "retry" else {"next_try_at": at + deliveries.WAITS[0]}
        return move(delivery, to, by, at, cause, **columns)

    deliveries.begin_body = begin_body
    deliveries.settle = settle


def gate_that_remembers() -> None:
    """An allow is cached for its number, as one does to save a query."""
    from followups import gate

    decide: Decide = gate.decide
    allowed: dict[str, Any] = {}

    def remembering(question: Any, **kwargs: Any) -> Any:
        known = allowed.get(question.number or "")
        if known is not None:
            return known
        decision = decide(question, **kwargs)
        if decision.allow:
            allowed[question.number or ""] = decision
        return decision

    gate.decide = remembering


def no_customer_lock() -> None:
    """Two who ask for one person at once do not wait for each other."""
    _rewrite(
        GATE_RULE,
        ("pg_advisory_xact_lock(s.id)", "s.id"),
        ("pg_advisory_xact_lock(-abs(hashtextextended(dialled, 0) >> 1) - 1)", "NULL"),
    )


def no_single_use() -> None:
    """An override that was used is marked again by the next who uses it."""
    _rewrite(GATE_RULE, ("o.used_at IS NULL AND ", ""), ("u.used_at IS NULL AND ", ""))


def no_skip_locked() -> None:
    """Whoever takes rows waits for those whom others hold."""
    real = QuerySet.select_for_update

    def patient(self: Any, *args: Any, **kwargs: Any) -> Any:
        return real(self, *args, **{**kwargs, "skip_locked": False})

    QuerySet.select_for_update = patient  # type: ignore[method-assign]


def no_remembered_answer() -> None:
    """A retry is a request like any other."""
    from crm import idempotency

    def each(*, act: Callable[[], Any], **_rest: object) -> Any:
        return act()

    idempotency.once = each


def no_unique_index() -> None:
    """The database takes the same rung of the same promise as often as it comes."""
    _run("ALTER TABLE followups_escalation DROP CONSTRAINT each_rung_once_per_cycle")


def no_row_lock() -> None:
    """A rung is climbed although somebody is just writing that the promise is kept."""
    from followups import escalation

    escalation.DUE = escalation.DUE.replace("FOR UPDATE SKIP LOCKED", "")


def nudge_before_commit() -> None:
    """A worker is woken for what nobody can see yet, and for what is then rolled back."""
    from config import celery

    celery.transaction = SimpleNamespace(  # type: ignore[assignment]
        on_commit=lambda act, robust: act()
    )


def clock_of_the_machine() -> None:
    """Each machine asks itself what time it is."""
    from config import clock

    clock.now = lambda: datetime.now(UTC)


def unknown_goes_back() -> None:
    """A mail whose end nobody saw is put back into the queue, as a queue would do."""
    from offers import deliveries
    from offers.models import Delivery

    sending, queued = Delivery.Status.SENDING, Delivery.Status.QUEUED
    deliveries.MOVES = {**deliveries.MOVES, sending: {*deliveries.MOVES[sending], queued}}
    real = deliveries._free

    def free(expired: Any, pk: int, to: str, source: str, at: datetime) -> bool:
        return real(expired, pk, queued, source, at)

    deliveries._free = free


def knock_unheard() -> None:
    """An error of who hears of evidence is written to the log, and the evidence kept."""
    from offers.signals import evidence_recorded

    evidence_recorded.send = evidence_recorded.send_robust


def poison_spreads() -> None:
    """A rung that throws stops the sweep."""
    from followups import escalation

    escalation._one = escalation._climb_one


def feed_reads_ahead() -> None:
    """The feed's cursor passes over whoever is still writing."""
    from followups import feed

    feed.CHANGED = feed.CHANGED.replace("pg_snapshot_xmin", "pg_snapshot_xmax")


def first_word_wins() -> None:
    """A bounce that comes after the relay's acceptance changes nothing."""
    from followups import judgement
    from offers import evidence, grades

    real = grades.fold

    def believing(events: Any, **kwargs: Any) -> Any:
        rows = list(events)
        good = [row for row in rows if row.kind not in grades.REVOKING]
        return real(good or rows, **kwargs)

    evidence.fold = judgement.fold = believing


def _run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _rewrite(source: str, *changes: tuple[str, str]) -> None:
    """A function of the database in other words."""
    with connection.cursor() as cursor:
        cursor.execute(source)
        (text,) = cursor.fetchone()
        for old, new in changes:
            if old not in text:
                raise LookupError(f"the function does not say {old!r} any more")
            text = text.replace(old, new)
        cursor.execute(text)


FAILPOINTS = "tests/storm/test_failpoints.py::test_"
FOLLOWUPS = "tests/followups/test_"
KNOWN = {
    "no_compare_and_set": Mutant(
        no_compare_and_set, f"{FAILPOINTS}a_zombie_with_an_old_token_can_move_nothing"
    ),
    "gate_that_remembers": Mutant(
        gate_that_remembers,
        f"{FOLLOWUPS}gate_histories.py::test_no_allow_is_given_while_a_promise_is_open",
    ),
    "no_customer_lock": Mutant(
        no_customer_lock,
        f"{FOLLOWUPS}gate_crowds.py::test_of_fifty_dialers_at_once_one_is_allowed_in_every_round",
        ("--rounds", "20"),
    ),
    "no_single_use": Mutant(
        no_single_use,
        f"{FOLLOWUPS}overrides_races.py"
        "::test_of_fifty_uses_in_the_same_instant_exactly_one_is_allowed",
    ),
    "no_skip_locked": Mutant(
        no_skip_locked,
        f"{FAILPOINTS}a_holder_that_stands_still_in_a_move_does_not_hold_up_the_other_leases",
    ),
    "no_remembered_answer": Mutant(
        no_remembered_answer,
        "tests/api/test_calls.py::test_twenty_identical_calls_with_a_key_get_one_answer",
    ),
    "no_unique_index": Mutant(
        no_unique_index, f"{FOLLOWUPS}escalation.py::test_the_database_refuses_the_same_rung_twice"
    ),
    "no_row_lock": Mutant(
        no_row_lock,
        f"{FOLLOWUPS}escalation_races.py"
        "::test_no_rung_is_climbed_over_a_fulfilment_that_is_just_being_written",
    ),
    "nudge_before_commit": Mutant(
        nudge_before_commit,
        "tests/config/test_tasks.py::test_a_nudge_goes_out_after_the_commit_or_not_at_all",
    ),
    "clock_of_the_machine": Mutant(
        clock_of_the_machine,
        f"{FAILPOINTS}a_machine_whose_clock_is_two_hours_off_changes_nothing",
    ),
    "unknown_goes_back": Mutant(
        unknown_goes_back,
        f"{FAILPOINTS}killed_in_or_after_the_body_is_unknown_and_never_sent_again",
    ),
    "knock_unheard": Mutant(
        knock_unheard,
        "tests/offers/test_evidence.py::test_when_the_ear_upstairs_fails_nothing_is_kept",
    ),
    "poison_spreads": Mutant(
        poison_spreads, f"{FOLLOWUPS}escalation.py::test_one_row_that_throws_delays_nobody_else"
    ),
    "feed_reads_ahead": Mutant(
        feed_reads_ahead, f"{FOLLOWUPS}feed.py::test_what_commits_late_is_not_passed_over"
    ),
    "first_word_wins": Mutant(
        first_word_wins,
        "tests/offers/test_evidence.py::test_a_late_bounce_revokes_whatever_came_first",
    ),
}
