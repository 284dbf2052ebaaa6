"""`manage.py evidence_source add|list|rotate|off|on`: the providers that sign what they report."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from config import clock
from crm.actors import Actor
from offers import evidence_sources
from offers.evidence_sources import BadSource
from offers.models import EvidenceSource

BY = Actor(code="command:evidence_source")


class Command(BaseCommand):
    help = "Adds, lists, rotates and switches the print and mail providers that report evidence."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        add = acts.add_parser("add", help="makes a source and prints its secret once")
        add.add_argument("name", help="as it stands in `source`: small letters, digits, - and _")
        add.add_argument("--carries", choices=EvidenceSource.Carries.values, required=True)
        acts.add_parser("list", help="prints every source, without secrets")
        acts.add_parser("rotate", help="another secret; the old one ends at once").add_argument(
            "name"
        )
        for act, told in (("off", "takes its reports no longer"), ("on", "takes them again")):
            acts.add_parser(act, help=told).add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        at, act = clock.now(), options["act"]
        if act == "list":
            self._list()
        elif act == "add":
            self._add(options, at)
        elif act == "rotate":
            opened = evidence_sources.rotate(source=_named(options), by=BY, at=at)
            self.stdout.write(opened.secret)
        else:
            evidence_sources.switch(source=_named(options), on=act == "on", by=BY, at=at)

    def _add(self, options: dict[str, Any], at: datetime) -> None:
        name, carries = options["name"], options["carries"]
        try:
            opened = evidence_sources.add(name=name, carries=carries, by=BY, at=at)
        except BadSource as error:
            raise CommandError(str(error)) from error
        self.stdout.write(opened.secret)

    def _list(self) -> None:
        for source in EvidenceSource.objects.all():
            told = [source.name, source.carries, "off" if source.off_at else "on"]
            self.stdout.write("\t".join(told))


def _named(options: dict[str, Any]) -> EvidenceSource:
    source = EvidenceSource.objects.filter(name=options["name"]).first()
    if source is None:
        raise CommandError(_("There is no source %(name)s.") % {"name": options["name"]})
    return source
