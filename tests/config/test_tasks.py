"""What a turn of a sweep asks for when it has run."""

from __future__ import annotations

import pytest

from config import tasks, timetable


@pytest.mark.parametrize(
    ("name", "moved", "asked"),
    [
        ("settle", 2, ["reconcile"]),
        ("settle", 0, []),
        ("bill_runs", 1, ["bill_runs"]),
        ("bill_runs", 0, []),
        ("reconcile", 5, []),
    ],
)
def test_what_goes_on_with_the_moved_rows_is_asked_at_once_and_nothing_else(
    name: str, moved: int, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nudged: list[str] = []
    monkeypatch.setattr(timetable, "run", lambda name: moved)
    monkeypatch.setattr(tasks, "nudge", nudged.append)
    tasks.sweep(name=name)
    assert nudged == asked


def test_whoever_goes_on_is_in_the_timetable() -> None:
    assert {sweep.then for sweep in timetable.SWEEPS} - {""} <= set(timetable.BY_NAME)
