"""Beat runs itself what nobody takes, and what is late although somebody works.

The row is the truth and Redis a nudge: what is due stands in the database, and a rung may be late
by one sweep and a few seconds, also without Redis (design/reliability.md, I8). Two threads of beat
look each second, because what waits on other machines must not hold up what does not:

- Redis is gone, or the workers are dead, and no sweep leaves a heartbeat: both run what is due.
- Somebody works, but every worker is busy with a long job: the sweeps that take no time of
  others are run as soon as they are late. That two run one sweep does no harm.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connections
from django.utils.module_loading import import_string

from config import clock, timetable

log = logging.getLogger("kept.standin")
LOOK = 1.0  # seconds between two looks at the heartbeats
LAST = "crm.heartbeats.last"


# A sweep whose turn is over by so much is run here, whoever else is there.
LATE = timedelta(seconds=5)
QUICK = tuple(s for s in timetable.SWEEPS if not (s.paced or s.goes_on))
LONG = tuple(s for s in timetable.SWEEPS if s.paced or s.goes_on)


class StandIn:
    """One thread's part of the sweeps. `ours` is when they last ran here, so as to know it from
    what others do: all threads of beat share it."""

    def __init__(
        self,
        sweeps: Iterable[timetable.Sweep] = timetable.SWEEPS,
        ours: dict[str, datetime] | None = None,
    ) -> None:
        self.sweeps = tuple(sweeps)
        self.ours: dict[str, datetime] = {} if ours is None else ours
        self.tried: dict[str, datetime] = {}
        self.alone = False

    def look(self) -> list[str]:
        """Runs what is due when nobody else does, else what is late; the names of what it ran."""
        at = clock.now()
        last: dict[str, datetime] = import_string(LAST)()
        alone = self._alone(last, at)
        if alone and not self.alone:
            log.warning("nobody runs the sweeps: beat does it itself")
        self.alone = alone
        return [sweep.name for sweep in self.sweeps if self._turn(sweep, last, at)]

    def _alone(self, last: dict[str, datetime], at: datetime) -> bool:
        """Whether nobody else left a heartbeat for so long that nobody seems to be there."""
        others = [beat for name, beat in last.items() if self.ours.get(name) != beat]
        patience = timedelta(seconds=settings.STAND_IN_AFTER)
        return max(others, default=at - patience) + patience <= at

    def _turn(self, sweep: timetable.Sweep, last: dict[str, datetime], at: datetime) -> bool:
        if not self.alone and sweep not in QUICK:
            return False
        due = [since[sweep.name] for since in (last, self.tried) if sweep.name in since]
        patience = timedelta() if self.alone else LATE
        if due and max(due) + sweep.every + patience > at:
            return False
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
    """In threads of its own, as long as the process lives."""
    if not settings.STAND_IN_AFTER:
        return
    ours: dict[str, datetime] = {}
    for name, sweeps in (("quick", QUICK), ("long", LONG)):
        part = StandIn(sweeps, ours)
        threading.Thread(target=_watch, args=[part], name=f"stand-in-{name}", daemon=True).start()


def _watch(part: StandIn) -> None:
    # A house that has just been started is not one in which nobody works.
    time.sleep(settings.STAND_IN_AFTER)
    while True:
        time.sleep(LOOK)
        try:
            part.look()
        except Exception:  # the database is away too: what is due will be due when it is back
            log.exception("the stand-in could not look")
            connections.close_all()
