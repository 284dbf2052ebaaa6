"""National lists: a file becomes our copy, whole or not at all, after a look at the difference."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from crm import registries
from crm.models import AuditEntry, GateChange, ListedNumber, NationalList
from crm.registries import Difference, Refused
from crm.tables import Unreadable
from tests.cast import DUPONT_HOME, DUPONT_MOBILE, PEETERS_MOBILE, START, SYSTEM, Cast

DAY = START.date()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def bring_in(path: Path, text: str, **more: Any) -> Difference:
    path.write_text(text, encoding="utf-8")
    rest = {"as_of": DAY, "apply": True, **more}
    return registries.bring_in(path, name="dncm", by=SYSTEM, at=START, **rest)


def listed() -> dict[str, date | None]:
    return dict(ListedNumber.objects.values_list("e164", "since_date"))


def test_a_list_is_compared_first_and_then_becomes_our_copy(cast: Cast, file: Path) -> None:
    text = f"number;date\n{DUPONT_HOME};2025-11-20\n0470 99 88 77;20/11/2025\n+32470998866\n"
    looked = bring_in(file, text, apply=False)
    assert (looked.numbers, looked.added, looked.removed, looked.refused) == (3, 3, 0, [])
    assert listed() == {}
    assert not NationalList.objects.exists()
    bring_in(file, text)
    since = date(2025, 11, 20)
    assert listed() == {DUPONT_HOME: since, "+32470998877": since, "+32470998866": None}
    row = NationalList.objects.get()
    assert (row.name, row.as_of_date, row.numbers, row.imported_by) == (
        "dncm",
        DAY,
        3,
        SYSTEM.code,
    )
    assert AuditEntry.objects.filter(action="list_imported").count() == 1


def test_the_same_file_again_changes_nothing_and_a_newer_one_only_what_differs(
    cast: Cast, file: Path
) -> None:
    numbers = [f"+3247000{n:04d}" for n in range(20)]
    text = "\n".join([DUPONT_HOME, *numbers])
    bring_in(file, text)
    before = GateChange.objects.count()
    again = bring_in(file, text)
    assert (again.added, again.removed) == (0, 0)
    assert GateChange.objects.count() == before
    kept = set(ListedNumber.objects.filter(e164__in=numbers).values_list("pk", flat=True))
    newer = bring_in(file, "\n".join([PEETERS_MOBILE, *numbers]))
    assert (newer.added, newer.removed) == (1, 1)
    assert kept <= set(ListedNumber.objects.values_list("pk", flat=True))


def test_the_feed_hears_of_those_whose_number_came_or_went(cast: Cast, file: Path) -> None:
    assert cast.dupont and cast.peeters
    bring_in(file, f"{DUPONT_HOME}\n{DUPONT_MOBILE}\n+32470998866\n")
    told = GateChange.objects.filter(cause="national_list")
    assert [row.customer_id for row in told] == [cast.dupont.pk]
    bring_in(file, f"{PEETERS_MOBILE}\n", forced=True)
    assert {row.customer_id for row in told.all()} == {cast.dupont.pk, cast.peeters.pk}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no number"),
        ("number\n", "no number"),
        ("number\n0470998866\nabc\n0470998867;31/02/2025\n", "2 lines cannot be read"),
    ],
)
def test_what_is_no_list_is_refused_in_words_and_changes_nothing(
    cast: Cast, file: Path, text: str, said: str
) -> None:
    bring_in(file, "+32470998866")
    with pytest.raises(Unreadable, match=said):
        bring_in(file, text)
    assert list(listed()) == ["+32470998866"]


def test_bytes_that_are_no_text_are_refused(cast: Cast, file: Path) -> None:
    file.write_bytes(b"PK\x03\x04\xff\xfe\x00")
    with pytest.raises(Unreadable, match="UTF-8"):
        registries.bring_in(file, name="dncm", as_of=DAY, by=SYSTEM, at=START, apply=True)


def test_half_a_file_and_a_file_of_yesterday_need_to_be_forced(cast: Cast, file: Path) -> None:
    whole = "\n".join(f"+3247000{n:04d}" for n in range(50))
    half = "\n".join(f"+3247000{n:04d}" for n in range(30))
    bring_in(file, whole)
    with pytest.raises(Refused, match="20 of 50 numbers would go"):
        bring_in(file, half)
    with pytest.raises(Refused, match="newer"):
        bring_in(file, whole, as_of=DAY - timedelta(days=1))
    with pytest.raises(Refused, match="has not come"):
        bring_in(file, whole, as_of=DAY + timedelta(days=1), forced=True)
    assert len(listed()) == 50
    bring_in(file, half, forced=True)
    assert len(listed()) == 30


def test_the_command_shows_the_difference_and_applies_it_when_told(
    cast: Cast, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(
        "+32470998866;2025-01-01\nrubbish\n" + "\n".join(f"+3247000{n:04d}" for n in range(150))
    )
    call_command("import_list", "dncm", str(file), "--date=2026-01-05")
    assert "151 would be added" in capsys.readouterr().out
    assert listed() == {}
    call_command("import_list", "dncm", str(file), "--date=2026-01-05", "--apply")
    said = capsys.readouterr().out
    assert "151 added" in said and "Refused lines: 2" in said
    assert len(listed()) == 151


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mars", "list.csv"), "No policy asks for this list"),
        (("dncm", "/nowhere/list.csv"), "No such file"),
        (("dncm", "list.csv", "--date=20-11"), "write the day as 2026-11-20"),
    ],
)
def test_the_command_says_in_words_what_is_wrong(
    cast: Cast, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("import_list", "--date=2026-01-05", *words)
