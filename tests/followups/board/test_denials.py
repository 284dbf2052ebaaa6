"""Denied calls are kept as long as the board looks at them, and no longer than the house says."""

from __future__ import annotations

from datetime import timedelta

from pytest_django import Settings

from config.timetable import BY_NAME, run
from followups.board import denials, wanted
from followups.models import DeniedCall
from tests.cast import START, Cast


def denied(cast: Cast, days: int) -> DeniedCall:
    """A denial of so many days ago."""
    at = START - timedelta(days=days)
    return DeniedCall.objects.create(
        day=at.date(),
        customer=cast.dupont,
        team=cast.liege,
        code="open_promise",
        redundant=True,
        requests=1,
        first_at=at,
        first_by="key:x",
    )


def test_what_is_older_than_the_house_keeps_is_dropped_and_the_rest_stands(
    cast: Cast, settings: Settings
) -> None:
    settings.DENIED_CALLS_KEPT_DAYS = 100
    old, newest = denied(cast, 101), [denied(cast, days) for days in (100, 90, 0)]
    assert denials.forget_old(at=START) == 1
    assert set(DeniedCall.objects.all()) == set(newest) and old not in newest
    assert denials.forget_old(at=START) == 0


def test_the_sweep_runs_it(cast: Cast) -> None:
    assert BY_NAME["denials_tidy"].call.endswith("denials.forget_old")
    assert run("denials_tidy") == 0


def test_what_the_board_looks_at_is_always_kept(settings: Settings) -> None:
    assert max(wanted.PERIODS) < settings.DENIED_CALLS_KEPT_DAYS
