"""`manage.py import_attempts FILE`: calls of a former system; `import_file attempts`, started."""

from __future__ import annotations

from crm.management.commands.import_file import OfKind
from crm.models import Import


class Command(OfKind):
    help = "Brings calls of a former system in from CSV or XLSX; with --dry-run it is only checked."
    kind = Import.Kind.ATTEMPTS
