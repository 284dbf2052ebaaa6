"""Everything fails at once, and nothing is lost, sent twice or allowed by mistake."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.storm import history
from tests.storm.chaos import RUN_OUT, Chaos
from tests.storm.clients import Client, Crowd, Ledger
from tests.storm.history import Report
from tests.storm.house import House

pytestmark = pytest.mark.storm
Shown = Callable[[], bool]
CLIENTS = 4
UNDER_WAY = """
SELECT count(*) FROM offers_delivery WHERE status IN ('queued', 'claimed', 'sending', 'retry')
"""
DAY_AND_A_HALF = 36 * 3600


@contextmanager
def housed(
    template: str, *, seed: int, people: int, mutants: str = ""
) -> Iterator[tuple[House, Crowd]]:
    house = House(template=template, seed=seed, mutants=mutants)
    try:
        known = house.start(people=people)
        ledger = Ledger(house.folder / "acknowledged.jsonl")
        crowd = Crowd(house.port, known["key"], known["campaigns"], known["people"], ledger)
        crowd.waiting.extend(crowd.people * 3)
        yield house, crowd
    finally:
        house.stop()


def storm(house: House, crowd: Crowd, chaos: Chaos, *, seconds: float, until: Shown) -> Report:
    """Clients and accidents side by side; then calm, until nothing is under way; then the bill."""
    clients = [Client(crowd, f"{house.seed} {number}") for number in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        chaos.run(seconds, enough=until)
    finally:
        crowd.stop.set()
    for client in clients:
        client.join(30)
    drain(house)
    return history.judge(house, crowd, faults=chaos.done)


def drain(house: House) -> None:
    """No more faults. The clock jumps, so that every lease and every wait comes due."""
    house.weather(sink={}, line={})
    house.mend()
    wait = RUN_OUT
    for _turn in range(20):
        house.shift(wait)
        wait = min(wait * 2, 4000)
        calm = house.sweep("leases", "+send", "+send", "+send", "send", "reconcile")
        assert calm, "the sweeps hang"
        if not house.count(UNDER_WAY):
            break
        time.sleep(0.2)
    house.shift(DAY_AND_A_HALF)
    for _turn in range(6):
        house.sweep("send", "escalate", "reconcile")
        if not house.rows(history.RUNGS_LEFT) and not house.count(UNDER_WAY):
            break


def test_a_storm_loses_nothing_sends_nothing_twice_and_opens_no_gate(
    storm_template: str, storm_seconds: float, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with housed(storm_template, seed=seed, people=60 + int(storm_seconds * 2)) as (house, crowd):
        chaos = Chaos(house, seed=seed)

        def shown() -> bool:
            return chaos.overtaken > 0 and house.count(history.UNKNOWN) > 0

        report = storm(house, crowd, chaos, seconds=storm_seconds, until=shown)
        with capsys.disabled():
            print(f"\n{report.line()}")  # noqa: T201  what the long storm is run for
        heard = "\n".join(house.alarms()[-40:])
    assert not report.violations, f"{report.violations[:20]}\n{heard}"
    # It proves something only if it stormed, and if the gate could have said yes.
    assert all(report.faults[kind] for kind in ("kill9", "broker", "smtp", "pg", "clock"))
    assert report.acked > 20
    assert report.sends > 10
    assert report.unknown > 0
    assert chaos.overtaken > 0
    assert report.codes["free allow ok"] > 0, report.codes
    assert report.codes["shut deny open_promise"] > 0.5 * report.gate, report.codes


def test_without_its_safeguards_the_same_storm_goes_red(
    storm_template: str, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    mutants = "no_compare_and_set gate_that_remembers"
    with housed(storm_template, seed=seed, people=40, mutants=mutants) as (house, crowd):
        chaos = Chaos(house, seed=seed)

        def shown() -> bool:
            return bool(history.came_again(house.log())) and house.count(history.UNKNOWN) > 0

        report = storm(house, crowd, chaos, seconds=5, until=shown)
        with capsys.disabled():
            print(f"\ntwin: {report.line()}")  # noqa: T201
        _rob(house, crowd)
        robbed = history.judge(house, crowd, faults=Counter())
    assert report.doubles, "the storm does not notice that a zombie sends"
    assert report.false_allows, "the storm does not notice that the gate remembers"
    assert len(robbed.lost) == len(report.lost) + 1, "the storm does not notice what is lost"
    assert len(robbed.unlisted) > len(report.unlisted), "the storm does not miss an item"


def _rob(house: House, crowd: Crowd) -> None:
    """What a worse product would do: forget a promise, close an item that nobody has settled."""
    last = crowd.ledger.read()[-1]
    crowd.ledger.note(**{**last, "references": ["P-NEVER9"], "words": last["words"][:1]})
    house.run(
        "UPDATE followups_item SET closed_at = now(), closed_by = 'thief', next_rung_at = NULL"
        " WHERE kind = 'unknown_send'"
    )
