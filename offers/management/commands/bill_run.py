"""`manage.py bill_run open|close|status|build|printed|mailed|return|back`: without screens."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import clock
from config.celery import nudge
from crm.actors import Actor
from crm.tables import Unreadable
from offers import bill_runs, mail_room, print_files, queries, returned, returns
from offers.models import PrintRun

PATIENCE = 300  # turns in which nothing moved
BY = Actor(code=f"command:{os.environ.get('USER', 'unknown')[:30]}")


class Command(BaseCommand):
    help = "Opens, closes, builds and settles bill runs and batches of letters."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        opened = acts.add_parser("open", help="the next one by plan, or one that you plan")
        opened.add_argument("--day", type=int, help="bill day of the month; without it, letters")
        opened.add_argument("--mailing", type=date.fromisoformat, help="the day on which it leaves")
        opened.add_argument("--cut-off", type=datetime.fromisoformat, help="with its offset")
        acts.add_parser("status", help="every run that is not over, with its alarms")
        acts.add_parser("build", help="builds what is closed, until nothing is left")
        for act in ("close", "printed", "mailed"):
            acts.add_parser(act).add_argument("run", type=int)
        file = acts.add_parser("return", help="takes in what the mail room sent back")
        file.add_argument("run", type=int)
        file.add_argument("file", type=Path)
        acts.add_parser("back", help="a sheet came back by post").add_argument("code")

    def handle(self, *args: Any, **options: Any) -> None:
        acts = {"return": self._return}
        acts.get(options["act"], getattr(self, f"_{options['act']}", self._status))(options)
        nudge("bill_runs")

    def _open(self, options: dict[str, Any]) -> None:
        kind = PrintRun.Kind.BATCH if options["day"] is None else PrintRun.Kind.BILL_RUN
        at, day = clock.now(), options["day"]
        if day is not None and not 1 <= day <= 28:
            raise CommandError("A bill day is one of 1 to 28.")
        if bool(options["mailing"]) != bool(options["cut_off"]):
            raise CommandError("A run that you plan needs both --mailing and --cut-off.")
        if options["mailing"]:
            run = bill_runs.open_run(
                kind=kind, bill_day=day, slot=_slot(kind, options), by=BY, at=at
            )
        else:
            run = bill_runs.open_next(kind=kind, bill_day=day, by=BY, at=at)
        if run is None:
            raise CommandError("That mailing has its run already.")
        self.stdout.write(f"{run.pk}  cut-off {run.cut_off_at}  leaves {run.mailing_date}")

    def _status(self, options: dict[str, Any]) -> None:
        for row in queries.runs(at=clock.now()):
            alarms = f"  ALARM {', '.join(row.alarms)}" if row.alarms else ""
            self.stdout.write(
                f"{row.run.pk:>6}  {row.run.kind:<8}  {row.run.mailing_date}  {row.run.status:<8}"
                f"  {row.lines:>7} sheets  {row.share:>3} %{alarms}"
            )

    def _build(self, options: dict[str, Any]) -> None:
        idle = 0
        while print_files.unready() and idle < PATIENCE:
            idle = 0 if mail_room.work(clock=clock.now) else idle + 1
            time.sleep(0.2 if idle else 0)  # somebody else is at the last step
        while mail_room.work(clock=clock.now):
            pass
        if print_files.unready():
            raise CommandError("A run could not be built; the log says why.")

    def _close(self, options: dict[str, Any]) -> None:
        self._said(bill_runs.close(run=_run(options), by=BY, at=clock.now()))

    def _printed(self, options: dict[str, Any]) -> None:
        self._said(bill_runs.printed(run=_run(options), by=BY, at=clock.now()))

    def _mailed(self, options: dict[str, Any]) -> None:
        self._said(bill_runs.mailed_whole(run=_run(options), by=BY, at=clock.now()))

    def _said(self, won: bool) -> None:
        if not won:
            raise CommandError("Not now: see `bill_run status`.")

    def _return(self, options: dict[str, Any]) -> None:
        try:
            file = returns.take_in(run=_run(options), path=options["file"], by=BY, at=clock.now())
        except Unreadable as error:
            raise CommandError(str(error)) from error
        for outcome, lines in sorted(file.counts.items()):
            self.stdout.write(f"{lines:>7}  {returned.OUTCOMES[outcome]}")
        for problem in file.problems:
            words = returned.OUTCOMES[str(problem["outcome"])]
            self.stdout.write(f"  line {problem['line']}: {words}")

    def _back(self, options: dict[str, Any]) -> None:
        if returns.came_back(code=options["code"], by=BY, at=clock.now()) is None:
            raise CommandError("No sheet that we printed has this mark.")


def _run(options: dict[str, Any]) -> PrintRun:
    run = PrintRun.objects.filter(pk=options["run"]).first()
    if run is None:
        raise CommandError("There is no such run.")
    return run


def _slot(kind: str, options: dict[str, Any]) -> Any:
    if options["cut_off"].tzinfo is None:
        raise CommandError("Write the cut-off with its offset: 2026-03-09T17:00+01:00")
    try:
        return bill_runs.planned(
            kind=kind, mailing_date=options["mailing"], cut_off_at=options["cut_off"]
        )
    except ValueError as error:
        raise CommandError(str(error)) from error
