"""An import on its way: its states, who goes on after a kill, what is remembered and forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from crm.importing import bad_lines, cutting, headings, jobs, kinds, work
from crm.models import (
    AuditEntry,
    ColumnMapping,
    Customer,
    GateChange,
    Import,
    ImportBatch,
    ImportChange,
    ImportLine,
    ImportPiece,
)
from crm.tables import Unreadable
from tests.cast import DAY, START, SYSTEM, Cast
from tests.crm.importing.files import (
    DUPONT,
    HEAD,
    PEETERS,
    checked,
    counts,
    imported,
    swept,
    undone,
    uploaded,
)


def many(count: int) -> str:
    lines = (f"K{n};Name {n};fr;0470 {n:06d};;;;;liege\n" for n in range(1, count + 1))
    return HEAD + "".join(lines)


def events(row: Import) -> list[str]:
    return list(row.events.values_list("cause", flat=True))


def test_every_move_has_its_event_and_its_author(cast: Cast) -> None:
    row = undone(imported(HEAD + DUPONT))
    assert events(row) == [
        *("uploaded", "read", "columns", "checked", "started", "done"),
        *("undo", "undone"),
    ]
    assert set(AuditEntry.objects.values_list("action", flat=True)) == {
        "import_started",
        "import_undone",
    }


def test_a_state_that_changes_without_its_event_is_refused(cast: Cast) -> None:
    row = checked(HEAD + DUPONT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Import.objects.filter(pk=row.pk).update(status="done")
        connection.check_constraints()


def test_a_move_from_another_state_changes_nothing(cast: Cast) -> None:
    row = checked(HEAD + DUPONT)
    assert not jobs.undo(row=row, ground="", by=SYSTEM, at=START)
    assert jobs.start(row=row, leave_bad=False, by=SYSTEM, at=START)
    assert not jobs.start(row=row, leave_bad=False, by=SYSTEM, at=START)
    assert not jobs.drop(row=row, by=SYSTEM, at=START)
    assert not jobs.choose(row=row, columns={"external_id": 0}, options={}, by=SYSTEM, at=START)


def test_a_second_start_by_somebody_who_looked_before_does_nothing(cast: Cast) -> None:
    row = checked(HEAD + DUPONT)
    late = Import.objects.get(pk=row.pk)
    assert jobs.start(row=row, leave_bad=False, by=SYSTEM, at=START)
    assert not jobs.start(row=late, leave_bad=False, by=SYSTEM, at=START)
    assert swept(row).lines_new == 1


def test_bad_lines_are_left_out_only_when_somebody_says_so(cast: Cast) -> None:
    row = checked(HEAD + DUPONT + ";Nobody;fr;;;;;;liege\n")
    with pytest.raises(jobs.Refused, match="left out"):
        jobs.start(row=row, leave_bad=False, by=SYSTEM, at=START)
    assert not Customer.objects.exists()
    assert jobs.start(row=row, leave_bad=True, by=SYSTEM, at=START)
    assert counts(swept(row)) == (1, 0, 0, 1)


def test_a_file_of_bad_lines_alone_is_not_started(cast: Cast) -> None:
    row = checked(HEAD + ";Nobody;fr;;;;;;liege\n")
    with pytest.raises(jobs.Refused, match="nothing to import"):
        jobs.start(row=row, leave_bad=True, by=SYSTEM, at=START)


def test_a_column_that_is_needed_is_asked_for_by_its_name(cast: Cast) -> None:
    row = swept(uploaded(HEAD + DUPONT))
    with pytest.raises(jobs.Refused, match="Customer number"):
        jobs.choose(row=row, columns={"name": 1}, options={}, by=SYSTEM, at=START)
    row.refresh_from_db()
    assert row.status == "read" and not ColumnMapping.objects.exists()


def test_other_columns_are_checked_anew(cast: Cast) -> None:
    row = checked(HEAD + DUPONT)
    columns = {"external_id": 0, "name": 3, "language": 2, "team": 8}
    assert jobs.choose(row=row, columns=columns, options={}, by=SYSTEM, at=START)
    swept(row)
    assert ImportLine.objects.get(of=row).facts["name"] == "0470 12 34 56"


def test_the_columns_are_remembered_for_files_with_the_same_headings(cast: Cast) -> None:
    first = "a;b;c;d\nK1;Name;fr;liege\n"
    columns = {"external_id": 0, "name": 1, "language": 2, "team": 3}
    checked(first, columns=columns, language="fr")
    again = headings.remembered("customers", ["d", "c", "b", "a"])
    assert again and headings.places(again.columns, ["d", "c", "b", "a"]) == {
        "external_id": 3,
        "name": 2,
        "language": 1,
        "team": 0,
    }
    assert again.options == {"language": "fr"}
    assert headings.remembered("contracts", ["a", "b", "c", "d"]) is None


@pytest.mark.parametrize(
    ("kind", "words", "found"),
    [
        ("customers", "N° de client;Nom;Prénom;Langue;GSM", 5),
        ("customers", "Klant-nr;Achternaam;Voornaam;Taal;GSM-nummer", 5),
        ("customers", "Customer ID;Last name;First name;Language;Mobile phone", 5),
        ("contracts", "Numéro client;Formule;Libellé;Prix mensuel;Fin engagement", 5),
        ("contracts", "klantnummer;abonnement;omschrijving;maandbedrag;einddatum", 5),
        ("attempts", "uniqueid;called number;call date;status;user", 5),
        ("attempts", "Numéro;Date/heure;Résultat;Opérateur;Campagne", 4),
        ("do_not_call", "Nummer;Sinds;Reden", 3),
        ("do_not_call", "Téléphone;Date d'ajout;Motif", 3),
    ],
)
def test_columns_are_guessed_from_headings_in_three_languages(
    kind: str, words: str, found: int
) -> None:
    assert len(headings.guess(words.casefold().split(";"), kinds.KINDS[kind].fields)) == found


def test_no_heading_means_two_columns_of_one_kind() -> None:
    for code, kind in kinds.KINDS.items():
        words = [(word, one.name) for one in kind.fields for word in one.words]
        twice = {a for a, _ in words if len({name for word, name in words if word == a}) > 1}
        assert twice == set(), code


# --- after a kill -----------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of ten lines."""
    for code, kind in kinds.KINDS.items():
        values: dict[str, Any] = {**vars(kind), "lines": 10}
        monkeypatch.setitem(kinds.KINDS, code, kinds.Kind(**values))


