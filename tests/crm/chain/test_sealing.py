"""What was written is sealed: all of it, once, whenever it was committed."""

from __future__ import annotations

import json
import logging
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from crm import audit
from crm.chain import heads, sealing, verifying
from crm.chain.ledgers import all_ledgers
from crm.models import AuditEntry, Seal, SealPart, Turn
from tests.cast import HOUR, MINUTE, START, SYSTEM
from tests.crm.chain.conftest import seal_here
from tests.crm.chain.rows import LEDGERS, Written
from tests.races import Thread


def entry(n: int = 1) -> None:
    audit.write(action="looked", subject=f"customer:{n}", by=SYSTEM, at=START)


class Writer:
    """A transaction of another connection that has written an entry and stays open."""

    def __init__(self) -> None:
        self.wrote, self.may_end = threading.Event(), threading.Event()
        self.thread = Thread(self._write)
        assert self.wrote.wait(10)

    def _write(self) -> None:
        with transaction.atomic():
            entry(2)
            self.wrote.set()
            assert self.may_end.wait(30)

    def end(self) -> None:
        self.may_end.set()
        self.thread.answer()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sealer looks once whether others are ready, and waits for nobody."""
    monkeypatch.setattr(sealing, "LOOKS", 1)
    monkeypatch.setattr(sealing, "PAUSE", 0)


def at_last(*, at: datetime) -> int:
    """Seals as soon as nobody on this server is older: other tests share it, in other databases."""
    end = time.monotonic() + 30
    while not (rows := sealing.run(at=at)) and time.monotonic() < end:
        time.sleep(0.05)
    return rows


def test_everything_that_was_written_is_sealed(written: Written) -> None:
    seal_here(0)
    outcome = verifying.verify()
    assert outcome.faults == []
    assert (
        outcome.rows
        == Seal.objects.get().rows
        == sum(ledger.model.objects.count() for ledger in all_ledgers())
    )
    assert {part.form.ledger for part in SealPart.objects.select_related("form")} == set(LEDGERS)


def test_a_seal_takes_only_what_came_after_the_last(transactional_db: None) -> None:
    entry()
    assert sealing.run(at=START) == 1
    entry()
    entry()
    assert sealing.run(at=START + MINUTE) == 2
    first, second = Seal.objects.order_by("number")
    assert (first.number, second.number) == (1, 2)
    assert bytes(second.previous_hash) == bytes(first.hash) != sealing.START
    assert second.after_stretch == first.stretch < second.stretch


def test_without_anything_new_there_is_a_seal_an_hour(transactional_db: None) -> None:
    entry()
    sealing.run(at=START)
    sealing.run(at=START + HOUR - MINUTE)
    assert Seal.objects.count() == 1
    sealing.run(at=START + HOUR)
    assert Seal.objects.get(number=2).rows == 0
    assert verifying.verify().faults == []


def test_what_stood_there_before_the_chain_is_under_the_first_seal(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_auditentry (at, by, action, subject, data, stretch)"
            " VALUES (%s, 'x', 'old', 'house', '{}', NULL)",
            [START],
        )
    entry()
    assert sealing.run(at=START) == 2
    entry()
    sealing.run(at=START + MINUTE)
    assert verifying.verify().faults == []


@pytest.mark.usefixtures("impatient")
def test_a_stretch_is_sealed_only_when_nobody_can_write_into_it(transactional_db: None) -> None:
    entry()
    writer = Writer()
    assert sealing.run(at=START) == 0
    assert not Seal.objects.exists()
    entry()  # belongs to the next stretch: the old one is closed to whoever begins now
    writer.end()
    assert at_last(at=START + MINUTE) == 2
    assert at_last(at=START + 2 * MINUTE) == 1
    assert AuditEntry.objects.count() == 3
    assert verifying.verify().faults == []


@pytest.mark.usefixtures("impatient")
def test_transactions_that_overlap_for_ever_do_not_stop_the_sealing(
    transactional_db: None,
) -> None:
    first = Writer()
    sealing.run(at=START)
    second = Writer()
    first.end()
    assert at_last(at=START + MINUTE) == 1
    second.end()
    assert at_last(at=START + 2 * MINUTE) == 1


@pytest.mark.usefixtures("impatient")
def test_what_another_one_wrote_and_took_back_is_no_gap(transactional_db: None) -> None:
    entry()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        entry()
        raise ZeroDivisionError
    entry()
    assert at_last(at=START) == 2
    assert verifying.verify().faults == []


def test_a_sealer_that_dies_after_its_turn_is_followed_by_the_next(transactional_db: None) -> None:
    entry()
    sealing.turn(at=START)
    entry()
    assert sealing.run(at=START + MINUTE) == 1
    assert sealing.run(at=START + 2 * MINUTE) == 1
    assert verifying.verify().faults == []


def test_a_sealer_that_dies_in_the_middle_leaves_nothing_half(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry()
    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr(sealing, "_link", lambda *_args: 1 / 0)
        sealing.run(at=START)
    assert not SealPart.objects.exists()
    assert sealing.run(at=START + MINUTE) == 1
    assert verifying.verify().faults == []


def test_many_sealers_at_once_make_one_chain(transactional_db: None) -> None:
    total = 0
    for n in range(4):
        for _row in range(5):
            entry()
        threads = [Thread(lambda n=n: sealing.run(at=START + n * MINUTE)) for _ in range(4)]
        total += sum(thread.answer() for thread in threads)
    total += sealing.run(at=START + 5 * MINUTE)
    assert total == 20 == AuditEntry.objects.count()
    numbers = list(Seal.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert verifying.verify().faults == []


def test_many_writers_at_once_lose_nothing(transactional_db: None) -> None:
    stop = threading.Event()

    def write() -> int:
        many = 0
        while not stop.is_set():
            with transaction.atomic():
                entry()
                with transaction.atomic():  # a savepoint has a number of its own
                    entry()
            many += 2
        return many

    writers = [Thread(write) for _ in range(4)]
    sealed = sum(sealing.run(at=START + n * MINUTE) for n in range(25))
    stop.set()
    written = sum(writer.answer() for writer in writers)
    sealed += sealing.run(at=START + 26 * MINUTE)
    assert sealed == written == AuditEntry.objects.count()
    assert Seal.objects.count() > 5
    assert verifying.verify().faults == []


def test_a_turn_is_no_part_of_another_transaction(db: None) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        sealing.turn(at=START)


def test_after_a_restore_on_another_server_the_chain_goes_on(transactional_db: None) -> None:
    entry()
    sealing.run(at=START)
    entry()
    sealing.turn(at=START)
    # Another server counts from its own beginning: this number would be waited for for years.
    Turn.objects.update(house=1, xact=2**60)
    assert sealing.run(at=START + MINUTE) == 1
    entry()
    assert sealing.run(at=START + 2 * MINUTE) == 1
    assert verifying.verify().faults == []


def test_a_long_stretch_is_cut_into_blocks(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.chain.statements.BLOCK", 3)
    for n in range(8):
        entry(n)
    sealing.run(at=START)
    assert list(SealPart.objects.order_by("block").values_list("rows", flat=True)) == [3, 3, 2]
    assert verifying.verify().faults == []


def test_a_new_column_makes_a_new_form_and_the_old_one_still_verifies(
    transactional_db: None,
) -> None:
    entry()
    sealing.run(at=START)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE crm_auditentry ADD COLUMN later integer DEFAULT 7")
    try:
        entry()
        sealing.run(at=START + MINUTE)
        assert verifying.verify().faults == []
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE crm_auditentry DROP COLUMN later")
    assert [fault.code for fault in verifying.verify().faults] == ["unreadable"]


def test_the_manners_of_a_connection_change_no_hash(written: Written) -> None:
    seal_here(0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SET timezone = 'Asia/Kolkata'; SET datestyle = 'ISO, MDY';"
            " SET bytea_output = 'escape'; SET extra_float_digits = -10"
        )
    try:
        assert verifying.verify().faults == []
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "SET timezone = 'UTC'; RESET datestyle; RESET bytea_output;"
                " RESET extra_float_digits"
            )


def test_the_head_goes_into_the_log_and_the_file(
    transactional_db: None, tmp_path: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.AUDIT_HEAD_FILE = str(tmp_path / "heads.txt")
    with caplog.at_level(logging.INFO, logger="kept.audit"):
        for n in range(2):
            entry()
            sealing.run(at=START + n * MINUTE)
    lines = Path(settings.AUDIT_HEAD_FILE).read_text().splitlines()
    made = [str(heads.of(seal)) for seal in Seal.objects.order_by("number")]
    assert [line.split()[0] for line in lines] == made
    assert lines[0].endswith(" 2026-03-02T08:00:00+00:00")
    said = [(record.__dict__["seal"], record.__dict__["head"]) for record in caplog.records]
    assert [f"{number}:{head}" for number, head in said] == made
    assert json.dumps(said)


def test_a_file_that_cannot_be_written_does_not_stop_the_sealing(
    transactional_db: None, tmp_path: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.AUDIT_HEAD_FILE = str(tmp_path / "nowhere" / "heads.txt")
    entry()
    assert sealing.run(at=START) == 1
    assert "audit head not written" in caplog.text
