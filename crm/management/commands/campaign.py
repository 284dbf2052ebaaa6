"""`manage.py campaign SLUG --policy be --add FILE`: why we call, by which rules, and whom.

Without SLUG it lists the campaigns.
"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from config import clock
from crm import campaign_files, campaigns, policies
from crm.actors import SYSTEM
from crm.campaign_files import Taken
from crm.models import Campaign
from crm.tables import Unreadable

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Makes or changes a campaign, and puts customers on its list; without a slug it lists the"
        " campaigns."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?", default="")
        parser.add_argument("--name", default="")
        parser.add_argument("--purpose", default="", choices=["", *Campaign.Purpose.values])
        parser.add_argument("--policy", default="", help="one that `policies` lists")
        state = parser.add_mutually_exclusive_group()
        state.add_argument("--active", action="store_true", default=None)
        state.add_argument("--closed", action="store_false", dest="active")
        parser.add_argument("--tries", type=int, dest="most_tries", help="most tries per customer")
        parser.add_argument("--rest-hours", type=int, help="between two tries")
        parser.add_argument(
            "--add", type=Path, metavar="FILE", help="references or phone numbers, one a line"
        )
        parser.add_argument(
            "--leave-bad", action="store_true", help="take the good lines of a file with bad ones"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["slug"]:
            for row in Campaign.objects.all():
                self._say(row)
            return
        names = ("name", "purpose", "policy", "active", "most_tries", "rest_hours")
        said = {name: options[name] for name in names}
        try:
            row, _new = campaigns.put(slug=options["slug"], by=SYSTEM, at=clock.now(), **said)
        except (policies.UnknownPolicy, ValidationError) as error:
            words = error.messages if isinstance(error, ValidationError) else [str(error)]
            raise CommandError(" ".join(words)) from error
        self._say(row)
        if options["add"]:
            self._add(row, options["add"], leave_bad=options["leave_bad"])

    def _add(self, campaign: Campaign, path: Path, *, leave_bad: bool) -> None:
        try:
            taken = campaign_files.take_in(
                path, campaign=campaign, by=SYSTEM, at=clock.now(), leave_bad=leave_bad
            )
        except Unreadable as error:
            raise CommandError(str(error)) from error
        for line, why in taken.faults[:SHOWN]:
            self.stdout.write(f"line {line}: {why}")
        if len(taken.faults) > SHOWN:
            self.stdout.write(f"… and {len(taken.faults) - SHOWN} lines more")
        if taken.added is None:
            raise CommandError(
                f"{len(taken.faults)} of {taken.lines} lines are bad, so nothing was added."
                " Mend them, or take the others with --leave-bad."
            )
        self._report(taken)

    def _report(self, taken: Taken) -> None:
        if taken.added:
            self.stdout.write(
                f"{taken.added.new} added, {taken.added.known} were on the list,"
                f" {taken.added.done} were done with, {taken.doubled} stood twice in the file,"
                f" {len(taken.faults)} bad lines left out"
            )

    def _say(self, row: Campaign) -> None:
        state = "" if row.active else ", closed"
        self.stdout.write(f"{row.slug}: {row.name}, {row.purpose}, policy {row.policy}{state}")
