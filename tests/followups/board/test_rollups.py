"""The rollups: what they write is what is so, whatever came late, and whoever was still writing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection

from followups import escalation, gate, history, promises
from followups.board import changes, rollups
from followups.board.changes import Mark, Snapshot
from followups.models import DayFigure, DeniedCall, Promise, PromiseFigure, RollupMark
from tests.cast import (
    DAY,
    DUPONT_HOME,
    DUPONT_MOBILE,
    HOUR,
    MINUTE,
    NO_SUCH_USER,
    START,
    SYSTEM,
    Cast,
    Relay,
    call_and_promise,
)
from tests.followups.scenes import Kind, accepted, promised, proven, report
from tests.pages.conftest import set_clock

pytestmark = pytest.mark.django_db


def rolled(at: datetime) -> None:
    """Turns of the sweep until nothing is left, and a look whether it is so."""
    for _turn in range(10):
        if not rollups.roll(at=at):
            break
    assert rollups.check(at=at) == {"figures": 0, "days": 0, "spreads": 0}


def figure(promise: Promise) -> PromiseFigure:
    return PromiseFigure.objects.get(pk=promise.pk)


def test_a_kept_promise_counts_on_its_day_with_its_times(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay)
    rolled(START + 2 * DAY)
    row = figure(promise)
    assert (row.outcome, row.channel, row.hand_minutes, row.proof_hours) == ("kept", "email", 0, 24)
    cell = DayFigure.objects.get()
    assert (cell.day.isoformat(), cell.team, cell.kept) == ("2026-03-03", cast.liege, 1)


def test_what_was_broken_stays_broken_in_the_figures_after_a_late_delivery(
    cast: Cast, relay: Relay
) -> None:
    relay.script = [NO_SUCH_USER]
    promise = accepted(cast, relay)
    late = promise.due_at + HOUR
    escalation.climb(at=late)
    rolled(late)
    row = figure(promise)
    assert (row.outcome, row.cause, row.hand_minutes, row.proof_hours) == (
        *("broken", "bounced"),
        *(None, None),
    )
    Promise.objects.filter(pk=promise.pk).update(
        status="kept", kept_at=late, settled_at=late, readable_at=late, closed_at=late,
        closed_by="sweep:test", next_rung_at=None,
    )  # fmt: skip
    promise.refresh_from_db()
    history.write(promise, "open", "kept", by=SYSTEM, at=late, cause="proven")
    rolled(late + MINUTE)
    assert figure(promise).outcome == "late"
    assert DayFigure.objects.get().late == 1


def test_a_promise_revoked_after_its_day_leaves_the_kept_ones_of_that_day(
    cast: Cast, relay: Relay
) -> None:
    promise = proven(cast, relay)
    rolled(START + 5 * DAY)
    assert DayFigure.objects.get().kept == 1
    report(promise, Kind.FAILED, at=START + 9 * DAY)
    rolled(START + 9 * DAY)
    cell = DayFigure.objects.get()
    assert (cell.kept, cell.broken) == (0, 1)


def test_another_owner_of_another_team_takes_its_figures_along(cast: Cast) -> None:
    promise = promised(cast)
    rolled(START + HOUR)
    promises.hand_over(promise=promise, owner=cast.bram, reason="left", by=SYSTEM, at=START + HOUR)
    rolled(START + HOUR)
    assert DayFigure.objects.get().team == cast.gent
    assert figure(promise).owner == cast.bram


def test_the_answer_and_the_call_afterwards_reach_the_funnel(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay)
    rolled(START + 2 * DAY)
    assert not figure(promise).called
    call_and_promise(cast.amina, cast.dupont, at=START + 6 * DAY)
    rolled(START + 6 * DAY)
    row = figure(promise)
    assert (row.called, row.decided, row.seen) == (True, False, False)
    report(promise, Kind.PRESSED, at=START + 6 * DAY)
    rolled(START + 6 * DAY)
    assert figure(promise).seen


def test_nothing_new_costs_no_figure(cast: Cast) -> None:
    promised(cast)
    rolled(START + HOUR)
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text FROM followups_promisefigure")
        before = cursor.fetchall()
        rolled(START + HOUR + MINUTE)
        cursor.execute("SELECT xmin::text FROM followups_promisefigure")
        assert cursor.fetchall() == before


def test_figures_are_as_old_as_the_last_complete_turn(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    promised(cast)
    assert rollups.age(at=START) is None
    monkeypatch.setattr(rollups, "AT_ONCE", 1)
    assert rollups.roll(at=START) > 0
    assert rollups.age(at=START) is None
    rolled(START)
    assert rollups.age(at=START + 20 * MINUTE) == 20 * MINUTE


def test_another_formula_counts_every_promise_anew(cast: Cast) -> None:
    promise = promised(cast)
    rolled(START)
    PromiseFigure.objects.update(outcome="void", hand_minutes=7)
    RollupMark.objects.update(formulas=0)
    rolled(START)
    assert figure(promise).outcome == "open"
    assert RollupMark.objects.get().formulas > 0


def ask(at: datetime, number: str = DUPONT_HOME) -> None:
    gate.decide(gate.Question(purpose="sales", number=number), by=gate.Actor("key:d"), at=at)


def test_a_denied_call_counts_once_for_customer_campaign_and_day(cast: Cast) -> None:
    set_clock(START)
    promise = call_and_promise(cast.amina, cast.dupont)
    for hours, number in ((1, DUPONT_HOME), (2, DUPONT_MOBILE), (26, DUPONT_HOME)):
        ask(START + hours * HOUR, number)
    rolled(START + 3 * HOUR)
    rolled(START + 3 * HOUR)
    rolled(START + 27 * HOUR)
    rows = DeniedCall.objects.order_by("day")
    assert [(row.requests, row.redundant, row.promise) for row in rows] == [
        (2, True, promise.reference),
        (1, True, promise.reference),
    ]
    assert {row.team for row in rows} == {cast.liege}


def test_an_answer_that_is_a_moment_old_waits_for_the_next_turn(cast: Cast) -> None:
    set_clock(START)
    call_and_promise(cast.amina, cast.dupont)
    ask(START + HOUR)
    rolled(START + HOUR + timedelta(seconds=5))
    assert not DeniedCall.objects.exists()
    rolled(START + HOUR + MINUTE)
    assert DeniedCall.objects.get().requests == 1


def test_a_database_whose_transactions_are_counted_anew_is_read_on(cast: Cast) -> None:
    promise = promised(cast)
    rolled(START)
    row = RollupMark.objects.get()
    row.read = {name: {**mark, "limit": 2**60, "xmin": 2**60} for name, mark in row.read.items()}
    row.save()
    promises.hand_over(promise=promise, owner=cast.chloe, reason="left", by=SYSTEM, at=START)
    rolled(START)
    assert figure(promise).owner == cast.chloe


def test_what_was_seen_settles_when_everybody_who_wrote_then_has_ended() -> None:
    mark = Mark(seen=7).completed(9, now=Snapshot(xmin=90, xmax=100))
    assert (mark.settled, mark.seen, mark.waiting, mark.limit) == (0, 9, 7, 100)
    same = mark.completed(12, now=Snapshot(xmin=95, xmax=120))
    assert (same.settled, same.waiting, same.xmin) == (0, 7, 95)
    done = same.completed(12, now=Snapshot(xmin=100, xmax=130))
    assert (done.settled, done.waiting, done.limit) == (7, 12, 130)


def test_a_long_stretch_goes_on_where_it_ended_and_leaves_nothing_out(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "BATCH", 1)
    promise = promised(cast)
    rolled(START)
    for owner in (cast.chloe, cast.amina, cast.chloe):
        promises.hand_over(promise=promise, owner=owner, reason="left", by=SYSTEM, at=START)
    for _turn in range(6):
        rollups.roll(at=START)
    assert figure(promise).owner == cast.chloe
