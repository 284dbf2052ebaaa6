"""Whether this database is the house or a copy of it: the only writer of House.

A copy (a dump that was restored) knows nothing of what was done after it was taken. Nothing may be
sent from it until somebody has said so (followups/restoring.py).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from crm.actors import SYSTEM, Actor
from crm.models import House

# More than was ever made between a dump and the day it was needed.
LEAP = 1_000_000
# The row, and where we are.
LOOK = """
SELECT here.cluster, here.database, house.cluster, house.database
FROM (
    SELECT system_identifier AS cluster,
        (SELECT oid::bigint FROM pg_database WHERE datname = current_database()) AS database
    FROM pg_control_system()
) AS here
LEFT JOIN crm_house AS house ON house.id = 1
"""
LEAPS = """
SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, last_value + %s)
FROM pg_sequences WHERE schemaname = current_schema() AND last_value IS NOT NULL
    AND last_value + %s < max_value
"""


class Copied(RuntimeError):
    """These rows were written by another house, and nobody has looked after them."""


@dataclass(frozen=True)
class Here:
    """Which server and which database this is."""

    cluster: int
    database: int


def check(*, at: datetime) -> None:
    """Raises Copied for a restored database. The first to ask makes a new database the house."""
    here, known = _look()
    if known is None:
        _take_over(here, by=SYSTEM, at=at)
    elif known != here:
        raise Copied(
            "This database was restored from a copy. Nothing leaves it before somebody has run"
            " `manage.py after_restore` (docs/operations.md)."
        )


def copied() -> bool:
    """Whether check() would refuse. Writes nothing."""
    here, known = _look()
    return known not in {None, here}


def _look() -> tuple[Here, Here | None]:
    with connection.cursor() as cursor:
        cursor.execute(LOOK)
        cluster, database, known_cluster, known_database = cursor.fetchone()
    known = None if known_cluster is None else Here(known_cluster, known_database)
    return Here(cluster, database), known


def settle(*, by: Actor, at: datetime) -> list[str]:
    """From now on this database is the house; returns the names of secrets that are others.

    Every number that is given out leaps ahead: what was made after the copy was taken is gone from
    here, and a letter, a dialer or a print provider may still name it.
    """
    here, _known = _look()
    row = House.objects.filter(pk=1).first()
    before = {"SECRET_KEY": row.secret_print, "HASH_PEPPER": row.pepper_print} if row else {}
    with connection.cursor() as cursor:
        cursor.execute(LEAPS, [LEAP, LEAP])
    House.objects.filter(pk=1).delete()
    _take_over(here, by=by, at=at)
    return [name for name, seen in before.items() if seen != _print(name)]


def _take_over(here: Here, *, by: Actor, at: datetime) -> None:
    row = House(
        pk=1,
        cluster=here.cluster,
        database=here.database,
        epoch=secrets.randbits(62),
        secret_print=_print("SECRET_KEY"),
        pepper_print=_print("HASH_PEPPER"),
        since_at=at,
        since_by=by.code,
    )
    House.objects.bulk_create([row], ignore_conflicts=True)


def _print(name: str) -> str:
    """Tells one secret from another, and nothing else about it."""
    secret: str = getattr(settings, name)
    return hmac.new(secret.encode(), b"house", hashlib.sha256).hexdigest()[:16]