def stopped_after(row: Import, steps: int, at: datetime = START) -> None:
    for _ in range(steps):
        assert work.step(row, at=at)


def test_whoever_comes_next_goes_on_where_the_last_one_stopped(cast: Cast, small: None) -> None:
    row = checked(many(35))
    assert row.batches == 4
    jobs.start(row=row, leave_bad=False, by=SYSTEM, at=START)
    stopped_after(row, 2)
    row.refresh_from_db()
    assert (row.batches_done, row.lines_new, work.share_done(row)) == (2, 20, 50)
    assert Customer.objects.count() == 20
    assert counts(swept(row)) == (35, 0, 0, 0)
    assert Customer.objects.count() == 35
    assert ImportChange.objects.filter(of=row).count() == 35


def test_a_step_that_dies_leaves_nothing_and_is_done_again(
    cast: Cast, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = checked(many(25))
    jobs.start(row=row, leave_bad=False, by=SYSTEM, at=START)

    def die(*args: object, **kwargs: object) -> bool:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "counted", die)
        assert work.run(clock=lambda: START) == 0
    assert not Customer.objects.exists() and not GateChange.objects.exists()
    assert counts(swept(row)) == (25, 0, 0, 0)


def test_a_cut_that_died_is_gone_on_with(cast: Cast, small: None) -> None:
    row = uploaded(many(35))
    cutting.cut(row, lines=10)
    ImportBatch.objects.filter(of=row, number__gte=2).delete()
    assert swept(row).lines == 35
    assert list(row.cut.values_list("first", "last")) == [(2, 11), (12, 21), (22, 31), (32, 36)]


