"""`manage.py import_consents FILE.csv`: consents to sales calls, from another system."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import clock
from crm import consent_rows
from crm.actors import SYSTEM
from crm.imports import Listener, Tally
from crm.refusals import Refusals
from crm.tables import Unreadable


class Command(BaseCommand):
    help = (
        "Imports consents: external_id, given, proof, and if there are any until, basis"
        " (consent or relation), origin, words. The same file again adds nothing. Refused rows"
        " are written with line number and reason; the others are imported."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="say what would happen")
        parser.add_argument("--errors", type=Path, help="FILE.errors.csv when not given")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        beside = None if options["dry_run"] else path.with_suffix(".errors.csv")
        refusals = Refusals(options["errors"] or beside)
        try:
            tally = consent_rows.bring_in(
                path,
                by=SYSTEM,
                at=clock.now(),
                dry_run=options["dry_run"],
                listener=Listener(refusals.add, self._progress),
            )
        except Unreadable as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        finally:
            refusals.close()
        verb = "would be " if options["dry_run"] else ""
        self.stdout.write(
            f"{tally.read} rows: {tally.became['new']} {verb}new, {tally.became['same']} on file"
            f" already, {tally.refused} {verb}refused"
        )
        if tally.refused and refusals.path:
            self.stdout.write(f"Line numbers and reasons: {refusals.path}")

    def _progress(self, tally: Tally) -> None:
        self.stdout.write(f"{tally.read} rows read, {tally.refused} refused")
        self.stdout.flush()
