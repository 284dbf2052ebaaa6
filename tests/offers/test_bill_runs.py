"""Print runs: who joins which, their moves with their events, and races at the cut-off."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from offers import bill_runs, deliveries
from offers.bill_runs import MOVES
from offers.models import PrintLine, PrintRun
from tests.cast import DAY, MINUTE, START, SYSTEM, Cast, brussels
from tests.offers.journeys import queued as mailed
from tests.offers.paper import BILL_DAY, CUT_OFF, billed, queued, run_of

Kind, Status = PrintRun.Kind, PrintRun.Status


def told(run: PrintRun) -> list[str]:
    return list(run.events.order_by("pk").values_list("cause", flat=True))


def test_the_table_of_moves_is_a_straight_line() -> None:
    assert {"": {"open"}, "open": {"closed"}, "closed": {"printed"}, "printed": {"mailed"}} == MOVES


def test_an_insert_joins_the_next_run_of_its_bill_day(cast: Cast) -> None:
    run = run_of(queued(billed(cast)))
    assert (run.kind, run.bill_day, run.cut_off_at) == (Kind.BILL_RUN, BILL_DAY, CUT_OFF)
    assert told(run) == ["opened"]


def test_everybody_of_the_same_day_joins_the_same_run(cast: Cast) -> None:
    runs = {run_of(queued(billed(cast, number=n))) for n in range(3)}
    other = run_of(queued(billed(cast, number=9, bill_day=13)))
    assert len(runs) == 1 and other not in runs


def test_a_letter_joins_the_next_batch(cast: Cast) -> None:
    run = run_of(queued(billed(cast), channel="post"))
    assert (run.kind, run.bill_day) == (Kind.BATCH, None)
    assert run.cut_off_at == brussels("2026-03-02 14:00")


def test_who_comes_at_the_cut_off_joins_the_next_run_although_nobody_has_closed(
    cast: Cast,
) -> None:
    early = run_of(queued(billed(cast, number=1), at=CUT_OFF - MINUTE))
    late = run_of(queued(billed(cast, number=2), at=CUT_OFF))
    assert (early.status, late.status) == ("open", "open")
    assert late.mailing_date > early.mailing_date


def test_who_comes_before_the_cut_off_of_a_closed_run_joins_the_next(cast: Cast) -> None:
    first = run_of(queued(billed(cast, number=1)))
    assert bill_runs.close(run=first, by=SYSTEM, at=START + DAY)
    late = run_of(queued(billed(cast, number=2), at=START + 2 * DAY))
    assert late.mailing_date > first.mailing_date
    first.refresh_from_db()
    assert first.cut_off_at == START + DAY, "closing early moves the cut-off"


def test_a_run_is_closed_at_its_cut_off_and_once(cast: Cast) -> None:
    run = run_of(queued(billed(cast)))
    assert bill_runs.close_due(at=CUT_OFF - MINUTE) == 0
    assert bill_runs.close_due(at=CUT_OFF) == 1
    assert bill_runs.close_due(at=CUT_OFF) == 0
    run.refresh_from_db()
    assert (run.status, run.closed_at, told(run)) == ("closed", CUT_OFF, ["opened", "cut_off"])


def test_the_next_runs_are_opened_for_the_bill_days_in_use_and_for_letters(cast: Cast) -> None:
    billed(cast, number=1)
    billed(cast, number=2, bill_day=20)
    billed(cast, number=3, bill_day=5, bill_medium="electronic")
    assert bill_runs.open_due(at=START) == 3
    assert bill_runs.open_due(at=START) == 0
    opened = set(PrintRun.objects.values_list("kind", "bill_day"))
    assert opened == {("batch", None), ("bill_run", 12), ("bill_run", 20)}
    assert bill_runs.open_due(at=CUT_OFF) == 2, "the next month of the 12th, the next letters"


def test_nothing_is_printed_before_it_is_ready(cast: Cast) -> None:
    run = run_of(queued(billed(cast)))
    bill_runs.close_due(at=CUT_OFF)
    run.refresh_from_db()
    assert not bill_runs.printed(run=run, by=SYSTEM, at=CUT_OFF)


def test_a_customer_without_a_bill_day_joins_no_bill_run(cast: Cast) -> None:
    with pytest.raises(ValueError, match="bill day"):
        queued(billed(cast, bill_day=None))


def test_paper_is_never_claimed_for_the_network(cast: Cast) -> None:
    queued(billed(cast))
    queued(billed(cast, number=2), channel="post")
    assert deliveries.claim(by=SYSTEM, at=START + 30 * DAY) is None


def test_only_what_still_waits_is_moved_with_its_run(cast: Cast) -> None:
    first, second = queued(billed(cast, number=1)), queued(billed(cast, number=2))
    assert deliveries.cancel(delivery=second, by=SYSTEM, at=START, cause="test")
    moved = deliveries.move_paper(
        ids=[first.pk, second.pk], source="queued", to="claimed", by=SYSTEM, at=CUT_OFF, cause="t"
    )
    assert moved == [first.pk]
    first.refresh_from_db()
    assert (first.status, first.lease_until_at, first.next_try_at) == ("claimed", None, None)
    assert first.events.latest("pk").to_status == "claimed"
    assert deliveries.free_expired(at=CUT_OFF + 90 * DAY) == 0, "the run holds it, not a lease"


def test_a_run_does_not_move_what_goes_by_mail(cast: Cast) -> None:
    mail = mailed(cast)
    moved = deliveries.move_paper(
        ids=[mail.pk], source="queued", to="claimed", by=SYSTEM, at=START, cause="t"
    )
    assert moved == []


def test_a_planned_mailing_is_cut_off_before_it_leaves() -> None:
    day = brussels("2026-03-12 00:00").date()
    with pytest.raises(ValueError, match="cut off"):
        bill_runs.planned(kind="bill_run", mailing_date=day, cut_off_at=CUT_OFF + 10 * DAY)


@pytest.mark.django_db(transaction=True)
def test_a_move_without_its_event_is_refused_at_commit(cast: Cast) -> None:
    run = run_of(queued(billed(cast)))
    with pytest.raises(DatabaseError, match="needs its event"), transaction.atomic():
        PrintRun.objects.filter(pk=run.pk).update(status="closed", closed_at=START)


@pytest.mark.django_db(transaction=True)
def test_two_closers_close_a_run_once(cast: Cast) -> None:
    run = run_of(queued(billed(cast)))
    won, barrier = [], threading.Barrier(4)

    def close() -> None:
        try:
            mine = PrintRun.objects.get(pk=run.pk)
            barrier.wait(30)
            won.append(bill_runs.close(run=mine, by=SYSTEM, at=CUT_OFF))
        finally:
            connection.close()

    threads = [threading.Thread(target=close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(won) == [False, False, False, True]
    assert told(run) == ["opened", "cut_off"]


@pytest.mark.django_db(transaction=True)
def test_many_who_join_at_once_open_one_run(cast: Cast) -> None:
    people = [billed(cast, number=n) for n in range(6)]
    barrier = threading.Barrier(len(people))

    def join(person: Any) -> None:
        try:
            barrier.wait(30)
            with transaction.atomic():
                queued(person)
        finally:
            connection.close()

    threads = [threading.Thread(target=join, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert PrintRun.objects.count() == 1
    assert PrintLine.objects.count() == len(people)


@pytest.mark.django_db(transaction=True)
def test_who_is_still_joining_at_the_cut_off_is_on_the_list_before_it_closes(cast: Cast) -> None:
    first = queued(billed(cast, number=1))
    run, late = run_of(first), billed(cast, number=2)
    joined, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    def join() -> None:
        try:
            with transaction.atomic():
                queued(late, at=CUT_OFF - MINUTE)
                joined.set()
                assert go_on.wait(30)
        finally:
            connection.close()

    def close() -> None:
        try:
            bill_runs.close(run=run, by=SYSTEM, at=CUT_OFF)
            closed.set()
        finally:
            connection.close()

    threads = [threading.Thread(target=join)]
    threads[0].start()
    assert joined.wait(30)
    threads.append(threading.Thread(target=close))
    threads[1].start()
    assert not closed.wait(0.3), "closing waits for who is joining"
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert closed.is_set()
    assert PrintLine.objects.filter(run=run).count() == 2
