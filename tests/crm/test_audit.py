"""What is written into the audit and the ledgers stays: as the application, and by SQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from crm import audit, customers
from crm.audit_log import Question, page
from crm.chain import ledgers
from crm.models import AuditEntry, GateChange
from followups import checks
from tests.cast import START, SYSTEM, Cast

APPEND_ONLY = sorted(
    {ledger.table for ledger in ledgers.all_ledgers()}
    | {"crm_seal", "crm_sealform", "crm_sealpart"}
)
# What sounds like history and changes all the same, or is kept by others.
NO_LEDGER = {
    "AuditRound": "how far the watchdog has come",
    "OfferVersion": "emptied when its customer is forgotten; fixed until then by its own trigger",
    "PolicyVersion": "activated and dropped later; what it says is guarded by a trigger of its own",
    "LadderVersion": "activated and dropped later; each promise has its own copy",
}


@pytest.fixture
def as_the_app(db: None) -> Iterator[None]:
    """Test connections may empty tables; the application's may not (tests/conftest.py)."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL kept.flush = ''")
        yield
        cursor.execute("SET LOCAL kept.flush = 'allowed'")


# Rows of work that go away with it.
PASSING = {"ImportChange", "CampaignEntry"}


def triggers_of(model: Any) -> list[Any]:
    return list(getattr(model._meta, "triggers", ()))


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


def test_the_setting_of_the_test_suite_opens_nothing_elsewhere(db: None) -> None:
    """The guard asks for the name of the database too, which no session can choose."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.proname, p.prosrc FROM pg_proc p JOIN pg_trigger t ON t.tgfoid = p.oid"
            " WHERE t.tgname LIKE '%no_truncate%' GROUP BY 1, 2"
        )
        guards = cursor.fetchall()
    assert len(guards) >= len(APPEND_ONLY)
    for name, source in guards:
        assert "IF current_database() LIKE 'test\\_%'\n" in source, name
        assert "AND coalesce(current_setting('kept.flush', true), '') = 'allowed'" in source, name


def test_each_part_of_the_gate_checks_refuses_to_be_emptied(as_the_app: None) -> None:
    checks.keep_partitions(at=START)
    for part in ("followups_gatecheck_rest", f"followups_gatecheck_{START:%Y_%m}"):
        with pytest.raises(DatabaseError, match="append-only"):
            run(f"TRUNCATE {part}")


def test_nothing_that_reads_like_history_is_left_out() -> None:
    """A model of events, revisions, entries, versions or checks is a ledger, or says why not."""
    known = {ledger.model.__name__ for ledger in ledgers.all_ledgers()}
    endings = ("Event", "Revision", "Entry", "Version", "Check", "Change", "Choice", "Evidence")
    named = {
        model.__name__
        for model in apps.get_models()
        if model._meta.app_label in ("crm", "offers", "followups")
        and model.__name__.endswith(endings)
    }
    assert named - known - set(NO_LEDGER) - PASSING == set()


def test_every_append_only_table_is_under_seal() -> None:
    """Whoever guards a table against UPDATE and DELETE gives it a stretch too."""
    guarded = {
        model._meta.db_table
        for model in apps.get_models()
        if any(trigger.name.endswith("_append_only") for trigger in triggers_of(model))
    }
    assert guarded | {"followups_gatecheck"} == set(APPEND_ONLY)


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


def test_the_audit_of_one_day_is_found_without_reading_the_others(cast: Cast) -> None:
    later = ({"at": START + timedelta(minutes=n), "by": "user:1"} for n in range(20_000))
    rows = (AuditEntry(action="x", subject="y", **one) for one in later)
    AuditEntry.objects.bulk_create(rows, batch_size=5_000)
    day = Question(from_at=START, until_at=START + timedelta(hours=1))
    assert len(page(day).lines) == 50
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_auditentry")
    found = AuditEntry.objects.order_by("-pk").filter(at__gte=day.from_at, at__lt=day.until_at)
    plan = found[:51].explain()
    assert "audit_by_time" in plan and "Seq Scan" not in plan
