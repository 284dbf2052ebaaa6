"""Promises on paper: when they are due, what keeps them, and the way on when a sheet is spoiled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm import policies
from crm.workdays import DEFAULT
from followups import auditing, judgement, reconcile, terms
from followups.models import Item, Promise
from followups.terms import Refused
from offers import bill_runs, evidence, postal, print_files, returns, sending
from offers.models import Delivery, PrintRun
from tests.cast import (
    DAY,
    HOUR,
    MINUTE,
    NO_SUCH_USER,
    START,
    SYSTEM,
    Cast,
    Clock,
    Relay,
    brussels,
    delivery_of,
)
from tests.followups.scenes import fresh
from tests.offers.journeys import happens
from tests.offers.paper import (
    CUT_OFF,
    LEAVES,
    PRINTED,
    billed,
    lines_of,
    printed,
    promised,
    returned,
    run_of,
)

BATCH_PRINTED = brussels("2026-03-02 16:00")
LETTER_LEAVES = brussels("2026-03-03 10:00")


def confirmed(run: PrintRun, folder: Path, *, status: str = "mailed", at: Any = LEAVES) -> None:
    """The mail room says the same of every sheet of a run."""
    said = (f"{line.code},{status},{at.isoformat()}" for line in lines_of(run) if line.sequence)
    returns.take_in(run=run, path=returned(run, folder, *said), by=SYSTEM, at=at + HOUR)
    while returns.record_due(at=at + HOUR):
        pass


def letter(run_or_delivery: Delivery) -> PrintRun:
    """The batch of a letter, printed in the afternoon."""
    run = run_of(run_or_delivery)
    bill_runs.close(run=run, by=SYSTEM, at=run.cut_off_at)
    run.refresh_from_db()
    print_files.build_due(clock=Clock(run.cut_off_at))
    run.refresh_from_db()
    printed_at = max(run.cut_off_at, BATCH_PRINTED)
    assert bill_runs.printed(run=run, by=SYSTEM, at=printed_at)
    print_files.hand_over(at=printed_at)
    return run


# --- due --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "due"),
    [
        ("email", "2026-03-03 17:30"),
        ("portal", "2026-03-03 17:30"),
        ("post", "2026-03-09 17:30"),
        # Bills of the 12th leave on Thursday; three working days later is Tuesday.
        ("bill_insert", "2026-03-17 17:30"),
    ],
)
def test_each_channel_has_its_due_time(cast: Cast, channel: str, due: str) -> None:
    found = terms.due(channel=channel, calendar=DEFAULT, at=START, customer=billed(cast))
    assert found == brussels(due)


def test_after_the_cut_off_an_insert_is_due_with_the_bill_after(cast: Cast) -> None:
    found = terms.due(channel="bill_insert", calendar=DEFAULT, at=CUT_OFF, customer=billed(cast))
    assert found == brussels("2026-04-16 17:30")


def test_a_run_that_operations_planned_by_hand_counts(cast: Cast) -> None:
    slot = postal.Slot(brussels("2026-03-04 12:00"), brussels("2026-03-05 12:00").date())
    bill_runs.open_run(kind="bill_run", bill_day=12, slot=slot, by=SYSTEM, at=START)
    found = terms.due(channel="bill_insert", calendar=DEFAULT, at=START, customer=billed(cast))
    assert found == brussels("2026-03-10 17:30")


@pytest.mark.parametrize("more", [{"bill_medium": "electronic"}, {"bill_day": None}])
def test_who_gets_no_paper_bill_is_promised_no_insert(cast: Cast, more: Any) -> None:
    with pytest.raises(Refused, match="no paper bill") as refused:
        promised(cast, billed(cast, **more))
    assert refused.value.field.endswith("channel")
    assert not Promise.objects.exists() and not Delivery.objects.exists()


def test_a_bill_that_comes_too_late_is_refused_in_words(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terms, "LONGEST_WAIT_FOR_A_BILL", 5 * DAY)
    with pytest.raises(Refused, match="too late for this promise") as refused:
        promised(cast, billed(cast))
    assert refused.value.field.endswith("channel")


def test_a_letter_needs_a_whole_address_and_goes_nowhere_else(cast: Cast) -> None:
    with pytest.raises(Refused, match="incomplete"):
        promised(cast, billed(cast, city=""), plan=("post",))
    with pytest.raises(Refused, match="on file"):
        promised(cast, billed(cast, number=2), plan=("post",), address="elsewhere 1")


@pytest.mark.parametrize(
    ("channel", "more", "grade"),
    [
        ("email", {"accepted": True}, 3),
        ("email", {}, 4),
        ("portal", {}, 4),
        ("portal", {"attached": True}, 3),
        ("post", {}, 3),
        ("bill_insert", {}, 3),
    ],
)
def test_each_channel_has_its_least_proof(channel: str, more: Any, grade: int) -> None:
    assert policies.get("none", at=START).grade(channel, **more) == grade


# --- kept -------------------------------------------------------------------------------------


def test_an_insert_is_kept_when_its_bill_did_not_come_back(cast: Cast, tmp_path: Path) -> None:
    promise = promised(cast, billed(cast))
    run = printed(delivery_of(promise))
    confirmed(run, tmp_path)
    promise = fresh(promise)
    assert (promise.status, promise.track) == ("open", "proof")
    quiet = brussels("2026-03-19 10:00")
    assert promise.proof_expected_at == quiet
    evidence.ripen(at=quiet)
    promise = fresh(promise)
    assert (promise.status, promise.kept_at, promise.settled_at) == ("kept", LEAVES, quiet)
    assert promise.readable_at == brussels("2026-03-17 10:00")
    assert promise.broken_at is None


def test_a_letter_is_readable_two_working_days_after_it_was_handed_over(
    cast: Cast, tmp_path: Path
) -> None:
    promise = promised(cast, billed(cast), plan=("post",))
    confirmed(letter(delivery_of(promise)), tmp_path, at=LETTER_LEAVES)
    evidence.ripen(at=brussels("2026-03-06 10:00"))
    promise = fresh(promise)
    assert (promise.status, promise.readable_at) == ("kept", brussels("2026-03-05 10:00"))


def test_a_letter_that_leaves_in_time_to_be_read_late_was_late(cast: Cast, tmp_path: Path) -> None:
    promise = promised(cast, billed(cast), plan=("post",))
    late = brussels("2026-03-06 10:00")  # in hand on Tuesday the 10th, due on Monday the 9th
    run = letter(delivery_of(promise))
    confirmed(run, tmp_path, at=late)
    assert judgement.counts_from(judgement.judge(promise).standing[0]) == brussels(
        "2026-03-10 10:00"
    )
    evidence.ripen(at=brussels("2026-03-11 10:00"))
    promise = fresh(promise)
    assert (promise.status, promise.kept_at) == ("kept", late)
    assert promise.broken_at is not None, "late, although it left before it was due"


def test_a_letter_that_was_read_sooner_is_readable_from_then(cast: Cast, tmp_path: Path) -> None:
    promise = promised(cast, billed(cast), plan=("post",))
    confirmed(letter(delivery_of(promise)), tmp_path, at=LETTER_LEAVES)
    pressed = LETTER_LEAVES + 20 * HOUR
    happens(delivery_of(promise), "pressed", at=pressed)
    promise = fresh(promise)
    assert (promise.status, promise.readable_at) == ("kept", pressed)


def test_a_letter_after_a_mail_needs_no_press_of_a_button(
    cast: Cast, relay: Relay, tmp_path: Path
) -> None:
    relay.script = [NO_SUCH_USER]
    person = billed(cast)
    promise = promised(
        cast, person, plan=("email", "post"), address="p@mail.example", address_accepted=False
    )
    assert promise.required_grade == 4
    sending.send_due(clock=Clock(START + MINUTE))
    paper = delivery_of(promise)
    assert (paper.channel, paper.why) == ("post", "next_channel")
    confirmed(letter(paper), tmp_path, at=LETTER_LEAVES)
    evidence.ripen(at=brussels("2026-03-06 10:00"))
    assert fresh(promise).status == "kept"
    assert reconcile.run(at=brussels("2026-03-06 10:01")) == 0


# --- the way on -------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["spoiled", "missing"])
def test_a_spoiled_letter_is_printed_once_more_and_then_takes_the_next_channel(
    cast: Cast, tmp_path: Path, status: str
) -> None:
    promise = promised(cast, billed(cast), plan=("post", "bill_insert"))
    first = delivery_of(promise)
    confirmed(letter(first), tmp_path, status=status, at=LETTER_LEAVES)
    second = delivery_of(promise)
    assert (second.channel, second.why, second.status) == ("post", "reprint", "queued")
    assert run_of(second).mailing_date > run_of(first).mailing_date
    confirmed(letter(second), tmp_path, status=status, at=LETTER_LEAVES + 2 * DAY)
    third = delivery_of(promise)
    assert (third.channel, third.why) == ("bill_insert", "next_channel")
    assert Delivery.objects.count() == 3


def test_a_spoiled_insert_takes_the_next_channel_rather_than_the_next_bill(
    cast: Cast, tmp_path: Path
) -> None:
    promise = promised(cast, billed(cast), plan=("bill_insert", "post"))
    confirmed(printed(delivery_of(promise)), tmp_path, status="spoiled")
    assert delivery_of(promise).channel == "post"


def test_without_another_channel_a_spoiled_insert_joins_the_next_bill(
    cast: Cast, tmp_path: Path
) -> None:
    promise = promised(cast, billed(cast))
    first = delivery_of(promise)
    confirmed(printed(first), tmp_path, status="spoiled")
    second = delivery_of(promise)
    assert (second.channel, second.why) == ("bill_insert", "reprint")
    assert run_of(second).mailing_date > run_of(first).mailing_date


def test_a_letter_that_came_back_is_an_address_to_fix(cast: Cast, tmp_path: Path) -> None:
    promise = promised(cast, billed(cast), plan=("post",))
    run = letter(delivery_of(promise))
    confirmed(run, tmp_path, at=LETTER_LEAVES)
    back = brussels("2026-03-10 09:00")
    evidence.ripen(at=brussels("2026-03-06 10:00"))
    assert fresh(promise).status == "kept"
    returns.came_back(code=lines_of(run)[0].code, by=SYSTEM, at=back)
    assert fresh(promise).status == "open"
    assert list(Item.objects.values_list("kind", flat=True)) == ["address_to_fix"]
    assert Delivery.objects.count() == 1, "nothing more goes to a bad address"


def test_what_nobody_confirms_is_the_owners_item_and_the_gate_stays_shut(
    cast: Cast, tmp_path: Path
) -> None:
    promise, other = promised(cast, billed(cast)), promised(cast, billed(cast, number=2))
    run = printed(delivery_of(promise))
    code = lines_of(run)[0].code
    file = returned(run, tmp_path, f"{code},mailed,{LEAVES.isoformat()}")
    returns.take_in(run=run, path=file, by=SYSTEM, at=LEAVES + HOUR)
    returns.record_due(at=LEAVES + HOUR)
    limit = brussels("2026-03-16 10:00")
    returns.doubt_due(at=limit)
    reconcile.run(at=limit + MINUTE)
    item = Item.objects.get()
    assert (item.kind, item.promise, item.owner) == ("paper", other, cast.amina)
    assert fresh(other).status == "open"
    wrong = set(auditing.everything(at=limit + 10 * MINUTE))
    assert wrong <= {"sweep_late", "intake_silent", "rung_overdue"}, "nobody runs the sweeps here"


@pytest.mark.parametrize("plan", [("bill_insert",), ("post",), ("post", "bill_insert")])
def test_every_promise_on_paper_has_a_live_delivery_at_every_step(
    cast: Cast, tmp_path: Path, plan: tuple[str, ...]
) -> None:
    promise = promised(cast, billed(cast), plan=plan)
    assert not list(reconcile.unserved())
    run = letter(delivery_of(promise)) if plan[0] == "post" else printed(delivery_of(promise))
    assert not list(reconcile.unserved())
    confirmed(run, tmp_path, status="missing", at=max(LEAVES, PRINTED + HOUR))
    assert not list(reconcile.unserved())


def test_the_same_offer_promised_twice_on_paper_is_one_sheet(cast: Cast) -> None:
    person = billed(cast)
    first = promised(cast, person)
    again = promised(cast, person, version=first.version)
    assert delivery_of(first) == delivery_of(again)
    assert Delivery.objects.count() == 1
