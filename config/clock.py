"""What time is it? The database's clock, read once at the edge (and shifted in the demo)."""

from __future__ import annotations

from datetime import datetime

from django.db import connection


def now() -> datetime:
    """The product's time in UTC: the database's clock plus the demo's offset.

    One query. A worker whose own clock is wrong changes nothing, because nobody asks it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT kept_now()")
        (at,) = cursor.fetchone()
    instant: datetime = at
    return instant
