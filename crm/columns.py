"""Columns that several tables share, and what an index makes of one."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Func
from django.db.models.expressions import RawSQL
from django.db.models.functions import Collate

SIGNS = "-'’.,/()"  # stand between words as a space does


def this_transaction() -> RawSQL:
    """The number of the transaction that writes, as the database counts them."""
    return RawSQL("(pg_current_xact_id()::text::bigint)", ())


class XactField(models.BigIntegerField):
    """The transaction that wrote the row, filled in by the database.

    Readers of a feed stop below the oldest running transaction, and the trigger
    "a state change has its event" compares with it.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs["db_default"] = this_transaction()
        kwargs["editable"] = False
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_default", None)
        kwargs.pop("editable", None)
        return name, path, args, kwargs


def this_stretch() -> RawSQL:
    """Which stretch of the audit chain is being written.

    The order matters: whoever has a transaction number before the stretch is turned is waited for
    (crm/chain/sealing.py).
    """
    return RawSQL(
        "(CASE WHEN pg_current_xact_id() IS NOT NULL"
        " THEN pg_sequence_last_value('crm_stretch'::regclass) END)",
        (),
    )


class StretchField(models.BigIntegerField):
    """In which stretch of the audit chain the row was written, filled in by the database.

    A model that has this field is a ledger (crm/chain/ledgers.py): what is written into it is
    sealed. Null: written before there was a chain. `by_month` names the instant by whose month
    (UTC) whole parts of the table may be pruned; a table without one is never pruned.
    """

    def __init__(self, *, by_month: str = "", **kwargs: Any) -> None:
        self.by_month = by_month
        kwargs |= {"null": True, "db_index": True, "editable": False}
        kwargs["db_default"] = this_stretch()
        super().__init__(**kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for given in ("null", "db_index", "editable", "db_default"):
            kwargs.pop(given, None)
        return name, path, args, kwargs


class Words(Func):
    """The words of a folded name, as they stand: no parser and no language guesses at them."""

    template = (
        "array_to_tsvector(array_remove(string_to_array("
        f"translate(%(expressions)s, '{SIGNS.replace(chr(39), chr(39) * 2)}',"
        f" '{' ' * len(SIGNS)}'), ' '), ''))"
    )
    output_field = SearchVectorField()


def in_order(field: str) -> Collate:
    """The order of the index, the same on every server."""
    return Collate(field, "C")
