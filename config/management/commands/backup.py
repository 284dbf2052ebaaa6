"""`manage.py backup FILE`: everything that is in the database, at one instant, in one file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import dumps


class Command(BaseCommand):
    help = (
        "Writes the whole database into one file, while the house works. The secrets of the"
        " settings are not in it: keep SECRET_KEY and HASH_PEPPER beside it, elsewhere."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--replace", action="store_true", help="a file of this name may go")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if path.exists() and not options["replace"]:
            raise CommandError(f"{path} exists, and stays as it is (--replace).")
        try:
            size = dumps.dump(path)
        except dumps.Failed as problem:
            raise CommandError(str(problem)) from problem
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        self.stdout.write(f"{path}: {size:,} bytes. SECRET_KEY and HASH_PEPPER are not in it.")
