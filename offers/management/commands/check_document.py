"""`manage.py check_document FILE…`: holds the PDF of an offer to its rules, in words."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from offers.proofreading import CHECKS, proofread


class Command(BaseCommand):
    help = "Checks PDFs of offers. Exit 0 when everything holds, 1 when something does not."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        faults = sum(self._check(path) for path in options["files"])
        if faults:
            raise CommandError(f"{faults} not right")

    def _check(self, path: Path) -> int:
        try:
            findings = proofread(path.read_bytes())
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from error
        for finding in findings:
            self.stdout.write(f"{path}: {finding}")
        if not findings:
            self.stdout.write(f"{path}: all right ({', '.join(CHECKS)})")
        return len(findings)
