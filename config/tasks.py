"""What Celery runs: a line of the timetable by its name."""

from __future__ import annotations

from celery import shared_task

from config import timetable
from config.celery import heard, nudge


@shared_task(name="kept.sweep")
def sweep(*, name: str, **kwargs: object) -> None:
    heard(name)
    moved, line = timetable.run(name), timetable.BY_NAME[name]
    if moved and line.goes_on:
        nudge(name)


@shared_task(name="kept.started")
def started(**kwargs: object) -> None:
    for name in timetable.started():
        nudge(name)
