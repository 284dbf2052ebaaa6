"""`manage.py demo`: fills an empty house with the demo. Refused outside the demo."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import clock
from followups import demo


class Command(BaseCommand):
    help = "Makes the demo's teams, people, customers and two weeks of promises, once."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            new = demo.load(at=clock.now())
        except demo.NotTheDemo as error:
            raise CommandError(str(error)) from error
        self.stdout.write("The demo was made." if new else "The demo is there already.")
