"""`manage.py demo_logins`: who can log in to the demo, and how. Refused outside the demo."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from followups import demo


class Command(BaseCommand):
    help = "Prints the demo's user names and passwords."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows = demo.logins()
        except demo.NotTheDemo as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Log in as:")
        for row in rows:
            place = f"{row.role}, {row.team}" if row.team else row.role
            self.stdout.write(f"  {row.username:<8} {row.password}   {place}")
