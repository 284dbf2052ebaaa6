"""What the mail room sends back, line by line: believed once, nothing lost, clear words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm.tables import Unreadable
from offers import bill_runs, evidence, manifests, returned, returns
from offers.models import Delivery, Evidence, PrintLine, PrintRun, ReturnFile
from tests.cast import DAY, HOUR, MINUTE, SYSTEM, Cast, brussels
from tests.offers.paper import LEAVES, PRINTED, billed, built, lines_of, printed, queued
from tests.offers.paper import returned as returned_file

AT = LEAVES + HOUR
SAID_AT = "2026-03-12 10:00"


@pytest.fixture
def run(cast: Cast) -> PrintRun:
    """Three sheets, printed."""
    for n in range(3):
        delivery = queued(billed(cast, number=n))
    return printed(delivery)


def codes(run: PrintRun) -> list[str]:
    return [line.code for line in lines_of(run)]


def take(run: PrintRun, file: Path, *, at: Any = AT) -> ReturnFile:
    taken = returns.take_in(run=run, path=file, by=SYSTEM, at=at)
    while returns.record_due(at=at):
        pass
    run.refresh_from_db()
    return taken


def states(run: PrintRun) -> list[str]:
    return [line.status for line in lines_of(run)]


def test_each_confirmed_line_is_evidence_that_it_was_posted(run: PrintRun, tmp_path: Path) -> None:
    file = returned_file(run, tmp_path, *(f"{code},mailed,{SAID_AT}" for code in codes(run)))
    taken = take(run, file)
    assert taken.counts == {"mailed": 3}
    assert (run.status, run.mailed_at) == ("mailed", LEAVES)
    assert {d.status for d in Delivery.objects.all()} == {"sent"}
    proofs = set(Evidence.objects.values_list("kind", "grade", "occurred_at", "occurred_clamped"))
    assert proofs == {("posted", 2, LEAVES, False)}


def test_a_spoiled_or_missing_sheet_has_failed_and_its_address_is_not_blamed(
    run: PrintRun, tmp_path: Path
) -> None:
    first, second, third = codes(run)
    take(
        run,
        returned_file(
            run,
            tmp_path,
            f"{first},spoiled,",
            f"{second},missing,",
            f"{third},mailed,{SAID_AT}",
        ),
    )
    rows = [line.delivery for line in lines_of(run)]
    assert [row.status for row in rows] == ["failed", "failed", "sent"]
    assert [(row.proof.failed, row.proof.hard) for row in rows[:2]] == [(True, False)] * 2


def test_the_same_file_again_changes_nothing(run: PrintRun, tmp_path: Path) -> None:
    file = returned_file(run, tmp_path, f"{codes(run)[0]},mailed,{SAID_AT}")
    first, again = take(run, file), take(run, file)
    assert first == again
    assert (ReturnFile.objects.count(), Evidence.objects.count()) == (1, 1)


def test_a_longer_file_adds_only_what_is_new(run: PrintRun, tmp_path: Path) -> None:
    a, b, c = codes(run)
    take(run, returned_file(run, tmp_path, f"{a},mailed,{SAID_AT}", f"{b},,"))
    second = take(
        run,
        returned_file(run, tmp_path, f"{a},mailed,{SAID_AT}", f"{b},mailed,{SAID_AT}", f"{c},,"),
        at=AT + HOUR,
    )
    assert second.counts == {"known": 1, "mailed": 1, "unsaid": 1}
    assert states(run) == ["mailed", "mailed", "pending"]
    assert Evidence.objects.count() == 2


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("D000000000,mailed,", "unknown_line"),
        ("D999999999,mailed,", "unknown_line"),
        ("=1+1,mailed,", "unknown_line"),
        (",mailed,", "unknown_line"),
        ("{code},posted,", "bad_status"),
        ("{code},mailed,soon", "bad_at"),
        ("{code},mailed,2026-03-12 25:00", "bad_at"),
        ("{code},mailed,2030-01-01", "impossible_at"),
        ("{code},mailed,2020-01-01", "impossible_at"),
        ("{code}", "unreadable"),
        ("{code},mailed,\x00", "unreadable"),
    ],
)
def test_a_line_that_cannot_be_taken_says_why_and_stops_no_other(
    run: PrintRun, tmp_path: Path, line: str, outcome: str
) -> None:
    bad, good = codes(run)[:2]
    file = returned_file(run, tmp_path, line.format(code=bad), f"{good},mailed,{SAID_AT}")
    taken = take(run, file)
    assert taken.counts == {outcome: 1, "mailed": 1}
    assert [problem["outcome"] for problem in taken.problems] == [outcome]
    assert states(run) == ["pending", "mailed", "pending"]
    assert str(returned.OUTCOMES[outcome])


def test_another_runs_line_is_named_as_that(cast: Cast, run: PrintRun, tmp_path: Path) -> None:
    other = printed(queued(billed(cast, number=7, bill_day=13)), at=PRINTED + DAY)
    file = returned_file(run, tmp_path, f"{codes(other)[0]},mailed,")
    assert take(run, file).counts == {"other_run": 1}
    assert states(other) == ["pending"]


def test_a_line_that_stands_twice_counts_once(run: PrintRun, tmp_path: Path) -> None:
    line = f"{codes(run)[0]},mailed,{SAID_AT}"
    assert take(run, returned_file(run, tmp_path, line, line)).counts == {"mailed": 1, "twice": 1}


def test_a_line_said_to_be_mailed_and_spoiled_is_believed_in_neither(
    run: PrintRun, tmp_path: Path
) -> None:
    code = codes(run)[0]
    file = returned_file(run, tmp_path, f"{code},mailed,", f"{code},spoiled,")
    assert take(run, file).counts == {"disputed": 2}
    assert states(run)[0] == "pending"


def test_what_was_said_before_is_not_unsaid(run: PrintRun, tmp_path: Path) -> None:
    code = codes(run)[0]
    take(run, returned_file(run, tmp_path, f"{code},mailed,{SAID_AT}"))
    later = take(run, returned_file(run, tmp_path, f"{code},missing,"), at=AT + HOUR)
    assert later.counts == {"contradicts": 1}
    assert states(run)[0] == "mailed"


def test_a_sequence_that_is_another_sheets_is_not_believed(run: PrintRun, tmp_path: Path) -> None:
    header = "sequence,delivery,status,at"
    a, b, _c = codes(run)
    file = returned_file(run, tmp_path, f"2,{a},mailed,", f"2,{b},mailed,", header=header)
    assert take(run, file).counts == {"wrong_place": 1, "mailed": 1}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"a,b\n1,2\n", "delivery, status"),
        (b"\xff\xfed\x00", "UTF-16"),
        (b"PK\x03\x04...", "not a text file"),
        (b"delivery,delivery,status\n", "same name"),
    ],
)
def test_what_is_no_return_file_is_refused_in_words(
    run: PrintRun, tmp_path: Path, raw: bytes, words: str
) -> None:
    file = tmp_path / "return.csv"
    file.write_bytes(raw)
    with pytest.raises(Unreadable, match=words):
        returns.take_in(run=run, path=file, by=SYSTEM, at=AT)
    assert ReturnFile.objects.count() == 0


def test_a_run_that_is_not_printed_has_nothing_to_return(cast: Cast, tmp_path: Path) -> None:
    run = built(queued(billed(cast)))
    with pytest.raises(Unreadable, match="not printed"):
        returns.take_in(run=run, path=returned_file(run, tmp_path, "D1,mailed,"), by=SYSTEM, at=AT)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_the_manifest_comes_back_as_a_spreadsheet_leaves_it(
    run: PrintRun, tmp_path: Path, delimiter: str
) -> None:
    header, *lines = "".join(manifests.write(run)).split("\r\n")[:-1]
    rows = [[*line.split(","), "MAILED", "12/03/2026 10:00"] for line in lines]
    file = tmp_path / "manifest.csv"
    text = "\r\n".join(delimiter.join(row) for row in [[*header.split(","), "Status", "At"], *rows])
    file.write_bytes(text.encode("cp1252"))
    assert take(run, file).counts == {"mailed": 3}
    assert run.mailed_at == LEAVES


def test_the_manifest_has_every_sheet_and_no_formula(cast: Cast) -> None:
    queued(billed(cast, number=1, name="=cmd|' /C calc'!A0", street="@rue 1", city="-Liège"))
    delivery = queued(billed(cast, number=2))
    Delivery.objects.first().text.__class__.objects.update(address="@rue 1\n4000 -Liège")  # type: ignore[union-attr]
    run = built(delivery)
    header, first, second, end = "".join(manifests.write(run)).split("\r\n")
    assert header == "sequence,of,delivery,reference,name,street,postcode,city,pages,sha256"
    assert first.startswith("1,2,D") and end == ""
    assert "'=cmd|' /C calc'!A0,'@rue 1,4000,'-Liège" in first
    line = lines_of(run)[1]
    assert second.split(",")[0] == "2" and second.endswith(f",{line.pages},{line.sha256}")


def test_a_run_mailed_as_a_whole_proves_less(run: PrintRun) -> None:
    assert bill_runs.mailed_whole(run=run, by=SYSTEM, at=LEAVES)
    returns.record_due(at=LEAVES)
    assert set(Evidence.objects.values_list("kind", "grade")) == {("batch_mailed", 1)}
    assert {d.status for d in Delivery.objects.all()} == {"sent"}
    assert returns.doubt_due(at=LEAVES + 30 * DAY) == 0


def test_it_is_proven_when_nothing_came_back_for_five_working_days(run: PrintRun) -> None:
    bill_runs.mailed_whole(run=run, by=SYSTEM, at=LEAVES)
    returns.record_due(at=LEAVES)
    until = brussels("2026-03-19 10:00")
    assert evidence.ripen(at=until - MINUTE) == 0
    assert evidence.ripen(at=until) == 3
    assert {d.proof.grade for d in Delivery.objects.all()} == {3}


def test_what_nobody_confirms_is_unknown_after_two_working_days(
    run: PrintRun, tmp_path: Path
) -> None:
    take(run, returned_file(run, tmp_path, f"{codes(run)[0]},mailed,{SAID_AT}"))
    limit = brussels("2026-03-16 10:00")
    assert returns.overdue(run) == limit
    assert returns.doubt_due(at=limit - MINUTE) == 0
    assert returns.doubt_due(at=limit) == 2
    assert returns.doubt_due(at=limit + DAY) == 0
    assert [line.delivery.status for line in lines_of(run)] == ["sent", "unknown", "unknown"]
    late = returned_file(run, tmp_path, f"{codes(run)[1]},mailed,{SAID_AT}")
    take(run, late, at=limit + DAY)
    assert lines_of(run)[1].delivery.status == "sent", "a late word still counts"
    assert run.events.filter(cause="unconfirmed").count() == 1


def test_a_run_of_which_every_sheet_was_confirmed_alarms_nobody(
    run: PrintRun, tmp_path: Path
) -> None:
    take(run, returned_file(run, tmp_path, *(f"{code},mailed,{SAID_AT}" for code in codes(run))))
    limit = brussels("2026-03-16 10:00")
    assert returns.doubt_due(at=limit) == 0
    run.refresh_from_db()
    assert run.doubted_at == limit, "and nobody looks again"
    assert not run.events.filter(cause="unconfirmed").exists()


def test_what_came_back_by_post_revokes_and_blames_the_address(
    run: PrintRun, tmp_path: Path
) -> None:
    code = codes(run)[0]
    take(run, returned_file(run, tmp_path, f"{code},mailed,{SAID_AT}"))
    delivery = returns.came_back(code=code.lower(), by=SYSTEM, at=AT + DAY)
    assert delivery
    delivery.refresh_from_db()
    assert (delivery.proof.failed, delivery.proof.hard, delivery.proof.grade) == (True, True, 0)
    assert returns.came_back(code="D77", by=SYSTEM, at=AT) is None
    assert returns.came_back(code="hello", by=SYSTEM, at=AT) is None


def test_a_line_that_throws_waits_and_delays_no_other(
    run: PrintRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    returns.take_in(
        run=run,
        path=returned_file(run, tmp_path, *(f"{c},mailed,{SAID_AT}" for c in codes(run))),
        by=SYSTEM,
        at=AT,
    )
    real, poisoned = evidence.record, lines_of(run)[0].delivery_id

    def record(**given: Any) -> Any:
        if given["delivery"].pk == poisoned:
            raise RuntimeError("poison")
        return real(**given)

    monkeypatch.setattr(evidence, "record", record)
    assert returns.record_due(at=AT) == 2
    assert returns.record_due(at=AT) == 0
    monkeypatch.undo()
    assert returns.record_due(at=AT + HOUR) == 1
    assert not PrintLine.objects.exclude(tell_at=None).exists()
