"""`manage.py import_campaign FILE --campaign SLUG`: whom to call; `campaign SLUG --add FILE`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from crm.models import Campaign


class Command(BaseCommand):
    help = "Puts the customers of a file, references or phone numbers, on a campaign's list."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file")
        parser.add_argument("--campaign", required=True, help="slug of one that exists")
        parser.add_argument("--leave-bad", action="store_true", help="without the bad lines")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["campaign"]
        if not Campaign.objects.filter(slug=slug).exists():
            raise CommandError(f"There is no campaign {slug!r}; `campaign {slug}` makes one.")
        words = [slug, "--add", options["file"]]
        words += ["--leave-bad"] if options["leave_bad"] else []
        call_command("campaign", *words, stdout=self.stdout)
