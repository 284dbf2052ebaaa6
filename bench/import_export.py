"""The peer: customers by django-import-export, the row of the customer alone.

    python -m bench.import_export FILE bulk|plain

Bulk is its fastest way: batches of a thousand, no look at what is there, no report of rows.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path

import django

django.setup()

import tablib  # noqa: E402
from django.utils import timezone  # noqa: E402
from import_export import fields, resources  # noqa: E402

from crm.models import Customer, Team  # noqa: E402

COLUMNS = ("external_id", "reference", "language", "country", "team_id", "created_at")


class Customers(resources.ModelResource):
    """By external id, as ours."""

    team_id = fields.Field(column_name="team_id", attribute="team_id")

    class Meta:
        model = Customer
        fields = COLUMNS
        import_id_fields = ("external_id",)
        use_bulk = sys.argv[2] == "bulk"
        batch_size = 1000
        skip_diff = sys.argv[2] == "bulk"
        force_init_instance = sys.argv[2] == "bulk"
        use_transactions = True


def main() -> None:
    team, at = Team.objects.get(slug="bench").pk, timezone.now().strftime("%Y-%m-%d %H:%M:%S")
    began = time.perf_counter()
    table = tablib.Dataset(headers=list(COLUMNS))
    with Path(sys.argv[1]).open(encoding="utf-8", newline="") as file:
        for n, row in enumerate(csv.DictReader(file, delimiter=";")):
            language = {"N": "nl", "F": "fr"}[row["Taal"]]
            table.append([row["Klantnummer"], f"C-{n:06d}", language, "BE", team, at])
    result = Customers().import_data(table, raise_errors=True)
    seconds = time.perf_counter() - began
    if result.has_errors() or Customer.objects.count() != len(table):
        raise SystemExit("not every line is a customer")
    sys.stdout.write(json.dumps({"rate": len(table) / seconds}))


if __name__ == "__main__":
    main()
