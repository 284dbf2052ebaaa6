"""`manage.py import_customers FILE.csv`: customers from another system."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import clock
from crm import imports, mappings
from crm.actors import SYSTEM
from crm.imports import Listener, Tally
from crm.models import Team
from crm.refusals import Refusals
from crm.tables import Unreadable


class Command(BaseCommand):
    help = (
        "Imports customers from a CSV file: UTF-8 or Windows-1252, comma, semicolon or tab,"
        " headers in any order. The same file again changes nothing. Refused rows are written"
        " with line number and reason; the others are imported."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--mapping", type=Path, help="JSON: from, values, default, generate")
        parser.add_argument("--team", help="for customers whose row names no team")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen")
        parser.add_argument("--errors", type=Path, help="FILE.errors.csv when not given")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        refusals = Refusals(options["errors"] or path.with_suffix(".errors.csv"))
        if options["dry_run"] and not options["errors"]:
            refusals = Refusals(None)
        try:
            tally = imports.import_customers(
                path,
                mapping=mappings.load(options["mapping"]) if options["mapping"] else mappings.PLAIN,
                team=_team(options["team"]),
                dry_run=options["dry_run"],
                listener=Listener(refusals.add, self._progress),
                by=SYSTEM,
                at=clock.now(),
            )
        except (Unreadable, mappings.BadMapping) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        finally:
            refusals.close()
        self._report(tally, refusals, dry_run=options["dry_run"])

    def _progress(self, tally: Tally) -> None:
        self.stdout.write(f"{tally.read} rows read, {tally.refused} refused")
        self.stdout.flush()

    def _report(self, tally: Tally, refusals: Refusals, *, dry_run: bool) -> None:
        verb = "would be " if dry_run else ""
        self.stdout.write(
            f"{tally.read} rows: {tally.became['new']} {verb}new, {tally.became['changed']}"
            f" {verb}changed, {tally.became['same']} the same, {tally.refused} {verb}refused"
        )
        if tally.refused and refusals.path:
            self.stdout.write(f"Line numbers and reasons: {refusals.path}")


def _team(slug: str | None) -> Team | None:
    if not slug:
        return None
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        raise CommandError(f"There is no team {slug!r}.")
    return team
