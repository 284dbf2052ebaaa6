"""Transactions: parts that succeed or fail with the whole that they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def joined() -> Iterator[None]:
    """Part of the transaction that is open; without one, a transaction of its own.

    Django's `atomic` inside another one sets a savepoint: two more exchanges with the server, so
    that a caller may catch the error and go on. For what is always part of something larger,
    there is nothing to go on with: an error that leaves it spoils the whole, and Django then
    refuses every statement until the outer block has rolled back.
    """
    with transaction.atomic(savepoint=not _is_part()):
        yield


def _is_part() -> bool:
    """A transaction that only the test around us opened is not one that we are part of."""
    blocks = connection.atomic_blocks
    return bool(blocks) and not getattr(blocks[-1], "_from_testcase", False)
