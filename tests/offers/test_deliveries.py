"""Deliveries: claims, leases, the fence against zombies, and no move without its event."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from offers import deliveries
from offers.deliveries import LEASE, MOVES, WAITS
from offers.models import Delivery
from tests.cast import BUSY, DAY, MINUTE, NO_SUCH_USER, SENT, SILENCE, START, SYSTEM, Cast
from tests.offers.journeys import claimed, fresh, queued, sending, sent, settle

Status = Delivery.Status


def told(delivery: Delivery) -> list[str]:
    return list(delivery.events.order_by("pk").values_list("to_status", flat=True))


def test_the_table_of_moves_ends_where_it_should() -> None:
    assert {source for source, to in MOVES.items() if to} == {
        Status.QUEUED,
        Status.RETRY,
        Status.CLAIMED,
        Status.SENDING,
        Status.UNKNOWN,
        Status.SENT,
        Status.FAILED,
    }
    assert (MOVES[Status.SENT], MOVES[Status.FAILED]) == ({Status.FAILED}, {Status.SENT})
    assert MOVES[Status.UNKNOWN] == {Status.SENT, Status.FAILED}, "UNKNOWN is never sent again"
    assert Status.CANCELLED not in MOVES[Status.SENDING], "what may have left is not taken back"


def test_each_move_has_its_event(cast: Cast) -> None:
    delivery = sent(cast)
    assert told(delivery) == ["queued", "claimed", "sending", "sent"]
    assert delivery.settled_at == START
    assert (delivery.lease_until_at, delivery.next_try_at) == (None, None)


def test_what_is_not_due_is_not_claimed(cast: Cast) -> None:
    queued(cast, at=START + MINUTE)
    assert deliveries.claim(by=SYSTEM, at=START) is None
    assert deliveries.claim(by=SYSTEM, at=START + MINUTE)


def test_the_oldest_is_claimed_first_and_each_once(cast: Cast) -> None:
    first, second = queued(cast), queued(cast, at=START + MINUTE)
    at = START + 2 * MINUTE
    taken = [deliveries.claim(by=SYSTEM, at=at) for _ in range(3)]
    assert taken == [first, second, None]


def test_a_claim_has_a_new_token_and_a_lease(cast: Cast) -> None:
    delivery = claimed(cast)
    assert (delivery.token, delivery.tries, delivery.lease_until_at) == (1, 1, START + LEASE)


def test_a_claim_whose_lease_ran_out_goes_back_to_the_queue(cast: Cast) -> None:
    delivery = claimed(cast)
    assert deliveries.free_expired(at=START + LEASE - MINUTE) == 0
    assert deliveries.free_expired(at=START + LEASE) == 1
    assert fresh(delivery).status == "queued"
    assert deliveries.claim(by=SYSTEM, at=START + LEASE)


def test_a_send_whose_lease_ran_out_is_unknown_and_never_sent_again(cast: Cast) -> None:
    delivery = sending(cast)
    assert deliveries.free_expired(at=START + LEASE) == 1
    assert fresh(delivery).status == "unknown"
    for days in range(1, 10):
        assert deliveries.free_expired(at=START + days * DAY) == 0
        assert deliveries.claim(by=SYSTEM, at=START + days * DAY) is None


def test_a_zombie_with_an_old_token_moves_nothing(cast: Cast) -> None:
    zombie = claimed(cast)
    deliveries.free_expired(at=START + LEASE)
    living = deliveries.claim(by=SYSTEM, at=START + LEASE)
    assert living and living.token == zombie.token + 1
    at = START + LEASE + MINUTE
    assert not deliveries.begin_body(delivery=zombie, by=SYSTEM, at=at)
    for outcome in (SENT, BUSY, NO_SUCH_USER, SILENCE):
        assert not settle(zombie, outcome, at=at)
    assert fresh(living).status == "claimed"
    assert deliveries.begin_body(delivery=living, by=SYSTEM, at=at)


def test_nothing_begins_after_the_lease(cast: Cast) -> None:
    delivery = claimed(cast)
    assert not deliveries.begin_body(delivery=delivery, by=SYSTEM, at=START + LEASE)
    assert fresh(delivery).status == "claimed"


def test_the_last_holder_may_still_say_how_an_unknown_ended(cast: Cast) -> None:
    delivery = sending(cast)
    deliveries.free_expired(at=START + LEASE)
    assert not settle(delivery, BUSY, at=START + DAY), "a retry would send it twice"
    assert settle(delivery, SENT, at=START + DAY)
    assert fresh(delivery).status == "sent"


def test_the_end_is_said_once(cast: Cast) -> None:
    delivery = sent(cast)
    for outcome in (SENT, NO_SUCH_USER, BUSY, SILENCE):
        assert not settle(delivery, outcome, at=START)
    assert told(delivery)[-1] == "sent"


@pytest.mark.parametrize(
    ("tries", "wait"), [(1, WAITS[0]), (2, WAITS[1]), (4, WAITS[3]), (9, WAITS[3])]
)
def test_each_retry_waits_longer_up_to_an_hour(cast: Cast, tries: int, wait: Any) -> None:
    queued(cast)
    Delivery.objects.update(tries=tries - 1)
    delivery = deliveries.claim(by=SYSTEM, at=START)
    assert delivery and settle(delivery, BUSY, at=START)
    assert (fresh(delivery).status, fresh(delivery).next_try_at) == ("retry", START + wait)


@pytest.mark.parametrize("state", [queued, claimed, sending, sent])
def test_only_what_has_not_left_can_be_taken_back(cast: Cast, state: Any) -> None:
    delivery = state(cast)
    taken = deliveries.cancel(delivery=delivery, by=SYSTEM, at=START, cause="test")
    assert taken == (state is queued)
    assert deliveries.claim(by=SYSTEM, at=START + DAY) is None


def test_the_minute_is_full_for_one_domain_and_not_for_another(cast: Cast, settings: Any) -> None:
    settings.MAIL_PER_MINUTE = (10, 2)
    for _ in range(2):
        sending(cast)
    third, other = queued(cast), queued(cast, address="x@elsewhere.example")
    assert deliveries.claim(by=SYSTEM, at=START) == other
    assert deliveries.claim(by=SYSTEM, at=START) is None
    assert deliveries.claim(by=SYSTEM, at=START + MINUTE) == third


def test_the_minute_is_full_for_everybody(cast: Cast, settings: Any) -> None:
    settings.MAIL_PER_MINUTE = (1, 1)
    sending(cast)
    queued(cast, address="x@elsewhere.example")
    assert deliveries.claim(by=SYSTEM, at=START) is None
    assert deliveries.claim(by=SYSTEM, at=START + MINUTE)


@pytest.mark.parametrize("change", ["lease_until_at = now()", "next_try_at = NULL"])
def test_a_queued_row_waits_and_is_not_held(cast: Cast, change: str) -> None:
    queued(cast)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE offers_delivery SET {change}")  # noqa: S608 (the list above)


@pytest.mark.django_db(transaction=True)
def test_a_state_change_without_its_event_is_refused_at_commit(cast: Cast) -> None:
    delivery = queued(cast)
    with pytest.raises(DatabaseError, match="needs its event"), connection.cursor() as cursor:
        cursor.execute("UPDATE offers_delivery SET status = 'sent', next_try_at = NULL")
    assert fresh(delivery).status == "queued"


@pytest.mark.django_db(transaction=True)
def test_an_event_of_an_earlier_transaction_does_not_excuse_it(cast: Cast) -> None:
    delivery = claimed(cast)
    deliveries.free_expired(at=START + LEASE)
    with pytest.raises(DatabaseError, match="needs its event"), transaction.atomic():
        Delivery.objects.update(status="claimed", lease_until_at=START + DAY, next_try_at=None)
    assert fresh(delivery).status == "queued"


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_claim_the_same_row(cast: Cast) -> None:
    for _ in range(12):
        queued(cast)
    barrier, taken, lock = threading.Barrier(3), [], threading.Lock()

    def work() -> None:
        try:
            barrier.wait(30)
            while delivery := deliveries.claim(by=SYSTEM, at=START):
                with lock:
                    taken.append(delivery.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    # A worker that meets only locked rows ends early; what is left is claimed by the next sweep.
    while delivery := deliveries.claim(by=SYSTEM, at=START):
        taken.append(delivery.pk)
    assert sorted(taken) == sorted(Delivery.objects.values_list("pk", flat=True))


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_is_looking_at_is_skipped_and_not_waited_for(cast: Cast) -> None:
    first, second = queued(cast), queued(cast)
    ready, go_on = threading.Event(), threading.Event()

    def look() -> None:
        try:
            with transaction.atomic():
                Delivery.objects.select_for_update().get(pk=first.pk)
                ready.set()
                assert go_on.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        assert ready.wait(30)
        assert deliveries.claim(by=SYSTEM, at=START) == second
    finally:
        go_on.set()
        thread.join(30)
