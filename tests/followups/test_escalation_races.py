"""The ladder and a fulfilment at the same instant."""

from __future__ import annotations

import pytest
from django.db import transaction

from crm import customers
from followups import escalation, promises
from followups.models import Escalation
from offers import deliveries
from tests.cast import DAY, HOUR, MINUTE, START, SYSTEM, Cast, delivery_of
from tests.followups.scenes import Kind, fresh, promised, report
from tests.races import Thread, until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_rung_is_climbed_over_a_fulfilment_that_is_just_being_written(cast: Cast) -> None:
    promise = promised(cast)
    at = promise.next_rung_at
    assert at
    with transaction.atomic():
        report(promise, Kind.CONFIRMED, at=at - MINUTE)
        # It passes by whatever somebody has in hand, and waits for nobody.
        assert Thread(lambda: escalation.climb(at=at)).answer() == 0
    assert escalation.climb(at=at) == 0
    assert fresh(promise).status == "kept" and not Escalation.objects.exists()


def test_the_ladder_and_a_fulfilment_take_their_locks_in_one_order(cast: Cast) -> None:
    promise = promised(cast)
    deliveries.cancel(delivery=delivery_of(promise), by=SYSTEM, at=START, cause="test")
    at = START + 4 * DAY
    for hours in range(60):
        if fresh(promise).rung == 3:  # the next one also starts the next channel
            break
        escalation.climb(at=START + hours * HOUR)
    with transaction.atomic():
        customers.hold([promise.customer_id])
        thread = Thread(lambda: escalation.climb(at=at))
        until_somebody_waits(thread)
        promises.weigh(promise=promise, by=SYSTEM, at=at)
    assert thread.answer() == 1
    assert fresh(promise).failures == 0
