"""The watcher: old heartbeats, promises that nobody serves, deliveries that are stuck."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import Error
from django.db.models import Exists, OuterRef
from django.http import HttpRequest

from config import clock
from config.timetable import BY_NAME
from crm import heartbeats
from followups import conduct, reconcile, silences
from followups.models import Item, Promise
from offers import intake
from offers.models import Delivery

log = logging.getLogger("kept.watchdog")
PATIENCE = timedelta(minutes=2)
UNKNOWN_PATIENCE = timedelta(hours=24)


@dataclass(frozen=True)
class Finding:
    """Something that must never be: its code, and how many rows."""

    code: str
    rows: int


def findings(*, at: datetime) -> list[Finding]:
    """Everything that is wrong just now; empty when all is well. Reads only."""
    counts = {
        "unserved_promise": len(list(_unserved(at))),
        "no_next_rung": _without_rung(at),
        "lease_overrun": Delivery.objects.filter(
            status__in=("claimed", "sending"), lease_until_at__lte=at - PATIENCE
        ).count(),
        "unknown_unattended": _unattended(at),
        "unjudged_call": conduct.unjudged().count(),
    }
    return [Finding(code, rows) for code, rows in counts.items() if rows]


def _unserved(at: datetime) -> list[Promise]:
    return [p for p in reconcile.unserved() if p.made_at <= at - PATIENCE]


def _without_rung(at: datetime) -> int:
    """Open promises whose rungs are not all climbed, and which still wait for none."""
    waiting = Promise.objects.open().filter(next_rung_at=None, made_at__lte=at - PATIENCE)
    return sum(1 for row in waiting.only("rung", "rungs") if row.rung < len(row.rungs))


def _unattended(at: datetime) -> int:
    """UNKNOWN for a day while its promise is open, and nobody has an item for it."""
    asked = Item.objects.filter(promise=OuterRef("pk"))
    return (
        Promise.objects.open()
        .filter(
            attached__delivery__status="unknown",
            attached__delivery__settled_at__lte=at - UNKNOWN_PATIENCE,
        )
        .filter(~Exists(asked))
        .count()
    )


def look(*, at: datetime) -> int:
    """The watchdog sweep: writes what it finds to the log; the banner and readiness show it.

    Of a dialer that has fallen silent it tells people, once.
    """
    silences.tell(at=at)
    found = findings(at=at)
    for finding in found:
        log.error("watchdog", extra={"finding": finding.code, "rows": finding.rows})
    return len(found)


def banner(request: HttpRequest) -> dict[str, Any]:
    """For every page: which sweeps have stopped, so that nobody trusts a silent house."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return {}
    try:
        at = clock.now()
        stale = heartbeats.stale(at=at)
        return {
            "stopped_sweeps": stale,
            "selling_stopped": _guards(stale),
            "page_at": at,
        }
    except Error:
        return {"stopped_sweeps": ["database"], "selling_stopped": True}


def ready(*, at: datetime) -> dict[str, Any]:
    """For /health/ready: what is late, and whether anybody listens for bounces.

    It fails with what guards the gate (design/escalation.md): a host whose hourly tidying is late
    is no host to take out of service.
    """
    stale = heartbeats.stale(at=at)
    return {"ready": not _guards(stale), "late": stale, "bounce_intake": intake.configured()}


def _guards(stale: list[str]) -> bool:
    """Whether one of these is a sweep without which nobody may be called to sell."""
    return any(BY_NAME[name].guards_gate for name in stale)
