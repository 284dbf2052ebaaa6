"""`manage.py scrub IN.csv OUT.csv`: the nightly list, with the gate's answer beside each row."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import clock
from crm.actors import SYSTEM
from crm.models import Campaign
from crm.policies import UnknownPolicy
from crm.tables import Unreadable
from followups import listing, scrub, verdicts
from followups.scrub import Listener, Tally

SHOWN = 20  # lines that cannot be read are told one by one up to here


class Command(BaseCommand):
    help = (
        "Judges every number of a list: rows in order, columns kept; decision, code, not_before"
        " and scrub_id are added. Any encoding; comma, semicolon, tab or |; with or without a"
        " heading. Rows that cannot be read are denied."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path, metavar="IN.csv")
        parser.add_argument("target", type=Path, metavar="OUT.csv")
        parser.add_argument("--column", default="", help="name, or place from 1; else found out")
        parser.add_argument("--delimiter", default="", help="else found out")
        parser.add_argument("--no-header", action="store_true", help="the first row is a number")
        parser.add_argument("--purpose", default="sales", choices=["sales", "survey"])
        parser.add_argument("--campaign", help="its policy and purpose hold")
        parser.add_argument("--drop", action="store_true", help="leave out what is denied")

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["target"]
        part = target.with_name(f"{target.name}.part")
        try:
            tally = self._scrub(part, options)
            part.replace(target)
        except (Unreadable, UnknownPolicy) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        finally:
            part.unlink(missing_ok=True)
        self._report(tally)

    def _scrub(self, part: Path, options: dict[str, Any]) -> Tally:
        campaign = _campaign(options["campaign"])
        rows = listing.look_at(
            options["source"],
            column=options["column"],
            delimiter=options["delimiter"].replace("\\t", "\t"),
            heading=False if options["no_header"] else None,
        )
        terms = verdicts.terms(
            purpose=options["purpose"],
            campaign=campaign,
            without=verdicts.BY_THE_CLOCK,
            by=SYSTEM,
            at=clock.now(),
        )
        self._told = 0
        with part.open("wb") as file:
            return scrub.run(
                rows,
                file,
                terms=terms,
                drop=options["drop"],
                campaign=campaign,
                listener=Listener(self._progress, self._unreadable),
                by=SYSTEM,
            )

    def _progress(self, tally: Tally) -> None:
        self.stdout.write(f"{tally.rows} rows read, {tally.unreadable} cannot be read")
        self.stdout.flush()

    def _unreadable(self, line: int, why: str) -> None:
        self._told += 1
        if self._told <= SHOWN:
            self.stderr.write(f"line {line} {why}")

    def _report(self, tally: Tally) -> None:
        for code, count in tally.codes.most_common():
            self.stdout.write(f"{count:>12} {code}")
        self.stdout.write(
            f"{tally.rows} rows, {tally.denied} denied, {tally.unreadable} could not be read;"
            f" scrub {tally.id}"
        )
        if tally.codes["number_invalid"] * 2 > tally.rows:
            self.stderr.write("Most rows hold no telephone number: is it the right column?")


def _campaign(slug: str | None) -> Campaign | None:
    if not slug:
        return None
    campaign = Campaign.objects.filter(slug=slug).first()
    if campaign is None:
        raise CommandError(f"There is no campaign {slug!r}.")
    return campaign
