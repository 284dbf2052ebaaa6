"""A retry gets the first answer, and the act behind it happens once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from crm import idempotency
from crm.idempotency import OtherBody, StillRunning
from crm.models import IdempotentAnswer
from tests.cast import DAY, START


class Act:
    """Counts how often it was done."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self) -> tuple[int, dict[str, Any]]:
        self.done += 1
        return 201, {"number": self.done}


def ask(
    act: Callable[[], Any], *, body: Any = "b", actor: str = "key:a", at: datetime = START
) -> Any:
    return idempotency.once(actor=actor, key="k", body=body, at=at, act=act)


@pytest.mark.django_db
def test_the_second_request_gets_the_first_answer() -> None:
    act = Act()
    assert ask(act) == ask(act, at=START + 7 * DAY - DAY / 24) == (201, {"number": 1})
    assert act.done == 1


@pytest.mark.django_db
def test_the_same_key_with_another_body_is_refused() -> None:
    act = Act()
    ask(act, body={"a": 1, "b": 2})
    assert ask(act, body={"b": 2, "a": 1}) == (201, {"number": 1})
    with pytest.raises(OtherBody):
        ask(act, body={"a": 1, "b": 3})
    assert act.done == 1


@pytest.mark.django_db
def test_a_key_belongs_to_its_actor() -> None:
    act = Act()
    ask(act)
    assert ask(act, actor="key:b") == (201, {"number": 2})


@pytest.mark.django_db
def test_after_seven_days_the_key_is_new_again() -> None:
    act = Act()
    ask(act)
    assert ask(act, at=START + 7 * DAY) == (201, {"number": 2})
    assert idempotency.forget_old(at=START + 15 * DAY) == 1
    assert not IdempotentAnswer.objects.exists()


@pytest.mark.django_db
def test_an_act_that_fails_leaves_no_answer_behind() -> None:
    def broken() -> Any:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ask(broken)
    assert ask(Act()) == (201, {"number": 1})


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_acts_and_the_other_is_told_to_wait() -> None:
    inside, go_on, second = threading.Event(), threading.Event(), Act()

    def slow() -> tuple[int, dict[str, Any]]:
        inside.set()
        assert go_on.wait(20)
        return 201, {"number": 1}

    def first() -> None:
        try:
            ask(slow)
        finally:
            connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    try:
        assert inside.wait(20)
        with pytest.raises(StillRunning):
            ask(second)
    finally:
        go_on.set()
        thread.join(20)
    assert ask(second) == (201, {"number": 1})
    assert second.done == 0
