"""The scrub: rows in order, columns kept, and beside each row what the gate answers."""

from __future__ import annotations

import csv
import io
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection

from crm.tables import Unreadable
from followups import listing, records, scrub, verdicts
from followups.models import ScrubRun
from followups.scrub import Listener, Tally
from tests.cast import DUPONT_MOBILE, PEETERS_MOBILE, SYSTEM, Cast, Relay
from tests.followups import lists
from tests.followups.lists import JUNK, NOW, mixed_house, one_by_one, spelt

pytestmark = pytest.mark.django_db


def scrubbed(path: Path, *, listener: Listener | None = None, **more: Any) -> tuple[bytes, Tally]:
    target = io.BytesIO()
    terms = verdicts.terms(by=SYSTEM, at=NOW)
    rows = listing.look_at(path)
    tally = scrub.run(rows, target, terms=terms, listener=listener, by=SYSTEM, **more)
    return target.getvalue(), tally


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list.csv"


def test_a_list_is_answered_like_the_gate_row_by_row(cast: Cast, relay: Relay, path: Path) -> None:
    dice = random.Random(7)
    written = [spelt(number, dice) for number in mixed_house(cast, relay, seed=7)] * 3
    written += JUNK
    dice.shuffle(written)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [("id", "phone", "name"), *((n, w, "É") for n, w in enumerate(written))]
        )
    answer, tally = scrubbed(path)
    rows = list(csv.DictReader(io.StringIO(answer.decode())))
    assert [(row["id"], row["phone"], row["name"]) for row in rows] == [
        (str(n), w, "É") for n, w in enumerate(written)
    ]
    assert [(row["decision"], row["code"], row["not_before"]) for row in rows] == [
        (
            "allow" if decision.allow else "deny",
            decision.code,
            decision.not_before.isoformat() if decision.not_before else "",
        )
        for decision in one_by_one(written)
    ]
    assert {row["scrub_id"] for row in rows} == {str(tally.id)}
    assert tally.codes.total() == tally.rows == len(written)


@pytest.mark.parametrize("stranger", ["allow", "deny"])
def test_when_the_clock_is_unsafe_nobody_is_called(
    cast: Cast, relay: Relay, path: Path, settings: Any, stranger: str
) -> None:
    settings.GATE_UNKNOWN_NUMBER = stranger
    written = mixed_house(cast, relay, seed=8)
    lists.silence()
    path.write_text("\n".join([*written, "none"]))
    answer, tally = scrubbed(path)
    assert tally.codes == {"clock_unsafe": len(written), "number_invalid": 1}
    assert b"allow" not in answer


def test_every_byte_of_a_row_is_kept(cast: Cast, path: Path) -> None:
    lists.sweeps_alive(NOW)
    rows = [b'"a;""b""";\xe9\xff;0470123456', b"", b"two\t;\x81;0475 99 88 77"]
    path.write_bytes(b"\xef\xbb\xbfname;note;phone\r\n" + b"\r\n".join(rows))
    answer, tally = scrubbed(path)
    tail = f";allow;unknown_number;;{tally.id}".encode()
    assert answer == b"\r\n".join(
        [
            b"\xef\xbb\xbfname;note;phone;decision;code;not_before;scrub_id",
            rows[0] + tail,
            b"",
            rows[2] + tail + b"\n",
        ]
    )


def test_what_cannot_be_read_is_denied_and_said(cast: Cast, path: Path) -> None:
    assert cast.dupont
    lists.sweeps_alive(NOW)
    path.write_text(f"name;phone\na;b;{DUPONT_MOBILE}\nc;{DUPONT_MOBILE}\n")
    said: list[tuple[int, str]] = []
    answer, tally = scrubbed(path, listener=Listener(unreadable=lambda *told: said.append(told)))
    assert said == [(2, "has 3 cells; the first line has 2")]
    assert (tally.rows, tally.unreadable, tally.denied) == (2, 1, 1)
    assert answer.splitlines()[1] == f"a;b;{DUPONT_MOBILE};deny;number_invalid;;{tally.id}".encode()


def test_what_is_denied_can_be_left_out(cast: Cast, path: Path) -> None:
    lists.wish("dnc_company")(cast, cast.dupont)
    assert cast.peeters
    lists.sweeps_alive(NOW)
    path.write_text(f"phone\n{DUPONT_MOBILE}\n{PEETERS_MOBILE}\nnone\n")
    answer, tally = scrubbed(path, drop=True)
    assert [line.split(b",")[0] for line in answer.splitlines()] == [
        b"phone",
        PEETERS_MOBILE.encode(),
    ]
    assert (tally.rows, tally.denied) == (3, 2)


