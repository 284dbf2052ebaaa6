"""`manage.py sweep`: every sweep once, without Celery; with --loop each at its own interval."""

from __future__ import annotations

import logging
import signal
import time
from argparse import ArgumentParser
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error, connections

from config import stopping, timetable

log = logging.getLogger("kept.sweep")
AGAIN = 2.0  # seconds between two tries to reach the database at the start


class Command(BaseCommand):
    help = "Runs every sweep once and says how many rows each moved; fails when one threw."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--loop", action="store_true", help="go on, each sweep at its own interval"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["loop"]:
            self._loop()
        elif not timetable.run_all(report=self._report):
            raise CommandError("A sweep failed; the log says why.")

    def _report(self, name: str, moved: int | None) -> None:
        self.stdout.write(f"{name:<12} {'failed' if moved is None else moved}")
        self.stdout.flush()

    def _loop(self) -> None:
        """Until SIGTERM or Ctrl-C, which let the row in hand come to its end, and not the queue."""

        def told(number: int, frame: FrameType | None) -> None:
            stopping.ask()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, told)
        try:
            self._until_told()
        finally:
            stopping.forget()
        log.info("stopped in order")

    def _until_told(self) -> None:
        self._begin()
        due = dict.fromkeys(timetable.BY_NAME, time.monotonic())
        while not stopping.asked():
            name = min(due, key=lambda candidate: due[candidate])
            if stopping.wait(max(0.0, due[name] - time.monotonic())):
                break
            sweep = timetable.BY_NAME[name]
            again = self._turn(name) and sweep.goes_on
            due[name] = time.monotonic() + (0 if again else sweep.every.total_seconds())

    def _begin(self) -> None:
        """One interval of grace for each sweep. A database that is away is waited for."""
        while not stopping.asked():
            try:
                timetable.started()
                return
            except Error:
                log.exception("the database does not answer")
                connections.close_all()
                stopping.wait(AGAIN)

    def _turn(self, name: str) -> int:
        """One sweep. One that throws is tried again at its next turn, on a new connection."""
        moved = 0
        try:
            moved = timetable.run(name)
        except Exception:
            log.exception("sweep failed", extra={"sweep": name})
            connections.close_all()
            self._report(name, None)
        else:
            if moved:
                self._report(name, moved)
        return moved
