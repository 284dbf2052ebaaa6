"""`manage.py import_file KIND FILE`: the way in of the screen Imports, from beginning to end.

`import_contracts`, `import_attempts` and `import_suppressions` are the same for one kind, by the
names that other programs call.
"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import clock
from crm.actors import SYSTEM
from crm.importing import bad_lines, headings, jobs, kinds, work
from crm.models import Campaign, Import, Team
from crm.tables import Unreadable

LOOK = timedelta(seconds=2)


class Command(BaseCommand):
    help = (
        "Brings a file in as the screen does: CSV or XLSX, columns guessed from their headings or"
        " as they were chosen the last time. Without --start it is only checked, and waits on the"
        " screen."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=Import.Kind.values)
        parser.add_argument("file", type=Path)
        parser.add_argument("--team", help="of new customers whose line names none")
        parser.add_argument("--language", default="", choices=[c for c, _ in settings.LANGUAGES])
        parser.add_argument("--system", default="import", help="name of the former system (calls)")
        parser.add_argument("--purpose", default="sales", choices=Campaign.Purpose.values)
        parser.add_argument("--start", action="store_true", help="import it, once it is checked")
        parser.add_argument("--leave-bad", action="store_true", help="without the bad lines")
        parser.add_argument("--errors", type=Path, help="FILE.bad-lines.csv when not given")

    def handle(self, *args: Any, **options: Any) -> None:
        row = self._uploaded(options)
        self._worked(row)
        if row.status == Import.Status.REFUSED:
            raise CommandError(row.why)
        try:
            self._checked(row, options)
            if options["start"]:
                leave = options["leave_bad"]
                jobs.start(row=row, leave_bad=leave, by=SYSTEM, at=clock.now())
                self._worked(row)
        except jobs.Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        finally:
            self._told(row, options["errors"] or options["file"].with_suffix(".bad-lines.csv"))

    def _uploaded(self, options: dict[str, Any]) -> Import:
        path: Path = options["file"]
        try:
            return jobs.upload(
                path=path,
                name=path.name,
                kind=options["kind"],
                language="en",
                by=SYSTEM,
                at=clock.now(),
            )
        except Unreadable as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error

    def _checked(self, row: Import, options: dict[str, Any]) -> None:
        known = headings.remembered(row.kind, row.headings)
        columns = (
            headings.places(known.columns, row.headings)
            if known
            else headings.guess(row.headings, kinds.of(row).fields)
        )
        given = {name: options[name] for name in ("language", "system", "purpose")}
        given["team"] = _team(options["team"])
        chosen = {name: given[name] for name in kinds.of(row).options}
        jobs.choose(row=row, columns=columns, options=chosen, by=SYSTEM, at=clock.now())
        self._worked(row)

    def _worked(self, row: Import) -> None:
        """Until it waits for somebody. A worker that is up does a part of it."""
        row.refresh_from_db()
        while row.status in jobs.AT_WORK:
            until = clock.now() + LOOK
            while clock.now() < until and work.step(row, at=clock.now()):
                pass
            row.refresh_from_db()
            self.stdout.write(f"{row.status}: {work.share_done(row)} %")
            self.stdout.flush()

    def _told(self, row: Import, errors: Path) -> None:
        row.refresh_from_db()
        self.stdout.write(
            f"import {row.pk}, {row.status}: {row.lines} lines, {row.lines_new} new,"
            f" {row.lines_changed} changed, {row.lines_same} the same, {row.lines_bad} bad"
        )
        if row.lines_bad and not row.blanked_at:
            with errors.open("w", encoding="utf-8", newline="") as file:
                file.writelines(bad_lines.write(row))
            self.stdout.write(f"Bad lines with their reasons: {errors}")


class OfKind(Command):
    """Of one kind, and imported once it is checked; only checked with --dry-run."""

    kind: str

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="say what would happen")
        parser.add_argument("--leave-bad", action="store_true", help="without the bad lines")
        parser.add_argument("--errors", type=Path, help="FILE.bad-lines.csv when not given")
        parser.add_argument("--team", help="of new customers whose line names none")
        parser.add_argument("--system", default="import", help="name of the former system (calls)")
        parser.add_argument("--purpose", default="sales", choices=Campaign.Purpose.values)

    def handle(self, *args: Any, **options: Any) -> None:
        start = not options["dry_run"]
        super().handle(*args, **{**options, "kind": self.kind, "language": "", "start": start})


def _team(slug: str | None) -> int | None:
    if not slug:
        return None
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        raise CommandError(f"There is no team {slug!r}.")
    return team.pk
