"""Where a promise stands, in the words of its channel: paper, page, call-back, written answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from followups import queries, telling, telling_paper, timeline, wrapup
from followups.journeys import Journey, journey, newest
from followups.models import Promise
from followups.telling import CAUSES
from followups.wrapup import Wish
from offers import answers, print_lines, returns
from offers.models import Delivery, Evidence
from tests.cast import (
    DAY,
    HOUR,
    START,
    SYSTEM,
    Cast,
    Relay,
    brussels,
    call_and_promise,
    call_of,
    delivery_of,
    person,
)
from tests.followups.scenes import accepted, report
from tests.offers.paper import PRINTED, billed, printed, promised, returned

Kind = Evidence.Kind
TOLD = brussels("2026-03-12 15:00")


def shown(promise: Promise, at: datetime) -> Journey:
    row = queries.with_journeys(Promise.objects.filter(pk=promise.pk)).get()
    return journey(row, at=at)


def labels(found: Journey, mark: str) -> list[str]:
    return [step.label for step in found.steps if step.mark == mark]


def cause(promise: Promise, at: datetime) -> str:
    row = queries.with_journeys(Promise.objects.filter(pk=promise.pk)).get()
    return str(CAUSES[telling.of(row, newest(row), at=at).cause])


def wished(cast: Cast, wish: Wish) -> Promise:
    """What the desk saves for one line."""
    call = call_of(cast.amina, cast.dupont)
    saved = wrapup.save(call=call, wishes=[wish], by=person(cast.amina), at=START)
    return saved.promises[0]


def delivery_of_first(promise: Promise) -> Delivery:
    row = queries.with_journeys(Promise.objects.filter(pk=promise.pk)).get()
    return next(iter(row.attached.all())).delivery


def mailed(cast: Cast, folder: Path, *, status: str = "mailed") -> Promise:
    """An insert that the mail room said something about."""
    promise = promised(cast, billed(cast))
    run = printed(delivery_of(promise))
    code = delivery_of(promise).line.code
    file = returned(run, folder, f"{code},{status},2026-03-12T10:00:00+01:00")
    returns.take_in(run=run, path=file, by=SYSTEM, at=TOLD)
    while print_lines.to_tell(at=TOLD).exists():
        returns.record_due(at=TOLD)
    promise.refresh_from_db()
    return promise


def test_an_insert_says_which_bill_run_it_joined_and_when_its_list_closes(cast: Cast) -> None:
    promise = promised(cast, billed(cast))
    found = shown(promise, START)
    assert found.by == "with the next bill"
    assert found.address == "rue Neuve 1, 4000 Liège"
    assert labels(found, "now") == ["joined the bill run of 12 Mar 2026"]
    assert found.sentence == (
        "It joined the bill run of 12 Mar 2026; the list closes on Monday 9 March, 17:00."
    )
    assert found.pace is None


def test_a_letter_goes_with_the_letters_of_its_day(cast: Cast) -> None:
    promise = promised(cast, billed(cast), plan=("post",))
    found = shown(promise, START)
    assert found.by == "by letter"
    assert labels(found, "now")[0].startswith("with the letters of ")


def test_a_printed_insert_waits_for_the_post(cast: Cast) -> None:
    promise = promised(cast, billed(cast))
    printed(delivery_of(promise))
    found = shown(promise, PRINTED)
    assert labels(found, "done") == ["joined the bill run of 12 Mar 2026", "printed"]
    assert found.sentence == "It is printed, and waits for the post to take it."


def test_what_the_mail_room_confirmed_is_proven_when_it_does_not_come_back(
    cast: Cast, tmp_path: Path
) -> None:
    found = shown(mailed(cast, tmp_path), TOLD)
    assert labels(found, "now") == ["proven"]
    assert found.sentence.startswith("The mail room confirmed it at 10:00.")


def test_a_spoiled_sheet_is_lost_in_print_and_said_so_to_the_board(
    cast: Cast, tmp_path: Path
) -> None:
    promise = mailed(cast, tmp_path, status="spoiled")
    spoiled = queries.with_journeys(Promise.objects.filter(pk=promise.pk)).get()
    first = next(iter(spoiled.attached.all())).delivery
    assert first.status == "failed"
    assert "The sheet was spoiled in print." in str(
        [*shown(promise, TOLD).earlier, shown(promise, TOLD).sentence]
    )


def test_what_came_back_by_post_says_so(cast: Cast, tmp_path: Path) -> None:
    promise = mailed(cast, tmp_path)
    at = TOLD + DAY
    returns.came_back(code=delivery_of(promise).line.code, by=SYSTEM, at=at)
    back = delivery_of_first(promise)
    assert telling.trouble(back, at=at).cause == "returned"
    found = shown(promise, at)
    assert "It came back by post at 15:00." in str([*found.earlier, found.sentence])
    assert telling_paper.stopped(back) == "came back"


def test_no_word_about_paper_speaks_of_mail_servers(cast: Cast, tmp_path: Path) -> None:
    promise = mailed(cast, tmp_path)
    customer = promise.customer
    said = [step.label for step in shown(promise, TOLD).steps]
    said += [f"{e.title} {e.detail}" for e in timeline.of(customer) if e.kind == "mail"]
    assert any("handed to the post" in line for line in said)
    assert not [line for line in said if "server" in line or "Mail to" in line]


def test_a_notice_counts_when_the_customer_opens_the_page(cast: Cast) -> None:
    promise = call_and_promise(cast.amina, cast.dupont, plan=("portal",))
    assert shown(promise, START).by == "on the customer's page"
    assert "opened by the customer" in labels(shown(promise, START), "todo")


def test_a_call_back_is_said_with_its_moment_and_is_late_after_an_hour(cast: Cast) -> None:
    slot = START + DAY
    promise = wished(cast, Wish(kind="callback", words="w", slot=slot))
    assert shown(promise, START).sentence == "We call back on Tuesday 09:00."
    assert shown(promise, slot + HOUR / 2).state != "broken"
    late = shown(promise, slot + 2 * HOUR)
    assert late.state == "broken"
    assert late.sentence.startswith("We were to call back on Tuesday")
    assert cause(promise, slot) == str(CAUSES["not_called"])


def test_an_answer_that_nobody_wrote_is_not_a_missing_address(cast: Cast) -> None:
    promise = wished(cast, Wish(kind="written_answer", words="w", route=("email",)))
    found = shown(promise, START)
    assert found.sentence == "The answer is not written yet."
    assert labels(found, "now") == ["answer written"]
    assert cause(promise, START) == "the answer is not written yet"


def test_what_the_customer_answered_stands_on_the_timeline(cast: Cast) -> None:
    promise = call_and_promise(cast.amina, cast.dupont)
    delivery = delivery_of(promise)
    at = START + timedelta(hours=1)
    answers.record(delivery=delivery, kind="accepted", by=SYSTEM, at=at, words="Oui.")
    entry = next(e for e in timeline.of(cast.dupont) if e.kind == "answer")
    assert entry.title == "The customer accepts the offer"
    assert "Oui." in entry.detail


def test_never_received_outranks_what_the_mail_room_said(cast: Cast, tmp_path: Path) -> None:
    promise = mailed(cast, tmp_path)
    at = TOLD + DAY
    report(promise, Kind.NEVER_RECEIVED, at=at)
    found = shown(promise, at)
    assert "The customer said at 15:00 that it never came." in str([*found.earlier, found.sentence])


def test_the_sheet_looks_often_while_a_mail_leaves_and_again_when_its_proof_is_due(
    cast: Cast, relay: Relay
) -> None:
    leaving = call_and_promise(cast.amina, cast.peeters)
    assert shown(leaving, START).pace == 2
    promise = report(accepted(cast, relay), Kind.DELIVERED, at=START)
    minute = timedelta(minutes=1)
    looked = [shown(promise, START + DAY + wait).pace for wait in (-minute, 0 * minute, minute)]
    assert looked == [15, 2, 2]
    assert shown(promise, START + DAY + 3 * minute).pace == 15
