"""The way of a document: first channel, next channel, or something for a named person to do."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from crm.models import Customer
from followups import plans, reconcile
from followups.models import Item, Promise
from followups.terms import Refused
from offers import channels, deliveries, sending
from offers.deliveries import LEASE
from offers.models import Delivery, PrintLine
from tests.cast import (
    DAY,
    HOUR,
    NO_SUCH_USER,
    SILENCE,
    START,
    SYSTEM,
    Cast,
    Clock,
    Relay,
    delivery_of,
    person,
)
from tests.followups.scenes import Kind, accepted, fresh, promised, proven, report
from tests.followups.test_paper import confirmed, letter


@pytest.fixture
def pigeon(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> Relay:
    """A second channel, so that a plan has somewhere to go on to."""
    second = Relay()
    channel = channels.Channel(address_of=lambda customer: "loft 7", carry=second.carry)
    monkeypatch.setitem(channels.CHANNELS, "pigeon", channel)
    return second


def items(promise: Promise) -> list[tuple[str, str]]:
    rows = promise.items.filter(closed_at=None).order_by("pk")
    return [(item.kind, item.owner.username) for item in rows]


def test_a_refusal_starts_the_next_channel_at_once(cast: Cast, pigeon: Relay, relay: Relay) -> None:
    relay.script = [NO_SUCH_USER]
    promise = promised(cast, plan=("email", "pigeon"))
    sending.send_due(clock=Clock())
    delivery = delivery_of(promise)
    assert (delivery.channel, delivery.why) == ("pigeon", "next_channel")
    assert fresh(promise).plan_step == 1
    assert fresh(promise).track == "proof", "the pigeon flew in the same sweep"


def test_at_the_end_of_the_plan_a_named_person_has_something_to_do(
    cast: Cast, relay: Relay
) -> None:
    relay.script = [NO_SUCH_USER]
    promise = promised(cast)
    sending.send_due(clock=Clock())
    assert items(promise) == [("address_to_fix", "amina")]
    assert fresh(promise).status == "open"


def test_a_soft_failure_exhausts_the_plan_without_blaming_the_address(
    cast: Cast, relay: Relay
) -> None:
    promise = accepted(cast, relay)
    report(promise, Kind.FAILED, at=START + HOUR, hard=False)
    assert items(promise) == [("plan_exhausted", "amina")]


def test_what_may_have_left_is_asked_about_and_not_sent_again(cast: Cast, relay: Relay) -> None:
    relay.script = [SILENCE]
    promise = promised(cast)
    clock = Clock()
    for _ in range(5):
        sending.send_due(clock=clock)
        reconcile.run(at=clock())
        clock.turn(DAY)
    assert items(promise) == [("unknown_send", "amina")]
    assert len(relay.carried) == 1


def test_a_resend_is_a_new_delivery_and_closes_the_items(cast: Cast, relay: Relay) -> None:
    relay.script = [NO_SUCH_USER]
    promise = promised(cast)
    sending.send_due(clock=Clock())
    mended = plans.resend(
        promise=promise, address="new@mail.example", by=person(cast.amina), at=START + HOUR
    )
    assert (mended.why, mended.queued_by) == ("resend", f"user:{cast.amina.pk}")
    assert items(promise) == []
    assert Item.objects.get().closed_cause == "resent"
    assert cast.dupont.emails.first().address == "new@mail.example"  # type: ignore[union-attr]
    sending.send_due(clock=Clock(START + HOUR))
    assert fresh(promise).track == "proof"


def test_a_resend_takes_back_what_has_not_left(cast: Cast) -> None:
    promise = promised(cast)
    waiting = delivery_of(promise)
    plans.resend(promise=promise, address="new@mail.example", by=SYSTEM, at=START)
    assert Delivery.objects.get(pk=waiting.pk).status == "cancelled"
    assert plans.live(promise).count() == 1


HOME = "rue Neuve 7\n4000 Liège"


def letters_to(promise: Promise) -> list[tuple[str, str, str]]:
    rows = plans.attached(promise).order_by("pk")
    return [(row.channel, row.why, row.text.address) for row in rows]


def test_a_person_sends_it_again_by_letter_to_a_corrected_address(cast: Cast, relay: Relay) -> None:
    relay.script = [NO_SUCH_USER]
    promise = promised(cast)
    sending.send_due(clock=Clock())
    again = plans.resend(
        promise=promise, channel="post", address=HOME, by=person(cast.amina), at=START + HOUR
    )
    assert (again.channel, again.why, again.queued_by) == (
        "post",
        "resend",
        f"user:{cast.amina.pk}",
    )
    assert PrintLine.objects.get().delivery == again
    assert items(promise) == []
    assert channels.CHANNELS["post"].address_of(cast.dupont) == HOME
    assert fresh(promise).plan_step == 0


@pytest.mark.parametrize(
    ("channel", "address"), [("post", "rue Neuve 7"), ("bill_insert", HOME), ("post", "")]
)
def test_a_way_that_leads_nowhere_is_refused_and_changes_nothing(
    cast: Cast, channel: str, address: str
) -> None:
    Customer.objects.filter(pk=cast.dupont.pk).update(bill_medium="electronic")
    promise = promised(cast)
    before = channels.CHANNELS["post"].address_of(cast.dupont)
    with pytest.raises(Refused):
        plans.resend(promise=promise, channel=channel, address=address, by=SYSTEM, at=START)
    assert [row.status for row in plans.attached(promise)] == ["queued"]
    assert channels.CHANNELS["post"].address_of(cast.dupont) == before


def test_what_a_person_sent_another_way_does_not_go_that_way_again_by_itself(
    cast: Cast, relay: Relay
) -> None:
    relay.script = [SILENCE]
    promise = promised(cast, plan=("email", "post"))
    sending.send_due(clock=Clock())
    again = plans.resend(promise=promise, channel="post", address=HOME, by=SYSTEM, at=START)
    letter(again)
    deliveries.move_paper(
        ids=[again.pk], source="sending", to="unknown", by=SYSTEM, at=START + DAY, cause="test"
    )
    reconcile.run(at=START + 3 * DAY)
    assert [channel for channel, _why, _to in letters_to(promise)] == ["email", "post"]
    assert ("paper", "amina") in items(promise)


def test_a_spoiled_letter_is_printed_again_for_the_corrected_address(
    cast: Cast, tmp_path: Path
) -> None:
    promise = promised(cast, plan=("post",), address="", address_accepted=False)
    plans.resend(promise=promise, channel="post", address=HOME, by=SYSTEM, at=START)
    confirmed(letter(delivery_of(promise)), tmp_path, status="spoiled")
    assert letters_to(promise)[-1] == ("post", "reprint", HOME)


def test_a_promise_that_is_kept_is_not_sent_again(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay)
    with pytest.raises(Refused, match="not open"):
        plans.resend(promise=promise, address="new@mail.example", by=SYSTEM, at=START + 2 * DAY)
    assert plans.advance(promise=promise, by=SYSTEM, at=START + 2 * DAY) is None


def test_a_channel_without_an_address_is_passed_over(cast: Cast, pigeon: Relay) -> None:
    nowhere = dataclasses.replace(channels.CHANNELS["email"], address_of=lambda customer: None)
    channels.CHANNELS["email"] = nowhere
    promise = promised(cast, plan=("email", "pigeon"), address="", address_accepted=False)
    assert delivery_of(promise).channel == "pigeon"


def test_a_kept_promise_closes_its_items_but_not_the_customers_answer(
    cast: Cast, relay: Relay
) -> None:
    relay.script = [SILENCE]
    promise = promised(cast)
    sending.send_due(clock=Clock())
    deliveries.free_expired(at=START + LEASE)
    reconcile.run(at=START + HOUR)
    assert items(promise) == [("unknown_send", "amina")]
    report(promise, Kind.REPLY, at=START + 2 * HOUR)
    assert fresh(promise).status == "kept"
    assert items(promise) == [("answer", "amina")]


def test_a_mail_in_doubt_waits_a_day_before_another_channel_may_go(
    cast: Cast, pigeon: Relay, relay: Relay
) -> None:
    relay.script = [SILENCE]
    promise = promised(cast, plan=("email", "pigeon"))
    clock = Clock()
    sending.send_due(clock=clock)
    reconcile.run(at=clock())
    assert items(promise) == [("unknown_send", "amina")]
    assert pigeon.carried == []
    clock.turn(DAY)
    plans.advance(promise=promise, by=SYSTEM, at=clock())
    sending.send_due(clock=clock)
    assert len(pigeon.carried) == 1
