"""`manage.py erase_customer C-000123 --ground asked --case GDPR-12 --by eva`: forgets a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from config import clock
from crm import access, forgetting, pull_list
from crm.actors import Actor
from crm.models import Customer, User


class Command(BaseCommand):
    help = "Forgets a person for good, or again those of a list after a restore."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reference", nargs="?", help="of the customer, like C-000123")
        parser.add_argument("--ground", "--reason", choices=forgetting.Ground.values)
        parser.add_argument("--case", help="number in the house's own register")
        parser.add_argument("--by", required=True, help="user name of an administrator")
        parser.add_argument("--again", type=Path, metavar="FILE", help="a list, after a restore")

    def handle(self, *args: Any, **options: Any) -> None:
        by = self._author(options["by"])
        if options["again"]:
            self._again(options["again"], by)
            return
        if not (options["reference"] and options["ground"] and options["case"]):
            raise CommandError(_("Say whom, with --ground and --case."))
        customer = Customer.objects.filter(reference=options["reference"].upper()).first()
        if customer is None:
            raise CommandError(_("There is no customer %(name)s.") % {"name": options["reference"]})
        try:
            gone = forgetting.forget(
                customer=customer,
                ground=options["ground"],
                case=options["case"],
                by=by,
                at=clock.now(),
            )
        except forgetting.Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        pull_list.write_down(at=clock.now())
        self.stdout.write(_("Forgotten: %(names)s") % {"names": ", ".join(gone)})

    def _again(self, path: Path, by: Actor) -> None:
        try:
            counts = pull_list.again(pull_list.read(path), by=by, at=clock.now())
        except (OSError, UnicodeError, pull_list.Unreadable) as error:
            raise CommandError(str(error)) from error
        for name in ("forgotten", "before", "unknown", "another"):
            self.stdout.write(f"{name} {counts[name]}")

    def _author(self, name: str) -> Actor:
        user = User.objects.filter(username=name).first()
        if user is None or not access.may(user, "forget_customers"):
            raise CommandError(_("%(name)s is no administrator who works here.") % {"name": name})
        return Actor.person(user)
