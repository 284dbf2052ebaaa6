"""The escalate sweep of one process, measured from inside; what bench/sweep.py tells it to do."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from django.db import connection

from config import clock
from followups import escalation

LOOKS = 200


def climb() -> dict[str, Any]:
    """Turns of the sweep until one finds nothing."""
    climbed, begun = 0, time.perf_counter()
    while moved := escalation.climb(at=clock.now()):
        climbed += moved
    return {"climbed": climbed, "seconds": time.perf_counter() - begun}


def look() -> dict[str, Any]:
    """Turns that find nothing: the milliseconds of each."""
    took = []
    for _ in range(LOOKS):
        begun = time.perf_counter()
        moved = escalation.climb(at=clock.now())
        took.append((time.perf_counter() - begun) * 1000)
        if moved:
            raise SystemExit(f"{moved} were due although nothing is")
    return {"milliseconds": sorted(took)}


def main() -> None:
    """Answers each line of its input with a line; the first word comes when it is connected."""
    connection.ensure_connection()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        done = {"climb": climb, "look": look}[line.strip()]()
        print(json.dumps(done), flush=True)
