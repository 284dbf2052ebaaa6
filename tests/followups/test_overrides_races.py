"""Overrides under concurrency: real threads, real connections, real commits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from crm.models import User
from followups import gate, overrides
from followups.gate import Question
from followups.models import GateCheck, Override
from followups.terms import Refused
from tests.cast import (
    DAY,
    DUPONT_HOME,
    HOUR,
    MINUTE,
    START,
    Cast,
    call_and_promise,
    person,
    sweeps_alive,
)
from tests.followups.scenes import promised
from tests.races import Thread, until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)
LATER = START + 5 * HOUR
WHY = "She rang the shop and wants it today."


@pytest.fixture
def waiting(cast: Cast) -> Cast:
    promised(cast)
    sweeps_alive(LATER + DAY)
    return cast


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    """Every act begins in the same instant; a refusal is an answer too."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        barrier.wait(30)
        try:
            return act()
        except Refused as refusal:
            return refusal

    threads = [Thread(lambda a=act: run(a)) for act in acts]
    return [thread.answer() for thread in threads]


def grant(cast: Cast, **more: Any) -> Override:
    facts: dict[str, Any] = {"customer": cast.dupont, "agent": cast.amina, "at": LATER, **more}
    return overrides.let_through(**facts, reason=WHY, by=person(cast.chloe))


def use(cast: Cast) -> Any:
    question = Question(number=DUPONT_HOME, customer=cast.dupont, agent=cast.amina, reserve=True)
    return gate.decide(question, by=person(cast.amina), at=LATER + MINUTE)


def test_of_fifty_uses_in_the_same_instant_exactly_one_is_allowed(waiting: Cast) -> None:
    row = grant(waiting)
    answers = at_once([lambda: use(waiting)] * 50)
    allowed = [answer for answer in answers if answer.allow]
    assert [answer.code for answer in allowed] == ["override"]
    assert {answer.code for answer in answers if not answer.allow} == {"open_promise"}
    row.refresh_from_db()
    assert row.decision_id == allowed[0].id
    assert GateCheck.objects.filter(code="override", agent_id=waiting.amina.pk).count() == 1


def test_a_promise_that_commits_while_the_use_waits_is_seen(waiting: Cast) -> None:
    grant(waiting)
    with transaction.atomic():
        call_and_promise(waiting.chloe, waiting.dupont, at=LATER)
        thread = Thread(lambda: use(waiting))
        until_somebody_waits(thread)
    assert not thread.answer().allow
    assert Override.objects.get().used_at is None


def test_a_promise_that_commits_while_the_grant_waits_is_in_it(waiting: Cast) -> None:
    with transaction.atomic():
        later = call_and_promise(waiting.chloe, waiting.dupont, at=LATER)
        thread = Thread(lambda: grant(waiting))
        until_somebody_waits(thread)
    assert f"open_promise:{later.reference}" in thread.answer().blocks


def test_a_request_that_is_granted_and_refused_at_once_is_one_of_them(waiting: Cast) -> None:
    request = overrides.ask(customer=waiting.dupont, reason=WHY, by=person(waiting.amina), at=LATER)
    facts: dict[str, Any] = {"request": request, "by": person(waiting.chloe), "at": LATER}
    answers = at_once(
        [
            lambda: overrides.grant(**facts, reason=WHY),
            lambda: overrides.refuse(**facts),
            lambda: overrides.grant(**facts, reason=WHY),
            lambda: overrides.refuse(**facts),
        ]
    )
    assert sum(isinstance(answer, Override) for answer in answers) == 1


def test_of_two_last_calls_of_the_quota_in_the_same_instant_one_needs_a_signature(
    waiting: Cast,
) -> None:
    call_and_promise(waiting.bram, waiting.peeters, address="peeters@post.example")
    grant(waiting)
    row = Override.objects.get()
    for _ in range(overrides.QUOTA - 2):
        row.pk = None
        row.until_at = LATER
        row.save(force_insert=True)
    noor = User.objects.create(username="noor", role=User.Role.AGENT, team=waiting.liege)
    answers = at_once(
        [
            lambda: grant(waiting, customer=waiting.peeters),
            lambda: grant(waiting, agent=noor),
        ]
    )
    assert sorted(answer.needs_second for answer in answers) == [False, True]


def test_an_agent_who_asks_ten_times_at_once_has_asked_once(waiting: Cast) -> None:
    facts: dict[str, Any] = {"by": person(waiting.amina), "at": LATER}
    rows = at_once([lambda: overrides.ask(customer=waiting.dupont, reason=WHY, **facts)] * 10)
    assert len({row.pk for row in rows}) == 1
