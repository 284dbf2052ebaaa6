"""`manage.py export_customer C-000123 dossier.pdf --by chloe`: what is known of a person."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from config import clock
from crm.actors import Actor
from crm.models import Customer, User
from followups import own_data_paper


class Command(BaseCommand):
    help = "Writes everything known of a person to a .json or .pdf file (GDPR Art. 15)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reference")
        parser.add_argument("file", type=Path)
        parser.add_argument("--by", required=True, help="user name of who asks for it")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        kind = file.suffix.lower().removeprefix(".")
        if kind not in ("json", "pdf"):
            raise CommandError(_("The name of the file must end in .json or .pdf."))
        customer = Customer.objects.filter(reference=options["reference"].upper()).first()
        if customer is None:
            raise CommandError(_("There is no customer %(name)s.") % {"name": options["reference"]})
        user = User.objects.filter(username=options["by"], is_active=True).first()
        if user is None:
            raise CommandError(_("Nobody here is called %(name)s.") % {"name": options["by"]})
        made = own_data_paper.export(
            customer=customer, kind=kind, by=Actor.person(user), at=clock.now()
        )
        try:
            # Nobody else reads it, and nothing that lies there is overwritten.
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(str(error)) from error
        with os.fdopen(handle, "wb") as opened:
            opened.write(made)
        self.stdout.write(str(file))