def test_who_drops_an_import_while_it_is_checked_is_heard(cast: Cast, small: None) -> None:
    row = swept(uploaded(many(35)))
    guessed = headings.guess(row.headings, kinds.of(row).fields)
    jobs.choose(row=row, columns=guessed, options={}, by=SYSTEM, at=START)
    stopped_after(row, 2)
    assert jobs.drop(row=Import.objects.get(pk=row.pk), by=SYSTEM, at=START)
    assert not work.step(row, at=START)
    assert not ImportLine.objects.exists() and not ImportPiece.objects.exists()


def test_an_undo_that_was_stopped_goes_on(cast: Cast, small: None) -> None:
    row = imported(many(35))
    jobs.undo(row=row, ground="", by=SYSTEM, at=START)
    stopped_after(row, 2)
    assert Customer.objects.exclude(external_id=None).count() == 20
    assert swept(row).status == "undone"
    assert not Customer.objects.exclude(external_id=None).exists()


def test_a_large_import_does_not_keep_a_small_one_waiting(cast: Cast, small: None) -> None:
    large, little = checked(many(35)), checked(HEAD + PEETERS)
    for row in (large, little):
        jobs.start(row=row, leave_bad=False, by=SYSTEM, at=START)
    looks = iter([START, START, START, *[START + timedelta(minutes=1)] * 9])
    work.run(clock=lambda: next(looks))
    little.refresh_from_db()
    large.refresh_from_db()
    assert little.batches_done == 1 and large.batches_done == 0


# --- refused, bad, forgotten ------------------------------------------------------------------


def test_a_broken_file_is_refused_in_words_and_forgotten(cast: Cast) -> None:
    row = swept(uploaded(HEAD))
    assert (row.status, row.blanked_at) == ("refused", START)
    assert "no line below" in row.why
    assert not ImportPiece.objects.exists()


def test_a_file_with_too_many_lines_is_refused(
    cast: Cast, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm.importing.files.MOST_ROWS", 20)
    row = swept(uploaded(many(21)))
    assert row.status == "refused" and "more than 20 lines" in row.why
    assert swept(uploaded(many(20))).status == "read"


def test_the_bad_lines_come_back_as_they_were_with_their_reason(cast: Cast) -> None:
    row = checked(HEAD + DUPONT + "=1+1;@SUM;fr;0470 12 34 57;;;;;nowhere\nK5;Too;few\n")
    text = "".join(bad_lines.write(row)).removeprefix("\ufeff")
    head, first, second = text.splitlines()
    assert head.endswith(";team;line;column;reason")
    assert first == "'=1+1;'@SUM;fr;0470 12 34 57;;;;;nowhere;3;Team;names no team that exists"
    assert second.endswith(";4;;has 3 cells; the header has 9") or ";4;;" in second


def test_a_month_later_the_file_and_what_was_before_are_forgotten(cast: Cast) -> None:
    row = imported(HEAD + DUPONT)
    later = START + jobs.KEPT + DAY
    assert jobs.can_undo(row, at=START + jobs.KEPT - DAY)
    assert not jobs.can_undo(row, at=later)
    work.run(clock=lambda: later)
    row.refresh_from_db()
    assert row.blanked_at == later and row.status == "done"
    for model in (ImportPiece, ImportBatch, ImportLine, ImportChange):
        assert not model._default_manager.exists(), model
    assert Customer.objects.get().external_id == "K1"


def test_an_import_that_nobody_started_is_dropped_after_a_month(cast: Cast) -> None:
    row = checked(HEAD + DUPONT)
    work.run(clock=lambda: START + jobs.KEPT + DAY)
    row.refresh_from_db()
    assert row.status == "dropped" and not ImportPiece.objects.exists()


def test_the_name_of_a_file_is_cut_and_keeps_its_end(cast: Cast) -> None:
    row = uploaded(HEAD + DUPONT, name="../" + "x" * 300 + ".csv")
    assert len(row.file_name) == 120 and row.file_name.endswith("x.csv")


def test_a_file_that_can_be_seen_to_be_none_leaves_no_row(cast: Cast) -> None:
    with pytest.raises(Unreadable):
        uploaded(b"\x00\x01", name="a.csv")
    assert not Import.objects.exists()
