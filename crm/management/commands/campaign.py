"""`manage.py campaign SLUG --policy be`: why we call, and by which rules. Lists without SLUG."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from config import clock
from crm import campaigns, policies
from crm.actors import SYSTEM
from crm.models import Campaign


class Command(BaseCommand):
    help = "Makes or changes a campaign; without a slug it lists them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?", default="")
        parser.add_argument("--name", default="")
        parser.add_argument("--purpose", default="", choices=["", *Campaign.Purpose.values])
        parser.add_argument("--policy", default="", help="one that `policies` lists")
        state = parser.add_mutually_exclusive_group()
        state.add_argument("--active", action="store_true", default=None)
        state.add_argument("--closed", action="store_false", dest="active")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["slug"]:
            for row in Campaign.objects.all():
                self._say(row)
            return
        said = {name: options[name] for name in ("name", "purpose", "policy", "active")}
        try:
            row, _new = campaigns.put(slug=options["slug"], by=SYSTEM, at=clock.now(), **said)
        except (policies.UnknownPolicy, ValidationError) as error:
            words = error.messages if isinstance(error, ValidationError) else [str(error)]
            raise CommandError(" ".join(words)) from error
        self._say(row)

    def _say(self, row: Campaign) -> None:
        state = "" if row.active else ", closed"
        self.stdout.write(f"{row.slug}: {row.name}, {row.purpose}, policy {row.policy}{state}")
