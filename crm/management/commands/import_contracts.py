"""`manage.py import_contracts FILE`: contracts in force; `import_file contracts`, started."""

from __future__ import annotations

from crm.management.commands.import_file import OfKind
from crm.models import Import


class Command(OfKind):
    help = "Brings contracts in force in from CSV or XLSX; with --dry-run it is only checked."
    kind = Import.Kind.CONTRACTS
