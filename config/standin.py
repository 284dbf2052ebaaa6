"""When nobody takes the sweeps (Redis is gone, the workers are dead), beat runs them itself.

The row is the truth and Redis a nudge: what is due stands in the database, and a rung may be late
by one sweep and a few seconds, also without Redis (design/reliability.md, I8). As soon as anybody
else leaves a heartbeat beat only beats again.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connections
from django.utils.module_loading import import_string

from config import clock, timetable

log = logging.getLogger("kept.standin")
LOOK = 1.0  # seconds between two looks at the heartbeats
LAST = "crm.heartbeats.last"


class StandIn:
    """What it did itself, so as to know it from what others do."""

    def __init__(self) -> None:
        self.ours: dict[str, datetime] = {}
        self.tried: dict[str, datetime] = {}

    def look(self) -> list[str]:
        """Runs what is due when nobody else does; the names of what it ran."""
        at = clock.now()
        last: dict[str, datetime] = import_string(LAST)()
        if not self._alone(last, at):
            self.ours.clear()
            return []
        return [sweep.name for sweep in timetable.SWEEPS if self._turn(sweep, last, at)]

    def _alone(self, last: dict[str, datetime], at: datetime) -> bool:
        """Whether nobody else left a heartbeat for so long that nobody seems to be there."""
        others = [beat for name, beat in last.items() if self.ours.get(name) != beat]
        patience = timedelta(seconds=settings.STAND_IN_AFTER)
        return max(others, default=at - patience) + patience <= at

    def _turn(self, sweep: timetable.Sweep, last: dict[str, datetime], at: datetime) -> bool:
        due = [since[sweep.name] for since in (last, self.tried) if sweep.name in since]
        if due and max(due) + sweep.every > at:
            return False
        if not self.ours:
            log.warning("nobody runs the sweeps: beat does it itself")
        self.tried[sweep.name] = at
        try:
            timetable.run(sweep.name)
        except Exception:
            log.exception("sweep failed", extra={"sweep": sweep.name})
            connections.close_all()
            return False
        self.ours[sweep.name] = import_string(LAST)()[sweep.name]
        return True


def start() -> None:
    """In a thread of its own, as long as the process lives."""
    if settings.STAND_IN_AFTER:
        threading.Thread(target=_watch, name="stand-in", daemon=True).start()


def _watch() -> None:
    mine = StandIn()
    # A house that has just been started is not one in which nobody works.
    time.sleep(settings.STAND_IN_AFTER)
    while True:
        time.sleep(LOOK)
        try:
            mine.look()
        except Exception:  # the database is away too: what is due will be due when it is back
            log.exception("the stand-in could not look")
            connections.close_all()
