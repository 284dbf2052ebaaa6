"""The watcher: what is wrong, who is told, the banner, readiness, and the ping that stays away."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import Error
from django.http import HttpRequest

from config import clock
from config.timetable import BY_NAME
from crm import heartbeats, house
from followups import findings, outside, silences
from offers import intake


def look(*, at: datetime) -> int:
    """The watchdog sweep: keeps what it finds and tells operations; the banner shows what stopped.

    Of a dialer that has fallen silent it tells people, once. When all is well it says so outside:
    a monitor that hears nothing calls somebody.
    """
    silences.tell(at=at)
    found = findings.look(at=at)
    if found == 0:
        outside.tell(at=at)
    return found or 0


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
    is no host to take out of service. A restored database that nobody has looked after is one.
    """
    stale, restored = heartbeats.stale(at=at), house.copied()
    return {
        "ready": not restored and not _guards(stale),
        "late": stale,
        "bounce_intake": intake.configured(),
        "restored": restored,
    }


def _guards(stale: list[str]) -> bool:
    """Whether one of these is a sweep without which nobody may be called to sell."""
    return any(BY_NAME[name].guards_gate for name in stale)
