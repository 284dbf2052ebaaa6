"""`manage.py demo`: fills an empty house with the demo. Refused outside the demo."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import clock
from followups import demo

TELL_EVERY = timedelta(weeks=1)


class Command(BaseCommand):
    help = "Makes the demo's teams, people, customers and three months of promises, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--small", action="store_true", help="60 customers and two weeks: in some seconds"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        size = demo.SMALL if options["small"] else demo.FULL
        now = clock.now()
        try:
            lived = demo.load(at=now, size=size, heard=self._telling(now))
        except demo.NotTheDemo as error:
            raise CommandError(str(error)) from error
        if lived is None:
            self.stdout.write("The demo is there already.")
            return
        self.stdout.write("The demo was made.")
        if lived > now:
            self.stdout.write(
                f"Nobody may be called now: its clock stands at {lived:%A %H:%M} UTC."
            )

    def _telling(self, now: datetime) -> demo.Heard:
        """Each week that was lived through, as it is lived through."""
        told: list[datetime] = []

        def heard(at: datetime) -> None:
            if not told or at - told[-1] >= TELL_EVERY:
                told.append(at)
                self.stdout.write(f"living through the week of {at:%d %B %Y} …")
                self.stdout.flush()

        return heard
