"""`manage.py check_docs`: links, commands and settings in the documents are real."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import docs


class Command(BaseCommand):
    help = "Checks that links, commands and settings in README and docs/ exist."

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = docs.faults()
        if wrong:
            raise CommandError("\n".join(wrong))
        self.stdout.write(f"{len(docs.pages())} pages are true to the code")