def test_one_row_says_what_was_answered_and_no_number(cast: Cast, path: Path) -> None:
    lists.wish("dnc_company")(cast, cast.dupont)
    lists.sweeps_alive(NOW)
    path.write_text(f"phone\n{DUPONT_MOBILE}\n{PEETERS_MOBILE}\n")
    _answer, tally = scrubbed(path, campaign=cast.sales)
    run = ScrubRun.objects.get()
    assert (run.pk, run.kind, run.by, run.at) == (tally.id, "list", SYSTEM.code, NOW)
    assert (run.rows_read, run.rows_denied, run.campaign) == (2, 1, cast.sales)
    assert run.codes == {"dnc_company": 1, "unknown_number": 1}
    assert run.valid_until_at == datetime(2026, 3, 4, 23, 0, tzinfo=UTC)
    with pytest.raises(DatabaseError, match="Cannot update"):
        ScrubRun.objects.update(rows_denied=0)


def test_a_list_that_changes_meanwhile_is_worth_nothing(cast: Cast, path: Path) -> None:
    path.write_text(f"phone\n{DUPONT_MOBILE}\n" * 1)
    rows = listing.look_at(path)

    class Meddler(io.BytesIO):
        def write(self, data: Any) -> int:
            with path.open("a") as file:
                file.write(f"{PEETERS_MOBILE}\n")
            return super().write(data)

    with pytest.raises(Unreadable, match="changed"):
        scrub.run(rows, Meddler(), terms=verdicts.terms(by=SYSTEM, at=NOW), by=SYSTEM)
    assert not ScrubRun.objects.exists()


def test_a_full_disk_leaves_a_connection_that_works(cast: Cast, path: Path) -> None:
    lists.sweeps_alive(NOW)
    path.write_text("phone\n" + "none\n" * 60_000)
    rows, terms = listing.look_at(path), verdicts.terms(by=SYSTEM, at=NOW)

    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            if self.tell():
                raise OSError(28, "No space left on device")
            return super().write(data)

    with pytest.raises(OSError, match="No space"):
        scrub.run(rows, Full(), terms=terms, by=SYSTEM)
    assert not ScrubRun.objects.exists()
    assert scrubbed(path)[1].rows == 60_000


def test_rows_that_vanish_meanwhile_take_no_answer_of_others(cast: Cast, path: Path) -> None:
    lists.sweeps_alive(NOW)
    path.write_text("phone\n" + "none\n" * 20)
    rows, terms = listing.look_at(path), verdicts.terms(by=SYSTEM, at=NOW)

    class Shrinking(io.BytesIO):
        def write(self, data: Any) -> int:
            path.write_text("phone\nnone\n")
            return super().write(data)

    with pytest.raises(Unreadable, match="changed"):
        scrub.run(rows, Shrinking(), terms=terms, by=SYSTEM)


def test_more_rows_than_one_block_and_nothing_stays_behind(
    cast: Cast, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cast.dupont
    lists.sweeps_alive(NOW)
    monkeypatch.setattr(records, "BLOCK", 100)
    path.write_text("phone\n" + f"{DUPONT_MOBILE}\nnone\n" * 55)
    told: list[int] = []
    answer, tally = scrubbed(path, listener=Listener(progress=lambda t: told.append(t.rows)))
    assert tally.codes == {"ok": 55, "number_invalid": 55}
    assert told == sorted(told) and len(set(told)) > 5 and told[-1] == 110
    assert [line.split(b",")[2] for line in answer.splitlines()[1:]] == [
        b"ok",
        b"number_invalid",
    ] * 55
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pg_temp.kept_scrub')")
        assert cursor.fetchone() == (None,)


def test_the_command_writes_the_list_and_counts(
    cast: Cast, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cast.dupont
    target = path.with_name("out.csv")
    path.write_text(f"mobile;phone\n1;{DUPONT_MOBILE}\n2\n3;x\n")
    call_command("scrub", path, target, "--column", "phone")
    told = capsys.readouterr()
    assert "line 3 has 1 cells" in told.err and "right column" in told.err
    assert "3 rows, 3 denied, 1 could not be read; scrub " in told.out
    assert len(target.read_text().splitlines()) == 4
    assert not path.with_name("out.csv.part").exists()


@pytest.mark.parametrize(
    ("content", "more", "said"),
    [
        ("", [], "The list is empty"),
        ("a;b\n1;2", [], "No column"),
        ("phone\n1", ["--column", "fax"], "There is no column fax"),
        ("phone\n1", ["--campaign", "none-such"], "There is no campaign"),
        (None, [], "No such file"),
    ],
)
def test_the_command_says_what_it_cannot_read_and_leaves_no_half_list(
    cast: Cast, path: Path, content: str | None, more: list[str], said: str
) -> None:
    if content is not None:
        path.write_text(content)
    with pytest.raises(CommandError, match=said):
        call_command("scrub", path, path.with_name("out.csv"), *more)
    assert [found for found in path.parent.iterdir() if found != path] == []
