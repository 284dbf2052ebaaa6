"""A house with rows in every ledger, and the same under seals."""

from __future__ import annotations

import pytest
from django.db import connection

from crm.chain import sealing
from crm.models import Seal, Turn
from tests.cast import MINUTE, START, assemble
from tests.crm.chain import rows
from tests.crm.chain.rows import Written


@pytest.fixture
def written(db: None) -> Written:
    """Two rows or more in every ledger, none of them sealed."""
    cast = assemble()
    return Written(cast, rows.in_every_ledger(cast))


@pytest.fixture
def sealed(written: Written) -> Written:
    """The same, under four seals."""
    seal_here(0)
    for n in range(3):
        rows.once_more(written.cast, written.promise, n + 2)
        seal_here(n + 1)
    assert Seal.objects.count() == 4
    return written


def seal_here(minute: int) -> None:
    """Seals in the transaction of a test, in which nobody else can write.

    A turn waits for its own transaction to end, so this one pretends to come from another server.
    """
    now = START + minute * MINUTE
    with connection.cursor() as cursor:
        cursor.execute(sealing.NEXT)
        turned = {"stretch": cursor.fetchone()[0], "xact": 1, "house": 1, "at": now}
    Turn.objects.update_or_create(defaults=turned)
    sealing.seal(at=now)


@pytest.fixture(autouse=True)
def nothing_written_yet(request: pytest.FixtureRequest) -> None:
    """The ledgers are empty: what a migration or another room's test wrote is not counted here."""
    if "transactional_db" in request.fixturenames:
        request.getfixturevalue("transactional_db")
        tables = ", ".join(rows.LEDGERS)
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {tables} CASCADE")
