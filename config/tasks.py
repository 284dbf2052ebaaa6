"""What Celery runs: a line of the timetable by its name."""

from __future__ import annotations

from celery import shared_task

from config import timetable


@shared_task(name="kept.sweep")
def sweep(*, name: str, **kwargs: object) -> None:
    timetable.run(name)


@shared_task(name="kept.started")
def started(**kwargs: object) -> None:
    timetable.started()
