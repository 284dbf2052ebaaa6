"""The benches run and agree on the answers; how fast they are is not a test's business."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.load import Result, merged
from bench.report import Series

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    "name",
    [
        "bill_run",
        "board",
        "campaign",
        "documents",
        "desk",
        "feed",
        "gate",
        "gate_size",
        "import",
        "promise",
        "scrub",
        "sweep",
        "watchdog",
    ],
)
def test_a_small_run_gives_right_answers_only(name: str) -> None:
    outside = {k: v for k, v in os.environ.items() if not k.endswith("_URL")}
    done = subprocess.run(
        [sys.executable, "-m", "bench", name, "--profile", "smoke"],
        cwd=ROOT,
        env=outside,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert name in done.stdout


def test_a_percentile_is_the_value_that_this_share_does_not_exceed() -> None:
    result = Result(seconds=1.0, latencies=[i / 1000 for i in range(1, 101)], statuses={200: 100})
    assert (result.percentile(0.5), result.percentile(0.99)) == (51.0, 100.0)
    assert result.rate == 100.0


def test_errors_are_counted_and_never_dropped() -> None:
    both = merged([Result(statuses={200: 3}), Result(statuses={200: 1, 503: 2})], 1.0)
    assert both.failed == 2


def test_a_restless_series_shows_its_spread() -> None:
    assert Series("x", "/s", (100.0, 100.0, 140.0)).spread == pytest.approx(0.4)
