"""What can happen to a promise: made, kept, broken, opened again; each with its event."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from followups import promises
from followups.models import Escalation, Item, Promise
from followups.promises import MOVES
from followups.terms import ALPHABET
from offers import evidence
from tests.cast import (
    DAY,
    HOUR,
    MINUTE,
    START,
    SYSTEM,
    Cast,
    Relay,
    brussels,
    delivery_of,
    offer_for,
)
from tests.followups.scenes import Kind, accepted, causes, fresh, promised, proven, report
from tests.offers.journeys import happens

Status = Promise.Status


def test_a_promise_is_due_at_the_end_of_the_next_working_day(cast: Cast) -> None:
    promise = promised(cast)
    assert promise.due_at == brussels("2026-03-03 17:30")
    assert (promise.status, promise.track, promise.required_grade) == ("open", "lateness", 3)
    assert START < promise.next_rung_at < promise.due_at
    assert causes(promise) == ["made", "delivery_attached"]


def test_on_friday_evening_that_is_monday(cast: Cast) -> None:
    promise = promised(cast, at=brussels("2026-03-06 18:00"))
    assert promise.due_at == brussels("2026-03-09 17:30")


def test_a_due_time_that_was_agreed_counts(cast: Cast) -> None:
    agreed = brussels("2026-03-04 12:00")
    assert promised(cast, due_at=agreed).due_at == agreed


def test_an_address_that_was_not_read_back_needs_the_customers_own_act(cast: Cast) -> None:
    promise = promised(cast, address_accepted=False)
    assert promise.required_grade == 4
    assert (promise.address_accepted_at, promise.address_accepted_by) == (None, "")


def test_a_reference_can_be_said_on_the_phone(cast: Cast) -> None:
    references = {promised(cast).reference for _ in range(20)}
    assert len(references) == 20
    assert all(r.startswith("P-") and set(r[2:]) <= set(ALPHABET) for r in references)
    assert not set("01OILB8S5UV") & set(ALPHABET)


def test_accepted_on_monday_and_proven_on_tuesday_was_kept_on_monday(
    cast: Cast, relay: Relay
) -> None:
    promise = proven(cast, relay)
    assert (promise.status, promise.cycle) == ("kept", 1)
    assert (promise.kept_at, promise.settled_at, promise.readable_at) == (START, START + DAY, START)
    assert (promise.next_rung_at, promise.closed_at) == (None, START + DAY)
    assert promise.broken_at is None


def test_while_a_mail_stands_its_proof_is_awaited(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    assert (promise.status, promise.track) == ("open", "proof")
    assert promise.proof_expected_at == START + 2 * DAY
    assert promise.next_rung_at == brussels("2026-03-05 09:00")


def test_proof_below_the_required_grade_does_not_keep_it(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay, address_accepted=False)
    assert (promise.status, promise.track) == ("open", "proof")
    promise = report(promise, Kind.READ_RECEIPT, at=START + 2 * DAY)
    assert promise.status == "kept"
    assert promise.kept_at == START, "on time is judged by the first standing event"
    assert promise.readable_at == START + 2 * DAY, "and reading by the act that proved it"


@pytest.mark.parametrize("kind", [Kind.DELAYED])
def test_a_delay_keeps_nothing(cast: Cast, relay: Relay, kind: str) -> None:
    promise = accepted(cast, relay)
    assert report(promise, kind, at=START + HOUR).status == "open"


def test_a_late_bounce_opens_it_again_with_a_new_cycle(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay)
    at = brussels("2026-03-04 10:00")
    promise = report(promise, Kind.FAILED, at=at, hard=True)
    assert (promise.status, promise.cycle, promise.track, promise.rung) == (
        "open",
        2,
        "lateness",
        0,
    )
    assert (promise.kept_at, promise.settled_at, promise.readable_at) == (None, None, None)
    assert promise.due_at == brussels("2026-03-03 17:30"), "the due time stays"
    assert promise.rungs[1] == brussels("2026-03-05 17:30"), "the rungs count from now"
    assert promise.broken_at == at, "due had passed, and now nothing stands"
    assert Item.objects.get(promise=promise).kind == "address_to_fix"


def test_a_bounce_before_due_breaks_nothing_yet(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    promise = report(promise, Kind.FAILED, at=START + HOUR)
    assert (promise.status, promise.track, promise.broken_at) == ("open", "lateness", None)
    assert promise.cycle == 1 and promise.next_rung_at < promise.due_at


def test_while_another_delivery_stands_a_bounce_is_not_lateness(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay)
    first = delivery_of(promise)
    Promise.objects.filter(pk=promise.pk).update(required_grade=3)
    with transaction.atomic():
        second = promised(cast, at=START + MINUTE)
        promises.attach(promise=promise, delivery=delivery_of(second), by=SYSTEM, at=START + MINUTE)
    happens(delivery_of(second), Kind.RELAY_ACCEPTED, at=START + DAY + HOUR)
    happens(first, Kind.FAILED, at=brussels("2026-03-04 10:00"))
    promise = fresh(promise)
    assert (promise.status, promise.cycle, promise.track) == ("open", 2, "proof")
    assert promise.broken_at is None


def test_broken_is_written_once_and_not_undone(cast: Cast, relay: Relay) -> None:
    promise = promised(cast)
    at = promise.due_at
    assert not promises.mark_broken(promise=promise, by=SYSTEM, at=at - MINUTE)
    assert promises.mark_broken(promise=promise, by=SYSTEM, at=at)
    assert not promises.mark_broken(promise=promise, by=SYSTEM, at=at + DAY)
    promise = report(promise, Kind.CONFIRMED, at=at + DAY)
    assert (promise.status, promise.broken_at) == ("kept", at)
    assert causes(promise).count("broken") == 1


def test_what_leaves_after_due_was_broken_even_if_no_sweep_had_looked(
    cast: Cast, relay: Relay
) -> None:
    promise = promised(cast)
    late = promise.due_at + MINUTE
    promise = report(promise, Kind.RELAY_ACCEPTED, at=late)
    assert (promise.track, promise.broken_at) == ("proof", late)


def test_what_left_in_time_is_not_broken_by_a_slow_proof(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    assert not promises.mark_broken(promise=promise, by=SYSTEM, at=promise.due_at + DAY)
    late = Promise.objects
    assert list(late.broken(promise.due_at + DAY)) == []
    assert list(late.unproven(promise.due_at + DAY)) == [promise]


def test_evidence_of_an_unattached_delivery_keeps_nothing(cast: Cast, relay: Relay) -> None:
    promise = promised(cast)
    other = promised(cast, version=offer_for(cast.dupont))
    report(other, Kind.CONFIRMED, at=START + HOUR)
    assert fresh(promise).status == "open"


def test_evidence_from_before_the_promise_does_not_keep_it(cast: Cast, relay: Relay) -> None:
    earlier = accepted(cast, relay)
    report(earlier, Kind.CONFIRMED, at=START + HOUR)
    later = promised(cast, at=START + 2 * HOUR)
    promises.attach(promise=later, delivery=delivery_of(earlier), by=SYSTEM, at=START + 2 * HOUR)
    later = promises.weigh(promise=later, by=SYSTEM, at=START + 2 * HOUR)
    assert later.status == "open"


def test_a_revocation_counts_whatever_its_date(cast: Cast, relay: Relay) -> None:
    earlier = accepted(cast, relay)
    report(earlier, Kind.FAILED, at=START + HOUR)
    shared = delivery_of(earlier)
    later = promised(cast, at=START + 2 * HOUR)
    promises.attach(promise=later, delivery=shared, by=SYSTEM, at=START + 2 * HOUR)
    happens(shared, Kind.DELIVERED, at=START + 3 * HOUR)
    happens(shared, Kind.READ_RECEIPT, at=START + 4 * HOUR)
    assert fresh(later).status == "open"


def test_weighing_again_changes_nothing(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay)
    before = causes(promise)
    for _ in range(3):
        promises.weigh(promise=promise, by=SYSTEM, at=START + 2 * DAY)
    assert causes(promise) == before


def test_every_order_of_the_same_reports_ends_the_same(cast: Cast, relay: Relay) -> None:
    ends = set()
    for order in (("delivered", "failed"), ("failed", "delivered")):
        promise = accepted(cast, relay, version=offer_for(cast.dupont))
        for hours, kind in enumerate(order, start=1):
            report(promise, kind, at=START + hours * HOUR)
        evidence.ripen(at=START + 3 * DAY)
        ends.add((fresh(promise).status, fresh(promise).track))
    assert ends == {("open", "lateness")}


@pytest.mark.parametrize(
    ("source", "to"),
    [(s, t) for s in ("open", "kept") for t in Status if t not in MOVES[Status(s)]],
)
def test_a_move_that_is_not_in_the_table_is_refused(cast: Cast, source: str, to: str) -> None:
    promise = promised(cast)
    with pytest.raises(ValueError, match="cannot go"):
        promises._move(promise, source, to, by=SYSTEM, at=START, cause="test")


def test_what_is_over_stays_over() -> None:
    ends = {Status.WITHDRAWN, Status.REPLACED, Status.ERASED}
    assert not ends & set(MOVES)


@pytest.mark.parametrize(
    "change",
    [
        {"closed_at": START},
        {"closed_by": "x"},
        {"status": "kept"},
        {"required_grade": 0},
        {"due_at": START},
        {"broken_at": START},
        {"address_accepted_by": ""},
        {"version": None},
    ],
)
def test_what_must_never_be_is_refused_by_the_database(cast: Cast, change: dict[str, Any]) -> None:
    promise = promised(cast)
    with pytest.raises(IntegrityError), transaction.atomic():
        Promise.objects.filter(pk=promise.pk).update(**change)


@pytest.mark.django_db(transaction=True)
def test_a_state_change_without_its_event_is_refused_at_commit(cast: Cast) -> None:
    promise = promised(cast)
    with pytest.raises(DatabaseError, match="needs its event"):
        Promise.objects.filter(pk=promise.pk).update(
            status="withdrawn", closed_at=START, closed_by="x"
        )
    assert fresh(promise).status == "open"
    assert not Escalation.objects.exists()
