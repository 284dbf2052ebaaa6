"""`manage.py load_plans [FILE.yaml]`: makes a file the catalogue of plans on sale."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import clock
from crm.actors import SYSTEM
from offers import catalogue


class Command(BaseCommand):
    help = (
        "Reads the plans on sale from a YAML file (Kept's own sample when none is given). The same"
        " file again changes nothing; a plan that it does not name is not offered any more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?", default=catalogue.PLANS)
        parser.add_argument("--if-empty", action="store_true", help="keep a catalogue that exists")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["if_empty"] and catalogue.active().exists():
            return
        try:
            loaded = catalogue.load(options["file"], by=SYSTEM, at=clock.now())
        except catalogue.NotACatalogue as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{loaded.on_sale} plans on sale, {loaded.retired} retired.")
