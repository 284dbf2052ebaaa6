"""Reconcile mends both ways, and no open promise is left without somebody or something on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from followups import items, plans, promises, reception, reconcile
from followups.models import Item, Promise, PromiseDelivery
from offers import channels, deliveries, sending
from offers.models import DeliveryProof
from offers.signals import evidence_recorded
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
    delivery_of,
)
from tests.followups.scenes import Kind, accepted, causes, fresh, promised, proven, report
from tests.offers.journeys import happens


@contextmanager
def knock_lost() -> Iterator[None]:
    """Evidence is written and nobody upstairs hears of it."""
    evidence_recorded.disconnect(dispatch_uid="followups.hear")
    try:
        yield
    finally:
        evidence_recorded.connect(reception.hear, dispatch_uid="followups.hear")


def test_proof_whose_knock_was_lost_keeps_the_promise_after_all(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    with knock_lost():
        happens(delivery_of(promise), Kind.CONFIRMED, at=START + HOUR)
    assert fresh(promise).status == "open"
    assert reconcile.run(at=START + 2 * HOUR) == 1
    assert fresh(promise).status == "kept"
    assert reconcile.run(at=START + 2 * HOUR) == 0


def test_a_failure_whose_knock_was_lost_opens_it_again(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay)
    with knock_lost():
        happens(delivery_of(promise), Kind.FAILED, at=START + 2 * DAY)
    assert fresh(promise).status == "kept"
    reconcile.run(at=START + 2 * DAY)
    assert (fresh(promise).status, fresh(promise).cycle) == ("open", 2)
    assert Item.objects.filter(promise=promise, closed_at=None).count() == 1


def test_a_mail_that_stands_unheard_is_put_on_the_track_of_proof(cast: Cast, relay: Relay) -> None:
    promise = promised(cast)
    with knock_lost():
        sending.send_due(clock=Clock())
    assert fresh(promise).track == "lateness"
    reconcile.run(at=START + MINUTE)
    assert fresh(promise).track == "proof"


def test_a_proof_that_differs_from_its_evidence_is_folded_anew(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    DeliveryProof.objects.update(grade=5)
    assert reconcile.run(at=START + HOUR) == 1
    assert delivery_of(promise).proof.grade == 1
    assert fresh(promise).status == "open"


def test_an_open_promise_without_delivery_gets_one_or_an_item(cast: Cast) -> None:
    promise = promised(cast)
    deliveries.cancel(delivery=delivery_of(promise), by=SYSTEM, at=START, cause="test")
    assert list(reconcile.unserved()) == [promise]
    assert reconcile.run(at=START + MINUTE) == 1
    assert list(reconcile.unserved()) == []
    assert Item.objects.get(promise=promise).owner == cast.amina


def test_a_kill_between_failure_and_next_channel_is_mended(cast: Cast, relay: Relay) -> None:
    relay.script = [NO_SUCH_USER]
    promise = promised(cast)
    with knock_lost():
        sending.send_due(clock=Clock())
    assert list(reconcile.unserved()) == [promise]
    reconcile.run(at=START + MINUTE)
    assert Item.objects.get(promise=promise).kind == "address_to_fix"


def test_an_item_that_was_closed_without_an_answer_comes_back(cast: Cast) -> None:
    promise = promised(cast)
    deliveries.cancel(delivery=delivery_of(promise), by=SYSTEM, at=START, cause="test")
    reconcile.run(at=START + MINUTE)
    items.close(item=Item.objects.get(), cause="shrug", by=SYSTEM, at=START + HOUR)
    reconcile.run(at=START + 2 * HOUR)
    assert Item.objects.filter(promise=promise, closed_at=None).count() == 1


def test_what_is_well_is_left_alone(cast: Cast, relay: Relay) -> None:
    open_, kept = accepted(cast, relay), proven(cast, relay)
    before = [causes(open_), causes(kept)]
    for hours in range(5):
        assert reconcile.run(at=START + DAY + hours * HOUR) == 0
    assert [causes(open_), causes(kept)] == before


def test_a_day_after_the_first_delay_the_next_channel_is_tried_once(
    cast: Cast, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    pigeon = channels.Channel(address_of=lambda customer: "loft 7", carry=Relay().carry)
    monkeypatch.setitem(channels.CHANNELS, "pigeon", pigeon)
    promise = accepted(cast, relay, plan=("email", "pigeon"))
    report(promise, Kind.DELAYED, at=START + HOUR)
    reconcile.run(at=START + DAY)
    assert plans.attached(promise).count() == 1
    for hours in range(3):
        reconcile.run(at=START + DAY + HOUR + hours * HOUR)
    assert plans.attached(promise).count() == 2
    assert delivery_of(promise).channel == "pigeon"
    assert PromiseDelivery.objects.count() == 2


def test_a_promise_that_throws_does_not_stop_the_others(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, good = promised(cast), promised(cast)
    for promise in (poison, good):
        deliveries.cancel(delivery=delivery_of(promise), by=SYSTEM, at=START, cause="test")
    real = plans.advance

    def advance(*, promise: Promise, **facts: object) -> object:
        if promise.pk == poison.pk:
            raise ValueError("poison")
        return real(promise=promise, **facts)  # type: ignore[arg-type]

    monkeypatch.setattr(plans, "advance", advance)
    reconcile.run(at=START + MINUTE)
    assert list(reconcile.unserved()) == [poison]


def test_a_promise_that_cannot_be_weighed_does_not_stop_the_others(
    cast: Cast, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, good = accepted(cast, relay), accepted(cast, relay)
    with knock_lost():
        for promise in (poison, good):
            happens(delivery_of(promise), Kind.CONFIRMED, at=START + HOUR)
    real = promises.weigh

    def weigh(*, promise: Promise, **facts: object) -> Promise:
        if promise.pk == poison.pk:
            raise ValueError("poison")
        return real(promise=promise, **facts)  # type: ignore[arg-type]

    monkeypatch.setattr(promises, "weigh", weigh)
    assert reconcile.run(at=START + 2 * HOUR) == 1
    assert fresh(good).status == "kept"
