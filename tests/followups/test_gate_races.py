"""The gate under concurrency: real threads, real connections, real commits."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from crm import customers, suppressions
from followups import gate
from followups.gate import Decision, Question
from followups.models import Lease
from tests.cast import DUPONT_HOME, DUPONT_MOBILE, HOUR, START, SYSTEM, Cast, sweeps_alive
from tests.followups.scenes import promised
from tests.races import Thread, until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)
LATER = START + 5 * HOUR
NOBODY = "+32471000000"


def decide(number: str = DUPONT_HOME, **more: Any) -> Decision:
    return gate.decide(Question(number=number, **more), by=SYSTEM, at=LATER)


def test_a_promise_that_commits_while_the_gate_waits_is_seen(cast: Cast) -> None:
    assert cast.dupont
    sweeps_alive(LATER)
    with transaction.atomic():
        promised(cast, at=LATER)
        thread = Thread(decide)
        until_somebody_waits(thread)
    decision = thread.answer()
    assert (decision.allow, decision.code) == (False, "open_promise")


def test_a_wish_that_commits_while_the_gate_waits_is_seen(cast: Cast) -> None:
    dupont = cast.dupont
    sweeps_alive(LATER)
    with transaction.atomic():
        suppressions.add(customer=dupont, kind="dnc_company", origin="call", by=SYSTEM, at=LATER)
        thread = Thread(decide)
        until_somebody_waits(thread)
    assert thread.answer().code == "dnc_company"


def test_a_promise_that_was_rolled_back_shuts_nothing(cast: Cast) -> None:
    assert cast.dupont
    sweeps_alive(LATER)
    with transaction.atomic():
        promised(cast, at=LATER)
        thread = Thread(decide)
        until_somebody_waits(thread)
        transaction.set_rollback(True)
    assert thread.answer().allow


def test_a_promise_waits_for_an_answer_that_is_being_given(cast: Cast) -> None:
    assert cast.dupont
    sweeps_alive(LATER)
    with transaction.atomic():
        assert decide().allow
        thread = Thread(lambda: promised(cast, at=LATER))
        until_somebody_waits(thread)
    assert thread.answer().status == "open"
    assert decide(DUPONT_MOBILE).code == "open_promise"


@pytest.mark.parametrize("number", [DUPONT_HOME, NOBODY])
def test_of_many_in_the_same_instant_one_is_allowed_and_the_others_wait(
    cast: Cast, number: str
) -> None:
    assert cast.dupont
    sweeps_alive(LATER)
    barrier = threading.Barrier(4)

    def ask() -> Decision:
        barrier.wait(30)
        return decide(number)

    threads = [Thread(ask) for _ in range(4)]
    answers = [thread.answer() for thread in threads]
    assert sorted(answer.code for answer in answers if not answer.allow) == ["leased"] * 3
    assert Lease.objects.count() == 1


def test_two_numbers_of_a_person_are_one_person(cast: Cast) -> None:
    assert cast.dupont
    sweeps_alive(LATER)
    barrier = threading.Barrier(2)

    def ask(number: str) -> Decision:
        barrier.wait(30)
        return decide(number)

    threads = [Thread(lambda n=number: ask(n)) for number in (DUPONT_HOME, DUPONT_MOBILE)]
    assert sorted(thread.answer().allow for thread in threads) == [False, True]


def test_the_same_request_twice_at_once_is_one_decision(cast: Cast) -> None:
    assert cast.dupont
    sweeps_alive(LATER)
    barrier = threading.Barrier(3)

    def ask() -> Decision:
        barrier.wait(30)
        return decide(request_id="race")

    threads = [Thread(ask) for _ in range(3)]
    answers = [thread.answer() for thread in threads]
    assert len({answer.id for answer in answers}) == 1
    assert all(answer.allow for answer in answers)
    assert Lease.objects.count() == 1


def test_somebody_who_joins_the_number_while_the_gate_waits_is_held_too(cast: Cast) -> None:
    dupont, peeters = cast.dupont, cast.peeters
    sweeps_alive(LATER)
    suppressions.add(customer=peeters, kind="dnc_company", origin="call", by=SYSTEM, at=LATER)
    with transaction.atomic():
        customers.hold([dupont.pk])
        thread = Thread(decide)
        until_somebody_waits(thread)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO crm_phonenumber (customer_id, e164, position) VALUES (%s, %s, 9)",
                [peeters.pk, DUPONT_HOME],
            )
    decision = thread.answer()
    assert decision.code == "dnc_company"
    assert set(decision.people) == {dupont.pk, peeters.pk}


def test_the_locks_are_taken_in_one_order_whatever_the_question(cast: Cast) -> None:
    dupont, peeters = cast.dupont, cast.peeters
    for customer in (dupont, peeters):
        customers.add_number(customer=customer, e164=NOBODY, position=3, at=START)
    sweeps_alive(LATER)
    barrier = threading.Barrier(2)

    def ask(turn: int) -> None:
        for _ in range(10):
            barrier.wait(30)
            with transaction.atomic():
                if turn:
                    customers.hold([peeters.pk, dupont.pk])
                else:
                    gate.decide(Question(number=NOBODY), by=SYSTEM, at=LATER)

    for thread in [Thread(lambda t=turn: ask(t)) for turn in range(2)]:
        thread.answer()
