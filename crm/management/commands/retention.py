"""`manage.py retention [--dry-run]`: empties what is too old, and goes on where it was killed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config import clock
from crm import retention
from crm.actors import Actor

BY = Actor(code="command:retention")


class Command(BaseCommand):
    help = "Empties what is older than its term (crm/data/retention.yaml), batch by batch."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="says how many, changes nothing")
        parser.add_argument("--only", choices=list(retention.terms()), help="one class")

    def handle(self, *args: Any, **options: Any) -> None:
        for name in retention.classes():
            if options["only"] in (None, name):
                term = retention.terms()[name]
                rows = self._rows(name, dry=options["dry_run"])
                self.stdout.write(f"{name:20} {term.days:>6} days  {rows:>9}")

    def _rows(self, name: str, *, dry: bool) -> int:
        if dry:
            return retention.due(name, at=clock.now())
        done = 0
        while rows := retention.apply(name, by=BY, at=clock.now()):
            done += rows
        return done
