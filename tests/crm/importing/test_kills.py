"""A worker is killed (SIGKILL, a process of its own) at every place of every step: afterwards each
line is applied exactly once, or stands in the file of bad lines."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from crm.importing import bad_lines, cutting, headings, jobs, kinds, staging, work
from crm.models import (
    Attempt,
    AttemptRevision,
    Contract,
    ContractLine,
    Customer,
    GateChange,
    Import,
    ImportChange,
    ImportLine,
    Suppression,
)
from tests.cast import START, SYSTEM, assemble
from tests.crm.importing.files import DUPONT, HEAD, counts, imported, swept, uploaded
from tests.storm.test_failpoints import after, killed

KILLED = pytest.mark.django_db(transaction=True)
# Where a worker dies while a file is read and checked, while it is written, while it is taken back.
CHECKING = ((staging, "stage"), (jobs, "counted"), (staging, "judge"), (jobs, "checked"))
WRITING = ((staging, "apply"), (jobs, "counted"), (jobs, "done"))
UNDOING = ((jobs, "counted"), (jobs, "undone"))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of five lines."""
    for code, kind in kinds.KINDS.items():
        values: dict[str, Any] = {**vars(kind), "lines": 5}
        monkeypatch.setitem(kinds.KINDS, code, kinds.Kind(**values))


def sweep() -> None:
    work.run(clock=lambda: START)


def killed_at(row: Import, points: Any) -> None:
    """One kill after the other, with one step of a survivor between them."""
    for owner, name in points:
        _worked_up_to(row, name)
        killed(sweep, at=after(owner, name))
        row.refresh_from_db()
        assert row.status in jobs.AT_WORK, "what it did is gone with it"
        assert work.step(row, at=START)


def _worked_up_to(row: Import, name: str) -> None:
    """So many steps that the next one gets to that place."""
    row.refresh_from_db()
    steps = {"judge": row.batches, "checked": 2 * row.batches, "done": row.batches}
    while row.batches_done < {**steps, "undone": row.batches}.get(name, 0):
        assert work.step(row, at=START)
        row.refresh_from_db()


def through(text: str, kind: str = "customers", **options: Any) -> Import:
    """The whole way of a file, with a kill at every place of it."""
    row = uploaded(text, kind=kind)
    killed(sweep, at=after(cutting, "_keep"))
    killed(sweep, at=after(cutting, "_keep"))
    killed(sweep, at=after(jobs, "read"))
    row = swept(row)
    columns = headings.guess(row.headings, kinds.of(row).fields)
    assert jobs.choose(row=row, columns=columns, options=options, by=SYSTEM, at=START)
    killed_at(row, CHECKING)
    swept(row)
    assert row.status == "checked" and sum(counts(row)) == row.lines
    assert jobs.start(row=row, leave_bad=True, by=SYSTEM, at=START)
    killed_at(row, WRITING)
    row.refresh_from_db()
    assert row.status == "done" and sum(counts(row)) == row.lines
    assert len("".join(bad_lines.write(row)).splitlines()) == 1 + row.lines_bad
    return row


@KILLED
def test_customers_come_in_once_each_and_go_back_once_each() -> None:
    assemble()
    lines = [f"K{n};Name {n};fr;0470 {n:06d};;;;;liege\n" for n in range(1, 18)]
    row = through(HEAD + "".join(lines) + "K1;Twice;fr;;;;;;liege\nK99;Bad;xx;;;;;;liege\n")
    assert counts(row) == (17, 0, 0, 2)
    for model in (Customer, GateChange, ImportChange):
        assert model._default_manager.count() == 17, model
    assert jobs.undo(row=row, ground="", by=SYSTEM, at=START)
    killed_at(row, UNDOING)
    row.refresh_from_db()
    assert (row.status, row.lines_left) == ("undone", 0)
    assert not Customer.objects.exclude(external_id=None).exists()


@KILLED
def test_contracts_whose_lines_lie_apart_are_written_once_and_whole() -> None:
    assemble()
    people = "".join(f"K{n};Name {n};fr;;;;;;liege\n" for n in range(1, 9))
    imported(HEAD + people)
    twice = "".join(f"K{n};Oud;{what};30\n" for what in ("net", "tv") for n in range(1, 9))
    row = through("id;plan;label;monthly\n" + twice + "K77;Oud;net;30\n", "contracts")
    assert counts(row) == (16, 0, 0, 1)
    assert (Contract.objects.count(), ContractLine.objects.count()) == (8, 16)


@KILLED
def test_calls_and_wishes_are_written_once() -> None:
    assemble()
    imported(HEAD + DUPONT)
    lines = "".join(f"c{n};K1;;2026-02-{n + 1:02d} 10:00;busy\n" for n in range(1, 13))
    row = through(
        "uniqueid;klantnummer;number;call date;status\n" + lines, "attempts", system="old"
    )
    assert counts(row) == (12, 0, 0, 0)
    assert Attempt.objects.count() == AttemptRevision.objects.count() == 12
    team = Customer.objects.get().team_id
    numbers = "".join(f"0471 00 00 {n:02d}\n" for n in range(1, 9))
    row = through("nummer\n0470 12 34 56\n" + numbers, "do_not_call", team=team, language="fr")
    assert counts(row) == (9, 0, 0, 0)
    assert Suppression.objects.count() == 9


@pytest.mark.django_db
def test_no_table_of_an_import_is_emptied_by_a_crash_of_the_database() -> None:
    """One that is not logged would be: lines staged before it would be missing without a word."""
    tables = [model._meta.db_table for model in apps.get_models() if model._meta.managed]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relpersistence <> 'p'",
            [tables],
        )
        assert cursor.fetchall() == []
    assert ImportLine._meta.db_table in tables
