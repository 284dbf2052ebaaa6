"""`manage.py call_source add|list|rotate|map|off|on`: the dialers that report their calls."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from config import clock
from crm import call_sources
from crm.actors import Actor
from crm.call_maps import BadMap
from crm.call_sources import Dialect
from crm.models import CallSource, Campaign, Team

BY = Actor(code="command:call_source")


class Command(BaseCommand):
    help = "Adds, lists, rotates and switches the dialers that send call events."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        add = acts.add_parser("add", help="makes a source and prints its secret once")
        add.add_argument("name", help="as it stands in ?source=…: small letters, digits, - and _")
        self._dialect(add)
        add.add_argument("--scheme", choices=CallSource.Scheme.values, help="instead of the file's")
        add.add_argument("--zone", default=settings.TIME_ZONE, help="of instants without an offset")
        add.add_argument(
            "--region", default=settings.DEFAULT_COUNTRY, help="of numbers without a country code"
        )
        add.add_argument("--campaign", help="slug of the campaign of calls that name none")
        add.add_argument("--team", help="slug of the supplier's team")
        self._secret(add)
        acts.add_parser("list", help="prints every source, without secrets")
        rotate = acts.add_parser("rotate", help="another secret; the old one ends at once")
        rotate.add_argument("name")
        self._secret(rotate)
        remap = acts.add_parser("map", help="another field map, from a file")
        remap.add_argument("name")
        self._dialect(remap)
        for act, told in (("off", "listens to it no longer"), ("on", "listens to it again")):
            acts.add_parser(act, help=told).add_argument("name")

    def _dialect(self, parser: CommandParser) -> None:
        given = parser.add_mutually_exclusive_group(required=True)
        given.add_argument("--dialer", choices=call_sources.shipped())
        given.add_argument("--map", type=Path, help="a file like those in crm/data/call_sources")

    def _secret(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--secret-file",
            help="the dialer's own secret, from this file or - for standard input; never in the "
            "command, where everybody on the machine can read it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        acts: dict[str, Callable[[dict[str, Any], datetime], None]] = {
            "add": self._add,
            "list": self._list,
            "rotate": self._rotate,
            "map": self._map,
            "off": self._off,
            "on": self._on,
        }
        try:
            acts[options["act"]](options, clock.now())
        except BadMap as error:
            raise CommandError(str(error)) from error

    def _add(self, options: dict[str, Any], at: datetime) -> None:
        found = _dialect_of(options)
        if options["scheme"] and options["scheme"] != found.scheme:
            found = replace(found, scheme=options["scheme"], door={})
        opened = call_sources.add(
            name=options["name"],
            dialect=found,
            zone=options["zone"],
            region=options["region"],
            campaign=_campaign(options["campaign"]),
            team=_team(options["team"]),
            secret=_given(options),
            by=BY,
            at=at,
        )
        self._show(opened, options)

    def _rotate(self, options: dict[str, Any], at: datetime) -> None:
        source, secret = _named(options), _given(options)
        self._show(call_sources.rotate(source=source, secret=secret, by=BY, at=at), options)

    def _show(self, opened: call_sources.Opened, options: dict[str, Any]) -> None:
        """A secret that was made here is printed; one that was given is known already."""
        if not options["secret_file"]:
            self.stdout.write(opened.secret)

    def _map(self, options: dict[str, Any], at: datetime) -> None:
        fields = _dialect_of(options).fields
        call_sources.remap(source=_named(options), fields=fields, by=BY, at=at)

    def _off(self, options: dict[str, Any], at: datetime) -> None:
        call_sources.switch_off(source=_named(options), by=BY, at=at)

    def _on(self, options: dict[str, Any], at: datetime) -> None:
        call_sources.switch_on(source=_named(options), by=BY, at=at)

    def _list(self, options: dict[str, Any], at: datetime) -> None:
        for source in CallSource.objects.select_related("campaign", "team"):
            heard = source.last_heard_at
            told = [
                source.name,
                source.scheme,
                source.zone,
                source.campaign.slug if source.campaign else "-",
                source.team.slug if source.team else "-",
                "off" if source.off_at else "on",
                heard.isoformat(timespec="seconds") if heard else _("never heard"),
            ]
            self.stdout.write("\t".join(told))


def _dialect_of(options: dict[str, Any]) -> Dialect:
    shipped = call_sources.SHIPPED / f"{options['dialer']}.json"
    return call_sources.dialect(options["map"] or shipped)


def _given(options: dict[str, Any]) -> str:
    """The secret that the dialer gave us, if it did; the line's end is not a part of it."""
    name = options["secret_file"]
    if not name:
        return ""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(_("The secret cannot be read.")) from error
    if not text.strip():
        raise CommandError(_("The secret cannot be read."))
    return text.strip()


def _named(options: dict[str, Any]) -> CallSource:
    source = CallSource.objects.filter(name=options["name"]).first()
    if source is None:
        raise CommandError(_("There is no source %(name)s.") % {"name": options["name"]})
    return source


def _campaign(slug: str | None) -> Campaign | None:
    found = Campaign.objects.filter(slug=slug).first() if slug else None
    if slug and found is None:
        raise CommandError(_("There is no campaign %(slug)s.") % {"slug": slug})
    return found


def _team(slug: str | None) -> Team | None:
    found = Team.objects.filter(slug=slug).first() if slug else None
    if slug and found is None:
        raise CommandError(_("There is no team %(slug)s.") % {"slug": slug})
    return found
