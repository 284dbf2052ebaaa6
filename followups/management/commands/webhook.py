"""`manage.py webhook add|list|change|rotate|off|on|test|replay`: webhooks out, without screens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from config import clock
from config.celery import nudge
from crm.actors import Actor
from followups.models import WebhookEndpoint
from followups.terms import Refused
from followups.webhooks import endpoints, events, health, outbox

BY = Actor(code="command:webhook")


class Command(BaseCommand):
    help = "Adds, lists, changes, tests and switches the endpoints that are told of events."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        add = acts.add_parser("add", help="makes an endpoint and prints its secret once")
        add.add_argument("name", help="small letters, digits, - and _")
        change = acts.add_parser("change", help="another address or other events")
        change.add_argument("name")
        for one in (add, change):
            one.add_argument("url", help="https://…, on the public internet")
            one.add_argument(
                "--type",
                dest="types",
                action="append",
                choices=[*events.TYPES],
                metavar="kept.…",
                help="an event it is told of; without any: all, or those of before",
            )
        acts.add_parser("list", help="prints every endpoint with its health, without secrets")
        told = {
            "rotate": "another secret, printed once; the old one signs beside it for a day",
            "off": "tells it nothing any more; what waits stays",
            "on": "tells it again",
            "test": "sends a test event",
        }
        for act, words in told.items():
            acts.add_parser(act, help=words).add_argument("name")
        replay = acts.add_parser("replay", help="sends again what was given up")
        replay.add_argument("name")
        replay.add_argument(
            "--since",
            type=datetime.fromisoformat,
            help="instead: all that happened since then, also what was taken; with its offset",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        acts: dict[str, Callable[[dict[str, Any], datetime], None]] = {
            "add": self._add,
            "list": self._list,
            "change": self._change,
            "rotate": self._rotate,
            "off": self._off,
            "on": self._on,
            "test": self._test,
            "replay": self._replay,
        }
        try:
            acts[options["act"]](options, clock.now())
        except Refused as error:
            raise CommandError(str(error)) from error
        nudge("webhooks")

    def _add(self, options: dict[str, Any], at: datetime) -> None:
        types = options["types"] or [*events.TYPES]
        opened = endpoints.add(name=options["name"], url=options["url"], types=types, by=BY, at=at)
        self.stdout.write(opened.secret)

    def _change(self, options: dict[str, Any], at: datetime) -> None:
        endpoint = _named(options)
        types = options["types"] or endpoint.types
        endpoints.change(endpoint=endpoint, url=options["url"], types=types, by=BY, at=at)

    def _rotate(self, options: dict[str, Any], at: datetime) -> None:
        self.stdout.write(endpoints.rotate(endpoint=_named(options), by=BY, at=at).secret)

    def _off(self, options: dict[str, Any], at: datetime) -> None:
        endpoints.switch_off(endpoint=_named(options), by=BY, at=at)

    def _on(self, options: dict[str, Any], at: datetime) -> None:
        endpoints.switch_on(endpoint=_named(options), by=BY, at=at)

    def _test(self, options: dict[str, Any], at: datetime) -> None:
        self.stdout.write(outbox.test(endpoint=_named(options), by=BY, at=at).webhook_id)

    def _replay(self, options: dict[str, Any], at: datetime) -> None:
        endpoint, begin = _named(options), options["since"]
        if begin and begin.tzinfo is None:
            raise CommandError(_("The instant needs its offset, as in 2026-03-02T09:00+01:00."))
        rows = outbox.since(endpoint, at=begin) if begin else outbox.dead(endpoint)
        count = outbox.replay(endpoint=endpoint, rows=rows, by=BY, at=at)
        self.stdout.write(str(count))

    def _list(self, options: dict[str, Any], at: datetime) -> None:
        for row in health.of(WebhookEndpoint.objects.all()):
            taken = row.endpoint.last_ok_at
            told = [
                row.endpoint.name,
                row.host,
                row.state,
                f"waiting {row.waiting}",
                f"given up {row.dead}",
                taken.isoformat(timespec="seconds") if taken else "-",
            ]
            self.stdout.write("\t".join(told))


def _named(options: dict[str, Any]) -> WebhookEndpoint:
    endpoint = WebhookEndpoint.objects.filter(name=options["name"]).first()
    if endpoint is None:
        raise CommandError(_("There is no endpoint %(name)s.") % {"name": options["name"]})
    return endpoint
