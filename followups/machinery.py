"""How the house itself is, for operations: its sweeps, its queues, who listens. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from config.timetable import SWEEPS, Sweep
from crm import heartbeats
from followups import auditing, findings, watch_words
from followups.models import Finding, Notice, Promise, Slip, WebhookMessage
from offers import canaries, intake
from offers.models import Canary, Delivery
from offers.models.deliveries import PAPER

SHOWN = 20  # subjects of a finding
HISTORY = timedelta(days=30)
MOST_CLOSED = 50


@dataclass(frozen=True)
class SweepState:
    """A line of the timetable: when it last ran, and whether that is too long ago."""

    sweep: Sweep
    words: str
    beat_at: datetime | None
    age: timedelta | None
    allowed: timedelta
    late: bool

    @property
    def state(self) -> str:
        """A code, for its colour."""
        if self.late:
            return "late" if self.beat_at else "never"
        return "well" if self.age is not None and self.age < self.allowed else "starting"


def sweeps(*, at: datetime) -> list[SweepState]:
    """The whole timetable."""
    last, late = heartbeats.last(), set(heartbeats.stale(at=at))
    return [
        SweepState(
            sweep=sweep,
            words=str(watch_words.SWEEPS.get(sweep.name, sweep.name)),
            beat_at=last.get(sweep.name),
            age=max(at - last[sweep.name], timedelta(0)) if sweep.name in last else None,
            allowed=heartbeats.allowed(sweep.name),
            late=sweep.name in late,
        )
        for sweep in SWEEPS
    ]


@dataclass(frozen=True)
class Queue:
    """Work that waits: how much, how much of it is due now, and since when the oldest is."""

    title: str
    waiting: int
    due: int
    oldest_at: datetime | None
    url: str = ""


def queues(*, at: datetime) -> list[Queue]:
    """Each in one statement, over an index that holds only what waits."""
    mail = Delivery.objects.filter(status__in=("queued", "retry")).exclude(channel__in=PAPER)
    rungs = Promise.objects.open().filter(next_rung_at__lte=at)
    bell = Notice.objects.filter(status__in=("queued", "claimed"))
    slips = Slip.objects.filter(next_try_at__isnull=False)
    hooks = WebhookMessage.objects.filter(status__in=("pending", "claimed"))
    return [
        _queue(_("Documents to send"), mail, "next_try_at", at, reverse("deliveries")),
        _queue(_("Rungs to climb"), rungs, "next_rung_at", at),
        _queue(_("Notices to mail"), bell, "next_try_at", at),
        _queue(_("Slips to tell customers"), slips, "next_try_at", at),
        _queue(_("Webhooks to send"), hooks, "next_try_at", at, reverse("webhooks")),
    ]


def _queue(title: str, rows: QuerySet[Any], column: str, at: datetime, url: str = "") -> Queue:
    due = Q(**{f"{column}__lte": at})
    found = rows.aggregate(
        waiting=Count("pk"), due=Count("pk", filter=due), oldest=Min(column, filter=due)
    )
    return Queue(title, found["waiting"], found["due"], found["oldest"], url)


@dataclass(frozen=True)
class Shown:
    """A finding in words, with the first of its subjects as people know them."""

    finding: Finding
    title: str
    todo: str
    subjects: list[str]
    more: int
    most: bool  # there may be more than were counted
    url: str


def shown(*, at: datetime) -> list[Shown]:
    """What is wrong now."""
    return [_shown(row) for row in findings.open_now()]


def _shown(row: Finding) -> Shown:
    words = watch_words.FINDINGS.get(row.code)
    about = words.about if words else ""
    first = row.subjects[:SHOWN]
    return Shown(
        finding=row,
        title=watch_words.title(row.code),
        todo=str(words.todo) if words else "",
        subjects=_named(about, first),
        more=max(0, row.rows - len(first)) if about else 0,
        most=row.rows >= auditing.MOST,
        url=reverse("deliveries") if about == "delivery" else "",
    )


def _named(about: str, subjects: list[str]) -> list[str]:
    if about == "promise":
        rows = Promise.objects.filter(pk__in=subjects).order_by("pk")
        return list(rows.values_list("reference", flat=True))
    if about == "delivery":
        held = Delivery.objects.filter(pk__in=subjects).order_by("pk")
        return list(held.values_list("text__reference", flat=True))
    return subjects if about == "sweep" else []


def gone(*, at: datetime) -> list[tuple[Finding, str]]:
    """What was wrong lately, in words."""
    rows = findings.closed(since=at - HISTORY)[:MOST_CLOSED]
    return [(row, watch_words.title(row.code)) for row in rows]


@dataclass(frozen=True)
class Listening:
    """Who listens for returned mail. `alive` is None when nobody is meant to."""

    name: str
    alive: bool | None
    seen_at: datetime | None
    canary: Canary | None
    flies: bool
    lost: bool
    bounces: bool  # the canary has to bounce, and does not only go straight to the return path


def listening(*, at: datetime) -> Listening:
    """The intake and its canary."""
    name = intake.expected()
    return Listening(
        name=name,
        alive=None if name == "none" else intake.alive(at=at),
        seen_at=intake.last_seen(),
        canary=canaries.last(),
        flies=canaries.fly(),
        lost=bool(canaries.lost(at=at)),
        bounces=bool(settings.CANARY_ADDRESS),
    )
