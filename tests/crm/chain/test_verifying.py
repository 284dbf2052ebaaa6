"""Whoever edits what was sealed is found, whatever they switched off before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from psycopg import sql

from crm.chain import heads, ledgers, pruning, sealing, statements, verifying
from crm.chain.differences import Fault
from crm.chain.heads import Head
from crm.models import AuditEntry, CustomerText, Pruned, Seal, Turn
from followups import checks
from followups.models import GateCheck, PromiseText
from offers.models import EvidenceText
from tests.cast import DAY, MINUTE, START, SYSTEM
from tests.crm.chain.conftest import seal_here
from tests.crm.chain.rows import LEDGERS, MONTH, Written, as_superuser, gate_check

# What can be edited in each without breaking another rule of its table.
COLUMN = {
    "crm_attemptrevision": "recorded_by",
    "crm_calendarversion": "made_by",
    "crm_preference": "set_by",
    "crm_gatechange": "cause",
    "crm_reply": "replied_by",
    "offers_evidence": "received_by",
    "offers_returnfile": "received_by",
}
# Rows that others point at stay while these do: the constraint comes first.
POINTED_AT = {"offers_returnfile", "crm_calendarversion"}


def faults(**more: Any) -> list[Fault]:
    return verifying.verify(**more).faults


def codes(**more: Any) -> list[str]:
    return [fault.code for fault in faults(**more)]


def first_key(table: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} ORDER BY id LIMIT 1")  # noqa: S608
        return cursor.fetchone()[0]


def test_what_nobody_touched_is_well(sealed: Written) -> None:
    outcome = verifying.verify()
    assert outcome.faults == []
    assert outcome.seals == 4
    assert outcome.newest == heads.of(Seal.objects.get(number=4))


@contextmanager
def for_once() -> Iterator[None]:
    """What is done in it is taken back, triggers and all."""
    point = transaction.savepoint()
    yield
    transaction.savepoint_rollback(point)


@pytest.mark.parametrize("table", LEDGERS)
def test_whatever_is_done_to_a_row_is_found_and_the_row_named(sealed: Written, table: str) -> None:
    key = first_key(table)
    with for_once():
        with as_superuser(table) as cursor:
            column = COLUMN.get(table, "by")
            cursor.execute(f"UPDATE {table} SET {column} = 'other' WHERE id = %s", [key])  # noqa: S608
        (fault,) = faults()
        assert (fault.code, fault.ledger, fault.keys) == ("edited", table, (str(key),))
        assert "edited after it was sealed" in fault.text
    with for_once():
        _slip_in(table)
        (fault,) = faults()
        assert (fault.code, fault.ledger, fault.seal) == ("inserted", table, 2)
    if table not in POINTED_AT:
        with as_superuser(table) as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE id = %s", [key])  # noqa: S608
        (fault,) = faults()
        assert (fault.code, fault.ledger, fault.keys) == ("deleted", table, (str(key),))


def _slip_in(table: str) -> None:
    """A copy of a row under another key: no trigger refuses an INSERT into a time gone by."""
    ledger = ledgers.named(table)
    assert ledger is not None
    columns = [c for c in ledger.columns().split(", ") if c not in ("id", "stretch")]
    taken = ", ".join(_another(table, column) for column in columns)
    with connection.cursor() as cursor:
        key = "gen_random_uuid()" if ledger.uuid else "987654"
        cursor.execute(
            f"INSERT INTO {table} (id, stretch, {', '.join(columns)}) SELECT {key},"  # noqa: S608
            f" (SELECT stretch FROM crm_seal WHERE number = 2), {taken}"
            f" FROM {table} ORDER BY id LIMIT 1"
        )


def _another(table: str, column: str) -> str:
    """The same value, but for what may be there only once."""
    once = {
        "crm_attemptrevision.revision": "revision + 99",
        "crm_calendarversion.number": "99",
        "crm_calendarversion.valid_from": "'2030-01-01'",
        "crm_pruned.part": "'2019-01'",
        "crm_reply.question_id": "987654",
        "offers_evidence.event_id": "'99'",
        "offers_returnfile.sha256": "'99'",
        "followups_escalation.rung": "99",
    }
    return once.get(f"{table}.{column}".replace('"', ""), column)


def test_an_edit_back_and_forth_leaves_no_trace(sealed: Written) -> None:
    entry = AuditEntry.objects.order_by("pk").first()
    assert entry is not None
    with as_superuser("crm_auditentry") as cursor:
        cursor.execute("UPDATE crm_auditentry SET by = 'x' WHERE id = %s", [entry.pk])
        cursor.execute("UPDATE crm_auditentry SET by = %s WHERE id = %s", [entry.by, entry.pk])
    assert codes() == []


def test_edited_deleted_and_inserted_are_told_apart_under_one_seal(sealed: Written) -> None:
    with as_superuser("crm_auditentry") as cursor:
        cursor.execute(
            "SELECT array_agg(id ORDER BY id) FROM crm_auditentry WHERE stretch = 1 OR "
            "stretch <= (SELECT stretch FROM crm_seal WHERE number = 1)"
        )
        keys = cursor.fetchone()[0]
        cursor.execute("UPDATE crm_auditentry SET at = at + interval '1 s' WHERE id = %s", keys[:1])
        cursor.execute("DELETE FROM crm_auditentry WHERE id = %s", keys[1:2])
        cursor.execute(
            "INSERT INTO crm_auditentry (id, at, by, action, subject, data, xact, stretch)"
            " SELECT 987654, at, by, action, subject, data, xact, stretch FROM crm_auditentry"
            " WHERE id = %s",
            keys[:1],
        )
    found = {fault.code: fault.keys for fault in faults()}
    assert found == {
        "edited": (str(keys[0]),),
        "deleted": (str(keys[1]),),
        "inserted": ("987654",),
    }


def test_a_row_that_claims_a_time_to_come_is_found(sealed: Written) -> None:
    with as_superuser("crm_auditentry") as cursor:
        cursor.execute(
            "INSERT INTO crm_auditentry (at, by, action, subject, data, stretch)"
            " VALUES (now(), 'x', 'x', 'x', '{}', 9000000000)"
        )
    assert codes() == ["ahead"]


def test_a_row_without_a_stretch_is_found(sealed: Written) -> None:
    with as_superuser("crm_auditentry") as cursor:
        cursor.execute(
            "INSERT INTO crm_auditentry (at, by, action, subject, data, stretch)"
            " VALUES (now(), 'x', 'x', 'x', '{}', NULL)"
        )
    (fault,) = faults()
    assert (fault.code, fault.seal) == ("inserted", 1)


def test_an_edited_seal_is_found(sealed: Written) -> None:
    with as_superuser("crm_seal") as cursor:
        cursor.execute(
            "UPDATE crm_seal SET sealed_at = sealed_at + interval '1 s' WHERE number = 2"
        )
    assert [(fault.code, fault.seal) for fault in faults()] == [("link", 2)]


def test_an_edited_part_is_found(sealed: Written) -> None:
    """An edited row, and the part of its seal made to agree with it."""
    with as_superuser("crm_auditentry") as cursor:
        cursor.execute("UPDATE crm_auditentry SET by = 'x'")
    with as_superuser("crm_sealpart"):
        _make_parts_agree()
    assert {fault.code for fault in faults()} == {"link"}
    assert {fault.seal for fault in faults()} == {1, 2, 3, 4}


def test_a_part_that_was_taken_away_is_found(sealed: Written) -> None:
    with as_superuser("crm_sealpart") as cursor:
        cursor.execute("DELETE FROM crm_sealpart WHERE seal_id = 3")
    found = faults()
    assert found[0].code == "link"
    assert {fault.seal for fault in found} == {3}


def test_a_seal_in_the_middle_that_is_gone_is_found(sealed: Written) -> None:
    with as_superuser("crm_sealpart") as cursor:
        cursor.execute("DELETE FROM crm_sealpart WHERE seal_id = 2")
    with as_superuser("crm_seal") as cursor:
        cursor.execute("DELETE FROM crm_seal WHERE number = 2")
    (fault,) = faults()
    assert (fault.code, fault.seal) == ("gap", 3)
    assert "Seal 2 is missing" in fault.text


def test_a_tail_that_was_cut_off_is_found(sealed: Written) -> None:
    _cut(2)
    assert set(codes()) == {"tail"}
    assert "their seals are gone" in faults()[0].text


def test_a_tail_that_was_cut_off_with_its_rows_is_found_by_the_head(sealed: Written) -> None:
    head = heads.of(Seal.objects.get(number=4))
    stretch = Seal.objects.get(number=3).stretch
    for table in sorted(LEDGERS, key=lambda table: table in POINTED_AT):
        with as_superuser(table) as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE stretch > {stretch}")  # noqa: S608
    _cut(3)
    Turn.objects.update(stretch=stretch + 1)
    assert codes() == []
    assert codes(heads=[head]) == ["head"]


def test_a_chain_that_was_made_anew_is_found_by_the_head(sealed: Written) -> None:
    head = heads.of(Seal.objects.get(number=3))
    with as_superuser("crm_auditentry") as cursor:
        cursor.execute("UPDATE crm_auditentry SET by = 'x'")
    with as_superuser("crm_seal"), as_superuser("crm_sealpart"):
        _make_parts_agree()
        _make_links_agree()
    assert codes() == []
    (fault,) = faults(heads=[head])
    assert fault.code == "head"
    assert "made anew" in fault.text


def test_a_head_of_this_chain_is_well(sealed: Written, tmp_path: Path) -> None:
    made = [heads.of(seal) for seal in Seal.objects.all()]
    file = tmp_path / "heads.txt"
    file.write_text("".join(f"{head} 2026-03-02T08:00:00+00:00\n" for head in made) + "7:ab")
    outcome = verifying.verify(heads=heads.given(str(file)))
    assert (outcome.faults, outcome.heads) == ([], 4)
    assert codes(heads=heads.given(str(made[0]))) == []


def test_a_head_from_beyond_the_chain_is_told(sealed: Written) -> None:
    (fault,) = faults(heads=[Head(99, "0" * 64)])
    assert "cut, or is a restored one" in fault.text


def test_since_looks_at_the_later_seals_only(sealed: Written) -> None:
    with as_superuser("crm_auditentry") as cursor:
        cursor.execute(
            "UPDATE crm_auditentry SET by = 'x' WHERE id = %s", [first_key("crm_auditentry")]
        )
    outcome = verifying.verify(since=START + 2 * MINUTE)
    assert (outcome.faults, outcome.seals) == ([], 2)
    assert codes(since=START) == ["edited"]


def test_what_is_not_sealed_yet_is_no_fault(sealed: Written) -> None:
    gate_check(sealed.cast, at=START)
    Turn.objects.update(xact=1, stretch=F("stretch") + 1)
    gate_check(sealed.cast, at=START)
    assert codes() == []


def test_after_blanking_what_names_a_person_the_chain_is_well(sealed: Written) -> None:
    EvidenceText.objects.update(words="")
    assert PromiseText.objects.update(words="", address="")
    assert CustomerText.objects.filter(customer=sealed.cast.dupont).update(name="")
    assert codes() == []


def test_a_month_that_was_pruned_under_seal_is_well(sealed: Written) -> None:
    rows = GateCheck.objects.filter(at__lt=START - DAY).count()
    assert checks.drop_month(MONTH.date(), by=SYSTEM, at=START + 4 * MINUTE) == rows > 0
    assert not GateCheck.objects.filter(at__lt=START - DAY).exists()
    assert codes() == []
    seal_here(5)
    outcome = verifying.verify()
    assert outcome.faults == []
    assert ("followups_gatecheck", "2026-02", rows) in [
        (row.ledger, row.part, row.rows) for row in outcome.pruned
    ]


def test_a_month_that_is_not_all_sealed_is_not_pruned(sealed: Written) -> None:
    made = gate_check(sealed.cast, at=MONTH)
    with pytest.raises(pruning.NotSealed, match="1 rows of 2026-02"):
        checks.drop_month(MONTH.date(), by=SYSTEM, at=START + 4 * MINUTE)
    assert GateCheck.objects.filter(pk=made).exists()
    assert not Pruned.objects.filter(part="2026-02").exists()


def test_a_month_from_which_something_is_gone_is_not_pruned(sealed: Written) -> None:
    with as_superuser("followups_gatecheck") as cursor:
        cursor.execute(
            "DELETE FROM followups_gatecheck WHERE id ="
            " (SELECT id FROM followups_gatecheck WHERE at < %s LIMIT 1)",
            [START - DAY],
        )
    with pytest.raises(pruning.NotSealed, match="verify_audit"):
        checks.drop_month(MONTH.date(), by=SYSTEM, at=START + 4 * MINUTE)


def test_a_month_that_is_gone_without_a_note_is_found(sealed: Written) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE followups_gatecheck_2026_02")
    assert set(codes()) == {"deleted"}


def test_a_row_slipped_into_a_pruned_month_is_found(sealed: Written) -> None:
    checks.drop_month(MONTH.date(), by=SYSTEM, at=START + 4 * MINUTE)
    made = gate_check(sealed.cast, at=MONTH)
    with as_superuser("followups_gatecheck") as cursor:
        cursor.execute(
            "UPDATE followups_gatecheck SET stretch ="
            " (SELECT stretch FROM crm_seal WHERE number = 2) WHERE id = %s",
            [made],
        )
    found = faults()
    assert ("inserted", (str(made),)) in [(fault.code, fault.keys) for fault in found]


def _cut(after: int) -> None:
    """Takes the seals behind this one away."""
    with as_superuser("crm_sealpart") as cursor:
        cursor.execute("DELETE FROM crm_sealpart WHERE seal_id > %s", [after])
    with as_superuser("crm_seal") as cursor:
        cursor.execute("DELETE FROM crm_seal WHERE number > %s", [after])


def _make_parts_agree() -> None:
    """What a superuser who knows the form can do: the parts of the audit, hashed anew."""
    ledger = ledgers.named("crm_auditentry")
    assert ledger is not None
    ledgers.by_fixed_manners()
    for seal in Seal.objects.order_by("number"):
        span = statements.Span(seal.number, seal.after_stretch, seal.stretch)
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL(
                    "UPDATE crm_sealpart p SET hash = n.hash, manifest = n.manifest FROM ({}) n,"
                    " crm_sealform f WHERE p.seal_id = n.number AND f.id = p.form_id"
                    " AND f.ledger = 'crm_auditentry' AND p.block = n.block"
                ).format(statements.parts(ledger, ledger.columns(), [span]))
            )


def _make_links_agree() -> None:
    """And every link after it."""
    ledgers.by_fixed_manners()
    before = sealing.START
    for number in Seal.objects.order_by("number").values_list("number", flat=True):
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE crm_seal SET previous_hash = %s WHERE number = %s", [before, number]
            )
            source = sql.SQL(verifying.STORED).format(first=number, last=number)
            cursor.execute(statements.links(source))
            before = bytes(cursor.fetchone()[1])
            cursor.execute("UPDATE crm_seal SET hash = %s WHERE number = %s", [before, number])
