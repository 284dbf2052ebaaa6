"""`manage.py import_list NAME FILE --date 2026-11-20`: our copy of a national do-not-call list."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import clock
from crm import policies, registries
from crm.actors import SYSTEM
from crm.registries import Difference, Refused
from crm.tables import Unreadable


class Command(BaseCommand):
    help = (
        "Compares a file of number or number;date with our copy of a national do-not-call list,"
        " and with --apply makes it our copy, whole or not at all."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="as the policies call it, such as dncm")
        parser.add_argument("file", type=Path)
        parser.add_argument("--date", required=True, type=_day, help="the day of which the list is")
        parser.add_argument("--apply", action="store_true", help="else it is only compared")
        parser.add_argument(
            "--force", action="store_true", help="also when it is older, or loses many numbers"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        known = {rule.name for policy in policies.every() for rule in policy.rules.lists}
        if options["name"] not in known:
            raise CommandError(
                f"No policy asks for this list; they ask for {', '.join(sorted(known))}."
            )
        try:
            found = registries.bring_in(
                options["file"],
                name=options["name"],
                as_of=options["date"],
                by=SYSTEM,
                at=clock.now(),
                apply=options["apply"],
                forced=options["force"],
            )
        except (Unreadable, Refused) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        self._report(found, applied=options["apply"])

    def _report(self, found: Difference, *, applied: bool) -> None:
        said = "" if applied else "would be "
        self.stdout.write(
            f"{found.numbers} numbers ({found.before} before): {found.added} {said}added,"
            f" {found.removed} {said}removed, {len(found.refused)} lines refused"
        )
        if found.refused:
            first = ", ".join(str(line) for line in found.refused[:20])
            self.stdout.write(f"Refused lines: {first}{'…' if len(found.refused) > 20 else ''}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("write the day as 2026-11-20") from error
