"""`manage.py after_restore`: what a restored copy needs before anything runs on it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import clock
from crm import instants
from crm.actors import SYSTEM
from followups import restoring
from followups.restoring import Report
from followups.terms import Refused


class Command(BaseCommand):
    help = (
        "Makes a restored database the house: what may have been sent after the copy was taken is"
        " not sent again, everybody logs in anew, who follows the feed begins anew."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--nothing-lost",
            action="store_true",
            help="nothing was done after the copy was taken: the house stood still, or the"
            " server's log was replayed to its end. What waits is then sent.",
        )
        parser.add_argument(
            "--anyway",
            action="store_true",
            help="although it does not look like a copy: restored from files of the server",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = restoring.settle(
                nothing_lost=options["nothing_lost"],
                anyway=options["anyway"],
                by=SYSTEM,
                at=clock.now(),
            )
        except Refused as refusal:
            raise CommandError(f"{refusal} (--anyway for a copy of the server's files.)") from None
        self._report(report)

    def _report(self, report: Report) -> None:
        say = self.stdout.write
        if report.last_sweep_at:
            say(f"The copy is of {instants.exact(report.last_sweep_at)}: since then nothing.")
        say(f"{report.deliveries} mails may or may not have left; nothing is sent again by itself.")
        say(f"{report.notices} mails to colleagues were given up; they stand on the bell.")
        say(f"{report.slips} customers may or may not have been told of a slip.")
        say(f"{report.sessions} log-ins ended. Every feed begins anew.")
        for run in report.runs:
            cut = instants.exact(run.cut_off_at)
            say(f"Print run {run.pk} ({run.kind}, cut off {cut}): printed since? Not twice, then.")
        for name in report.secrets:
            say(f"{name} is not the one these rows were written with: see docs/operations.md.")
