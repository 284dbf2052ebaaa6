"""The gate's question never waits behind heavier work."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import pytest

from config.lanes import Lanes

LIMIT = 10.0  # seconds after which a test gives up; nothing here measures time


class Busy:
    """An application that stays inside until it is let go, and says who is inside."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.inside: list[str] = []
        self.entered = threading.Semaphore(0)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = str(environ["PATH_INFO"])
        self.inside.append(path)
        self.entered.release()
        if path == "/api/v1/calls":
            assert self.go.wait(LIMIT)
        elif path == "/fails":
            raise RuntimeError("broken on purpose")
        return [path.encode()]


def ask(lanes: Lanes, path: str) -> threading.Thread:
    thread = threading.Thread(target=lanes, args=({"PATH_INFO": path}, None))
    thread.start()
    return thread


def test_two_calls_are_worked_on_a_third_waits_and_the_gate_answers_meanwhile() -> None:
    busy = Busy()
    lanes = Lanes(busy, patience=10 * LIMIT)
    calls = [ask(lanes, "/api/v1/calls") for _ in range(3)]
    for _ in range(2):
        assert busy.entered.acquire(timeout=LIMIT)
    question = ask(lanes, "/api/v1/gate")
    question.join(LIMIT)
    assert not question.is_alive()
    assert busy.inside.count("/api/v1/calls") == 2
    busy.go.set()
    for thread in calls:
        thread.join(LIMIT)
    assert busy.inside.count("/api/v1/calls") == 3


def test_who_waited_behind_others_that_stand_still_goes_on_anyway() -> None:
    busy = Busy()
    lanes = Lanes(busy, patience=0.01)
    calls = [ask(lanes, "/api/v1/calls") for _ in range(5)]
    for _ in range(5):
        assert busy.entered.acquire(timeout=LIMIT)
    busy.go.set()
    for thread in calls:
        thread.join(LIMIT)


def test_a_place_is_given_back_also_by_what_fails() -> None:
    busy = Busy()
    busy.go.set()
    lanes = Lanes(busy, abreast=1, patience=LIMIT)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            lanes({"PATH_INFO": "/fails"}, None)
    assert list(lanes({"PATH_INFO": "/api/v1/calls"}, None)) == [b"/api/v1/calls"]
