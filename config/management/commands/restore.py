"""`manage.py restore FILE`: a backup into an empty database."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import dumps


class Command(BaseCommand):
    help = (
        "Reads a file that `backup` wrote into the database of DATABASE_URL, which must be empty:"
        " all of it or nothing. Then run migrate and after_restore, before anything else."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        try:
            dumps.restore(path)
        except dumps.Failed as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(
            f"{path} was restored. Nothing is sent from it before `manage.py migrate` and"
            " `manage.py after_restore`."
        )
