"""Which tables are ledgers, and how a row of one is turned into a hash."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import connection
from django.db.models import Model, UUIDField
from psycopg import sql

from crm.columns import StretchField

COLUMNS = """
SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname COLLATE "C")
FROM pg_attribute a WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
"""
# What PostgreSQL writes for a value must not depend on who asks.
MANNERS = """
SELECT set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, YMD', true),
    set_config('intervalstyle', 'postgres', true), set_config('extra_float_digits', '1', true),
    set_config('bytea_output', 'hex', true)
"""


@dataclass(frozen=True)
class Ledger:
    """An append-only table whose rows are sealed. `month_of`: the column by which it is pruned."""

    table: str
    model: type[Model]
    uuid: bool
    month_of: str

    @property
    def key_bytes(self) -> int:
        """Length of a key in a manifest."""
        return 16 if self.uuid else 8

    @property
    def send(self) -> sql.SQL:
        """The function that gives the key's bytes."""
        return sql.SQL("uuid_send" if self.uuid else "int8send")

    @property
    def part(self) -> sql.Composable:
        """What a row is pruned with, as text; empty where nothing is ever pruned."""
        if not self.month_of:
            return sql.SQL("''")
        month = sql.SQL("to_char({} AT TIME ZONE 'UTC', 'YYYY-MM')")
        return month.format(sql.Identifier(self.month_of))

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.table)

    def columns(self) -> str:
        """What the table has now, in the order of the names, each quoted."""
        with connection.cursor() as cursor:
            cursor.execute(COLUMNS, [self.table])
            return str(cursor.fetchone()[0])


def all_ledgers() -> list[Ledger]:
    """Every model with a stretch, in the order of their tables."""
    return sorted(_declared(), key=lambda ledger: ledger.table)


def _declared() -> Iterator[Ledger]:
    for model in apps.get_models():
        for field in model._meta.fields:
            if isinstance(field, StretchField):
                uuid = isinstance(model._meta.pk, UUIDField)
                yield Ledger(model._meta.db_table, model, uuid, field.by_month)


def named(table: str) -> Ledger | None:
    """The ledger of that table."""
    return next((ledger for ledger in all_ledgers() if ledger.table == table), None)


def by_fixed_manners() -> None:
    """From here to the end of the transaction every value is written in one way."""
    with connection.cursor() as cursor:
        cursor.execute(MANNERS)
