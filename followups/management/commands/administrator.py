"""The first administrator of a house, and the way back in for one who has lost everything."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import clock
from crm import people
from crm.actors import Actor
from crm.models import User
from followups import password_letters


class Command(BaseCommand):
    help = "Adds an administrator, or takes the second factors of one away; prints a link."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--mail", default="", help="the mail address of somebody new")
        parser.add_argument("--name", default="", help="the first name of somebody new")

    def handle(self, *args: Any, **options: Any) -> None:
        by, at, name = Actor(code="command:administrator"), clock.now(), options["username"]
        user = User.objects.filter(username=name).first()
        if user is None:
            user = self._add(options, by, at)
        elif user.role != User.Role.ADMINISTRATOR or not user.is_active:
            raise CommandError(f"{name} is not an administrator who works here.")
        else:
            people.take_factors_away(user=user, by=by, at=at)
        self.stdout.write(password_letters.link_for(user))

    @staticmethod
    def _add(options: dict[str, Any], by: Actor, at: Any) -> User:
        if not options["mail"]:
            raise CommandError("Somebody new needs --mail.")
        facts = {
            "first_name": options["name"] or options["username"],
            "email": options["mail"],
            "role": User.Role.ADMINISTRATOR,
        }
        try:
            return people.add(username=options["username"], facts=facts, by=by, at=at)
        except people.Refused as refused:
            raise CommandError(str(refused)) from refused
