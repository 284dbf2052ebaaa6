"""`manage.py forgotten_number +32470123456 --by eva [--lift]`: is it barred, and no more."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from config import clock
from crm import access, barring, forgotten, phone
from crm.actors import Actor
from crm.models import User


class Command(BaseCommand):
    help = "Says whether a number is barred because somebody who had it was forgotten; lifts that."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("number")
        parser.add_argument("--lift", action="store_true", help="somebody else has it by now")
        parser.add_argument("--by", required=True, help="user name of an administrator")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["by"]).first()
        if user is None or not access.may(user, "forget_customers"):
            words = _("%(name)s is no administrator who works here.")
            raise CommandError(words % {"name": options["by"]})
        try:
            e164 = phone.normalise(options["number"], settings.DEFAULT_COUNTRY)
        except phone.NotANumber as error:
            raise CommandError(str(error)) from error
        if not options["lift"]:
            barred = forgotten.is_barred(e164)
            self.stdout.write(_("barred") if barred else _("not barred"))
        elif barring.lift(e164=e164, by=Actor.person(user), at=clock.now()):
            self.stdout.write(_("It is barred no more."))
        else:
            raise CommandError(_("It was not barred."))
