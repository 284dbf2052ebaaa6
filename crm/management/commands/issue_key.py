"""`manage.py issue_key NAME --scope gate:read`: a key for a machine, shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from config import clock
from crm import keys
from crm.actors import Actor
from crm.models import Campaign, Team


class Command(BaseCommand):
    help = "Issues an API key and prints its secret; only a hash of it is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--scope", action="append", required=True, choices=list(keys.SCOPES), dest="scopes"
        )
        parser.add_argument(
            "--purpose",
            action="append",
            default=[],
            choices=Campaign.Purpose.values,
            dest="purposes",
        )
        parser.add_argument("--team", help="slug of the only team that the key works for")
        parser.add_argument("--days", type=int, help="how long the key is valid")
        parser.add_argument(
            "--per-minute",
            type=int,
            help=f"requests a minute; {keys.GATE_QUOTA} with gate:read, else {keys.QUOTA}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        at = clock.now()
        if options["days"] is not None and not 1 <= options["days"] <= 3660:
            raise CommandError(_("--days must be from 1 to 3660."))
        most = options["per_minute"]
        if most is not None and not 1 <= most <= keys.MOST_A_MINUTE:
            raise CommandError(
                _("--per-minute must be from 1 to %(most)d.") % {"most": keys.MOST_A_MINUTE}
            )
        issued = keys.issue(
            name=options["name"][:80],
            scopes=options["scopes"],
            purposes=options["purposes"],
            team=self._team(options["team"]),
            per_minute=most,
            expires_at=at + timedelta(days=options["days"]) if options["days"] else None,
            by=Actor(code="command:issue_key"),
            at=at,
        )
        self.stdout.write(issued.secret)

    def _team(self, slug: str | None) -> Team | None:
        if slug is None:
            return None
        team = Team.objects.filter(slug=slug).first()
        if team is None:
            raise CommandError(_("There is no team %(slug)s.") % {"slug": slug})
        return team
