"""`manage.py import_suppressions FILE --list NAME`: do-not-call lists, our own or national."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management import call_command

from config import clock
from crm import instants
from crm.management.commands.import_file import OfKind
from crm.models import Import

OURS = "company"


class Command(OfKind):
    help = (
        "Brings a do-not-call list in: `company` is our own, any other name a national list as the"
        " policies call it (import_list). With --dry-run it is only checked."
    )
    kind = Import.Kind.DO_NOT_CALL

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--list", default=OURS, help=f"{OURS} when not given")
        parser.add_argument(
            "--date", type=date.fromisoformat, help="of a national list; today when not given"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"] == OURS:
            super().handle(*args, **options)
            return
        day = options["date"] or instants.house(clock.now()).date()
        name, file = options["list"], str(options["file"])
        words = [] if options["dry_run"] else ["--apply"]
        call_command("import_list", name, file, f"--date={day}", *words, stdout=self.stdout)
