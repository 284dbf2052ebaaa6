"""What is written into the audit and the ledgers stays: as the application, and by SQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection, transaction

from crm import audit, customers
from crm.models import AuditEntry, GateChange
from tests.cast import START, SYSTEM, Cast

APPEND_ONLY = [
    "crm_auditentry",
    "crm_auditseal",
    "crm_attemptrevision",
    "crm_gatechange",
    "offers_offerversion",
    "offers_offerline",
    "offers_evidence",
    "offers_deliveryevent",
    "followups_promiseevent",
    "followups_escalation",
]


@pytest.fixture
def as_the_app(db: None) -> Iterator[None]:
    """Test connections may empty tables; the application's may not (tests/conftest.py)."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL kept.flush = ''")
        yield
        cursor.execute("SET LOCAL kept.flush = 'allowed'")


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_an_entry_says_who_did_what_when(cast: Cast) -> None:
    audit.write(action="looked", subject="customer:1", by=SYSTEM, at=START, data={"n": 1})
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject, entry.by, entry.at, entry.data) == (
        "looked",
        "customer:1",
        SYSTEM.code,
        START,
        {"n": 1},
    )
    assert entry.xact


@pytest.mark.parametrize(
    "statement", ["UPDATE crm_auditentry SET by = 'x'", "DELETE FROM crm_auditentry"]
)
def test_an_entry_stays_as_it_was_written(as_the_app: None, statement: str) -> None:
    audit.write(action="looked", subject="customer:1", by=SYSTEM, at=START)
    with pytest.raises(DatabaseError):
        run(statement)
    assert AuditEntry.objects.get().by == SYSTEM.code


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_no_ledger_can_be_emptied_as_the_app(as_the_app: None, table: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"):
        run(f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_every_ledger_has_its_row_trigger(db: None, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal"
            " AND tgenabled <> 'D' AND tgname LIKE %s",
            [table, "%append_only%"],
        )
        assert cursor.fetchone() == (1,)


def test_a_gate_change_stays(cast: Cast) -> None:
    customers.note_change(customer=cast.dupont, cause="test", at=START)
    with pytest.raises(DatabaseError), transaction.atomic():
        GateChange.objects.update(cause="other")
    with pytest.raises(DatabaseError), transaction.atomic():
        GateChange.objects.all()._raw_delete("default")
