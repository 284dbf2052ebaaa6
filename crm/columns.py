"""Columns that several tables share."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.expressions import RawSQL


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
