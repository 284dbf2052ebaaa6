"""`manage.py verify_audit`: is everything that was sealed still as it was sealed?"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import clock
from crm.chain import heads, inspections, verifying
from crm.chain.heads import Head
from crm.chain.verifying import Outcome

EVERY = 5.0  # s between two words of progress


class Command(BaseCommand):
    help = "Recomputes the audit chain and says what was edited. Exit code 1 when something was."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", help="only seals from that day on: 2026-11-01 (UTC)")
        parser.add_argument(
            "--head",
            action="append",
            default=[],
            metavar="FILE|NUMBER:HASH",
            help="heads that were kept outside; the chain must still have them",
        )
        parser.add_argument(
            "--quiet", action="store_true", help="no progress, no note in the audit"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        since = _since(options["since"])
        given = _heads(options["head"])
        begun = self.spoken = time.monotonic()
        report = (lambda _done, _all: None) if options["quiet"] else self._progress
        outcome = verifying.verify(since=since, heads=given, report=report)
        if not options["quiet"]:
            inspections.note(outcome, at=clock.now())
        self._tell(outcome, time.monotonic() - begun)
        if outcome.faults:
            raise CommandError(f"{len(outcome.faults)} faults: the audit was changed.")

    def _progress(self, done: int, total: int) -> None:
        if time.monotonic() - self.spoken >= EVERY:
            self.spoken = time.monotonic()
            self.stderr.write(f"{done:,} of {total:,} rows")

    def _tell(self, outcome: Outcome, seconds: float) -> None:
        rate = f"{outcome.rows / max(seconds, 0.001):,.0f} rows/s"
        self.stdout.write(
            f"{outcome.seals:,} seals over {outcome.rows:,} rows in {seconds:.1f} s ({rate})"
        )
        if outcome.heads:
            self.stdout.write(f"{outcome.heads:,} heads from outside")
        for row in outcome.pruned:
            self.stdout.write(
                f"pruned: {row.part} of {row.ledger}, {row.rows:,} rows,"
                f" {row.at:%Y-%m-%d %H:%M} UTC by {row.by}"
            )
        for fault in outcome.faults:
            self.stdout.write(self.style.ERROR(f"{fault.code}: {fault.text}"))
        if not outcome.faults:
            head = f" Head: {outcome.newest}" if outcome.newest else ""
            self.stdout.write(f"Nothing was changed.{head}")


def _since(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise CommandError(f"{text!r} is no day like 2026-11-01.") from error


def _heads(given: list[str]) -> list[Head]:
    try:
        return [head for text in given for head in heads.given(text)]
    except (heads.NoHead, OSError) as error:
        raise CommandError(str(error)) from error
