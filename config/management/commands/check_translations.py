"""`manage.py check_translations [--update]`: every string, in every language of the screens."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import translations


class Command(BaseCommand):
    help = "Checks that every string is translated; --update adds new strings to the catalogues."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--update", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        wrong: list[str] = []
        for locale in translations.LOCALES:
            if options["update"]:
                translations.update(locale)
            missing = translations.missing(locale)
            self.stdout.write(f"{locale}: {len(missing)} strings without a translation")
            wrong += [f"{locale}: no translation of {text!r}" for text in missing]
            wrong += translations.faults(locale)
        if wrong and not options["update"]:
            raise CommandError("\n".join(wrong))
