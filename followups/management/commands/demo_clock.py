"""`manage.py demo_clock +25h`: puts the demo's clock forward. Refused outside the demo."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import clock, timetable
from config.celery import nudge
from crm.models import Team
from followups import demo, demo_clock


class Command(BaseCommand):
    help = "Puts the demo's clock forward: +25h, +1d, or opening (the next one of any team)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("step", help="+25h, +1d or opening")
        parser.add_argument(
            "--sweep", action="store_true", help="run every sweep here instead of asking a worker"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            demo.require()
            now = demo_clock.move(options["step"], teams=Team.objects.all(), at=clock.now())
        except (demo.NotTheDemo, demo_clock.BadStep) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"It is now {now:%A %d %B %Y %H:%M} UTC.")
        if options["sweep"]:
            timetable.run_all(report=lambda name, rows: None)
            return
        for sweep in timetable.SWEEPS:
            nudge(sweep.name)
