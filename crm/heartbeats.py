"""Heartbeats of the sweeps: when each last ran. The only writer of Heartbeat."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import F
from django.db.models.functions import Greatest

from config.timetable import BY_NAME, SWEEPS
from crm.models import Heartbeat

LEAST = timedelta(seconds=60)


def beat(*, name: str, at: datetime) -> None:
    """The sweep ran."""
    moved = Heartbeat.objects.filter(pk=name).update(beat_at=Greatest(F("beat_at"), at))
    if not moved:
        Heartbeat.objects.bulk_create([Heartbeat(name=name, beat_at=at)], ignore_conflicts=True)


def beat_all(*, at: datetime) -> None:
    """Every sweep of the timetable ran: one statement, or two when one of them never had before."""
    names = [sweep.name for sweep in SWEEPS]
    rows = Heartbeat.objects.filter(pk__in=names)
    if rows.update(beat_at=Greatest(F("beat_at"), at)) < len(names):
        new = [Heartbeat(name=name, beat_at=at) for name in names]
        Heartbeat.objects.bulk_create(new, ignore_conflicts=True)


def started(*, at: datetime, names: Iterable[str]) -> None:
    """A worker came up: one interval of grace for each sweep, once for each silence.

    A worker that only ever starts and dies gets no second grace: the first is renewed only
    after a heartbeat.
    """
    for name in names:
        until = at + max(BY_NAME[name].every, timedelta(seconds=15))
        row, new = Heartbeat.objects.get_or_create(
            name=name, defaults={"beat_at": at - allowed(name), "grace_until_at": until}
        )
        spent = row.grace_until_at is not None and row.grace_until_at > row.beat_at
        if not new and not spent:
            Heartbeat.objects.filter(pk=name).update(grace_until_at=until)


def last() -> dict[str, datetime]:
    """When each sweep last ran, whoever ran it."""
    return dict(Heartbeat.objects.values_list("name", "beat_at"))


def due(*, at: datetime) -> list[str]:
    """The sweeps whose turn has come by their heartbeat, or which never ran; in timetable order."""
    ran = last()
    return [
        sweep.name
        for sweep in SWEEPS
        if sweep.name not in ran or ran[sweep.name] + sweep.every <= at
    ]


def allowed(name: str) -> timedelta:
    """How old a heartbeat may grow: three intervals, never less than 60 s."""
    return max(BY_NAME[name].every * 3, LEAST)


def stale(*, at: datetime) -> list[str]:
    """The sweeps whose heartbeat is too old, or which never ran; in timetable order."""
    rows = {row.name: row for row in Heartbeat.objects.all()}
    late = []
    for sweep in SWEEPS:
        row = rows.get(sweep.name)
        fresh = row is not None and (
            row.beat_at + allowed(sweep.name) > at
            or (row.grace_until_at is not None and row.grace_until_at > at)
        )
        if not fresh:
            late.append(sweep.name)
    return late


def shift(*, by: timedelta) -> None:
    """The demo's clock jumped: what beat just now still beat just now."""
    Heartbeat.objects.update(beat_at=F("beat_at") + by)
