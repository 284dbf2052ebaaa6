"""Turns of the watchdog's look, measured from inside; what bench/watchdog.py tells it to do."""

from __future__ import annotations

import json
import sys
import time

from config import clock
from followups import auditing, findings

TURNS = 20


def main() -> None:
    """Prints one line of JSON."""
    took = []
    for _ in range(TURNS):
        begun = time.perf_counter()
        findings.look(at=clock.now())
        took.append((time.perf_counter() - begun) * 1000)
    begun = time.perf_counter()
    found = {code: len(rows) for code, rows in auditing.everything(at=clock.now()).items()}
    whole = time.perf_counter() - begun
    sys.stdout.write(json.dumps({"milliseconds": took, "whole_s": whole, "found": found}) + "\n")
