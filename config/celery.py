"""The worker: one task, `kept.sweep`, that runs one line of the timetable."""

from __future__ import annotations

import logging
import os

import redis
from celery import Celery
from celery.signals import beat_init, setup_logging, worker_ready
from django.db import transaction

from config import broker, standin, timetable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")

app = Celery("kept")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["config"])
app.conf.beat_schedule = timetable.beat_schedule()
log = logging.getLogger(__name__)
# Milliseconds for which one nudge speaks for all: a turn that has not begun sees every row
# committed before it. A worker that died before it said `heard` costs this and no more.
SPEAKS_FOR_ALL = 2_000


def nudge(name: str) -> None:
    """After commit, asks a worker to run a sweep now instead of at its next turn.

    A lost nudge costs seconds, never work: the row is what counts. So a dead broker is
    written to the log and forgotten.
    """
    transaction.on_commit(lambda: _publish(name), robust=True)


def heard(name: str) -> None:
    """The worker's turn begins: what is committed from now on needs a nudge of its own."""
    try:
        broker.client().delete(_mark(name))
    except redis.RedisError as error:
        log.warning("nudge not taken off", extra={"sweep": name, "error": type(error).__name__})


def _first(name: str) -> bool:
    """Whether nobody else's nudge is still on its way to a worker."""
    try:
        return bool(broker.client().set(_mark(name), 1, nx=True, px=SPEAKS_FOR_ALL))
    except redis.RedisError:
        return True


def _mark(name: str) -> str:
    return f"kept:nudged:{name}"


def _publish(name: str) -> None:
    if not _first(name):
        return
    try:
        app.send_task("kept.sweep", kwargs={"name": name}, retry=True)
    except Exception as error:  # whatever the broker's client throws, the row is safe
        log.warning("nudge lost", extra={"sweep": name, "error": type(error).__name__})


@setup_logging.connect
def _keep_our_logging(**kwargs: object) -> None:
    """Celery leaves the root logger alone when somebody listens to this signal."""


@beat_init.connect
def _stand_in(**kwargs: object) -> None:
    standin.start()


@worker_ready.connect
def _grace(**kwargs: object) -> None:
    _publish_started()


def _publish_started() -> None:
    try:
        app.send_task("kept.started", retry=True)
    except Exception as error:
        log.warning("no grace after start", extra={"error": type(error).__name__})
