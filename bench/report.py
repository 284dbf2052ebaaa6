"""Tells what was measured: medians with their spread, and a verdict only where there is one."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
TOO_WIDE = 0.30  # a limit that spreads more than this says nothing


@dataclass(frozen=True)
class Series:
    """One thing measured several times."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """How far the farthest value lies from the median, as a share of it."""
        return max(abs(v - self.median) for v in self.values) / self.median

    def __str__(self) -> str:
        low, high = min(self.values), max(self.values)
        return f"{self.name:<44} {self.median:>10,.2f} {self.unit}  ({low:,.2f} to {high:,.2f})"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def verdict(what: str, value: float, limit: float, *, least: bool, trusted: bool) -> bool:
    """Prints pass or fail; True also when the machine was too restless to judge."""
    if not trusted:
        say(f"  no verdict on {what}: the limit itself spread over 30 %")
        return True
    good = value >= limit if least else value <= limit
    sign = "at least" if least else "at most"
    say(f"  {'pass' if good else 'FAIL'}: {what} {value:,.2f} ({sign} {limit:,.2f})")
    return good


def keep(name: str, profile: str, series: Sequence[Series], extra: dict[str, Any]) -> None:
    """Writes every sample to bench/results/NAME.json (the full profile only)."""
    if profile != "full":
        return
    RESULTS.mkdir(exist_ok=True)
    data = {
        "bench": name,
        "date": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "series": [{"name": s.name, "unit": s.unit, "values": s.values} for s in series],
        **extra,
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
