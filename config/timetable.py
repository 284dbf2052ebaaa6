"""What runs when: the whole list. Two beats or ten workers running it do no harm."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.module_loading import import_string

from config import clock

log = logging.getLogger("kept.sweep")
Act = Callable[..., int]


@dataclass(frozen=True)
class Sweep:
    """A line of the timetable: `call` takes `at=` and returns how many rows it moved.

    Paced sweeps wait on other machines between their rows; they get `clock=` instead, to
    read the time anew for each row. One that `goes_on` takes a share of a long job in each turn,
    and is asked again at once as long as it finds work.
    """

    name: str
    every: timedelta
    call: str
    guards_gate: bool = False  # the gate answers clock_unsafe when its heartbeat is old
    paced: bool = False
    goes_on: bool = False


def _every(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)


SWEEPS = (
    Sweep("send", _every(5), "offers.sending.send_due", guards_gate=True, paced=True),
    Sweep("leases", _every(15), "offers.deliveries.free_expired"),
    Sweep("settle", _every(30), "offers.evidence.ripen", guards_gate=True),
    Sweep("reconcile", _every(30), "followups.reconcile.run", guards_gate=True),
    Sweep("intake", _every(60), "offers.bounces.listen", guards_gate=True, paced=True),
    Sweep("escalate", _every(15), "followups.escalation.climb"),
    Sweep("imports", _every(15), "crm.importing.work.run", paced=True, goes_on=True),
    Sweep("bill_runs", _every(300), "offers.mail_room.work", paced=True, goes_on=True),
    Sweep("items", _every(30), "followups.items.climb"),
    Sweep("management", _every(300), "followups.daily_digest.run"),
    Sweep("notices", _every(10), "followups.notices.send_due", paced=True),
    Sweep("slips", _every(30), "followups.slips.run", paced=True),
    Sweep("consents", _every(60), "crm.consents.close_ended"),
    Sweep("webhooks", _every(5), "followups.webhooks.sending.run", paced=True, goes_on=True),
    Sweep("webhooks_tidy", _every(3600), "followups.webhooks.sending.tidy"),
    Sweep("conduct", _every(30), "followups.conduct.judge", goes_on=True),
    Sweep("rollups", _every(20), "followups.board.rollups.roll", goes_on=True),
    Sweep("seal", _every(60), "crm.chain.sealing.run"),
    Sweep("partitions", _every(3600), "followups.checks.keep_partitions"),
    Sweep("forgetting", _every(60), "crm.forgetting.again", goes_on=True),
    Sweep("retention", _every(86_400), "crm.retention.run", goes_on=True),
    Sweep("forgotten_list", _every(300), "crm.pull_list.write_down"),
    Sweep("tidy", _every(3600), "crm.idempotency.forget_old"),
    Sweep("denials_tidy", _every(3600), "followups.board.denials.forget_old", goes_on=True),
    Sweep("watchdog", _every(60), "followups.watchdog.look"),
)
BY_NAME = {sweep.name: sweep for sweep in SWEEPS}
# The row a sweep leaves behind each time it ran (crm/heartbeats.py).
BEAT = "crm.heartbeats.beat"
START = "crm.heartbeats.started"
DUE = "crm.heartbeats.due"
# Refuses a database that was restored and that nobody has looked after (crm/house.py).
CHECK = "crm.house.check"


def run(name: str) -> int:
    """Runs one sweep and leaves its heartbeat; returns the number of rows it moved."""
    import_string(CHECK)(at=clock.now())
    sweep = BY_NAME[name]
    act: Act = import_string(sweep.call)
    moved = act(clock=clock.now) if sweep.paced else act(at=clock.now())
    import_string(BEAT)(name=name, at=clock.now())
    return moved


def run_all(*, report: Callable[[str, int | None], None]) -> bool:
    """Every sweep once, in order; one that throws is logged and does not stop the others."""
    healthy = True
    for sweep in SWEEPS:
        try:
            report(sweep.name, run(sweep.name))
        except Exception:
            log.exception("sweep failed", extra={"sweep": sweep.name})
            report(sweep.name, None)
            healthy = False
    return healthy


def started() -> list[str]:
    """A worker came up: each heartbeat gets one interval of grace. Returns which are due already.

    Beat counts its intervals from its own start: in a house that is started anew every half hour
    an hourly sweep would never have its turn.
    """
    at: datetime = clock.now()
    import_string(CHECK)(at=at)
    due: list[str] = import_string(DUE)(at=at)
    import_string(START)(at=at, names=[sweep.name for sweep in SWEEPS])
    return due


def beat_schedule() -> dict[str, dict[str, object]]:
    """The same list in Celery beat's words; a turn nobody took is dropped, not piled up."""
    return {
        sweep.name: {
            "task": "kept.sweep",
            "schedule": sweep.every.total_seconds(),
            "kwargs": {"name": sweep.name},
            "options": {"expires": max(10.0, sweep.every.total_seconds())},
        }
        for sweep in SWEEPS
    }
