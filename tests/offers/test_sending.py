"""Sending: how each ending of a conversation is written down, and what is tried again."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from offers import channels, deliveries, documents, sending
from offers.channels.smtp import Outcome
from offers.deliveries import LEASE
from offers.models import Delivery, Evidence
from tests.cast import BUSY, DAY, HOUR, MINUTE, NO_SUCH_USER, SENT, SILENCE, Cast, Clock, Relay
from tests.offers.journeys import claimed, fresh, queued


def evidence_of(delivery: Delivery) -> list[tuple[str, bool]]:
    rows = Evidence.objects.filter(delivery=delivery).order_by("pk")
    return list(rows.values_list("kind", "hard"))


def test_what_the_relay_accepts_is_sent_with_its_evidence(cast: Cast, relay: Relay) -> None:
    delivery = queued(cast)
    assert sending.send_due(clock=Clock()) == 1
    row = fresh(delivery)
    assert (row.status, row.reply_code, row.reply_status) == ("sent", 250, "2.0.0")
    assert row.text.reply == SENT.reply
    assert evidence_of(delivery) == [("relay_accepted", False)]
    assert row.document is not None


def test_nothing_is_sent_twice(cast: Cast, relay: Relay) -> None:
    queued(cast)
    clock = Clock()
    for _ in range(4):
        sending.send_due(clock=clock)
        clock.turn(DAY)
    assert len(relay.carried) == 1


def test_a_busy_relay_is_asked_again_later_and_proves_nothing(cast: Cast, relay: Relay) -> None:
    relay.script = [BUSY, BUSY, SENT]
    delivery, clock = queued(cast), Clock()
    sending.send_due(clock=clock)
    assert (fresh(delivery).status, evidence_of(delivery)) == ("retry", [])
    assert sending.send_due(clock=clock) == 0
    clock.turn(MINUTE)
    sending.send_due(clock=clock)
    clock.turn(4 * MINUTE)
    assert sending.send_due(clock=clock) == 0
    clock.turn(MINUTE)
    sending.send_due(clock=clock)
    assert fresh(delivery).status == "sent"
    assert [token for _pk, token in relay.carried] == [1, 2, 3]


@pytest.mark.parametrize(
    "busy",
    [
        BUSY,
        Outcome("retry", None, None, "connection refused", "connect"),
        Outcome("retry", None, None, "connection lost", "rcpt"),
        Outcome("retry", 450, None, "450 greylisted", "rcpt"),
    ],
)
def test_after_a_day_it_gives_up_and_blames_no_address(
    cast: Cast, relay: Relay, busy: Outcome
) -> None:
    delivery, clock = queued(cast), Clock()
    relay.script = [busy] * 100
    for _ in range(30):
        sending.send_due(clock=clock)
        clock.turn(HOUR)
    assert fresh(delivery).status == "failed"
    assert delivery.events.latest("pk").cause == "gave_up"
    assert evidence_of(delivery) == [("failed", False)]
    assert cast.dupont.emails.get().bad_at is None


@pytest.mark.parametrize(
    ("outcome", "hard"),
    [
        (NO_SUCH_USER, True),
        (Outcome("failed", 550, None, "550 no such user", "rcpt"), True),
        (Outcome("failed", None, "5.1.3", "not a mail address", "address"), True),
        (Outcome("failed", 552, "5.2.2", "552 5.2.2 mailbox full", "rcpt"), False),
        (Outcome("failed", 554, "5.7.1", "554 5.7.1 spam", "verdict"), False),
    ],
)
def test_a_refusal_is_final_and_says_whether_the_address_is_bad(
    cast: Cast, relay: Relay, outcome: Outcome, hard: bool
) -> None:
    relay.script = [outcome]
    delivery = queued(cast)
    sending.send_due(clock=Clock())
    assert fresh(delivery).status == "failed"
    assert evidence_of(delivery) == [("failed", hard)]
    assert (cast.dupont.emails.get().bad_at is not None) == hard


@pytest.mark.parametrize("stage", ["greeting", "ehlo", "starttls", "auth"])
def test_a_relay_that_refuses_us_refuses_no_mail(cast: Cast, relay: Relay, stage: str) -> None:
    relay.script = [Outcome("failed", 535, None, "535 bad password", stage)]
    delivery = queued(cast)
    sending.send_due(clock=Clock())
    assert (fresh(delivery).status, evidence_of(delivery)) == ("retry", [])


def test_silence_after_the_body_is_unknown_and_never_sent_again(cast: Cast, relay: Relay) -> None:
    relay.script = [SILENCE]
    delivery, clock = queued(cast), Clock()
    sending.send_due(clock=clock)
    assert (fresh(delivery).status, evidence_of(delivery)) == ("unknown", [])
    for _ in range(10):
        clock.turn(DAY)
        deliveries.free_expired(at=clock())
        sending.send_due(clock=clock)
    assert len(relay.carried) == 1


def test_a_worker_that_lost_its_claim_sends_nothing(cast: Cast, relay: Relay) -> None:
    delivery, clock = claimed(cast), Clock()
    clock.turn(LEASE)
    deliveries.free_expired(at=clock())
    outcome = sending.send(delivery=delivery, by=deliveries.SWEEPER, clock=clock)
    assert outcome.kind == "lost" and relay.carried == []
    assert fresh(delivery).status == "queued"


def test_what_cannot_be_prepared_is_tried_again_for_a_day_and_then_fails(
    cast: Cast, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, good = queued(cast), queued(cast)
    real = documents.ensure

    def ensure(**facts: Any) -> Any:
        if facts["version"].pk == poison.version_id:
            raise RuntimeError("cannot render")
        return real(**facts)

    monkeypatch.setattr(documents, "ensure", ensure)
    clock = Clock()
    assert sending.send_due(clock=clock) == 2
    assert (fresh(poison).status, fresh(good).status) == ("retry", "sent")
    clock.turn(DAY)
    sending.send_due(clock=clock)
    assert fresh(poison).status == "failed"
    assert evidence_of(poison) == [("failed", False)]


def test_a_worker_that_breaks_in_the_body_leaves_the_row_to_its_lease(
    cast: Cast, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = queued(cast)

    def carry(delivery: Any, document: Any, begin: Any, at: Any) -> Any:
        begin()
        raise RuntimeError("broke in the body")

    channel = channels.Channel(address_of=lambda customer: None, carry=carry)
    monkeypatch.setitem(channels.CHANNELS, "email", channel)
    sending.send_due(clock=Clock())
    assert fresh(delivery).status == "sending"


def test_the_sweep_ends_in_time(cast: Cast, relay: Relay) -> None:
    for _ in range(5):
        queued(cast)
    clock = Clock()
    real = relay.carry

    def slow(*args: Any) -> Outcome:
        clock.turn(sending.SHARE * 0.4)
        return real(*args)

    relay_channel = sending.CHANNELS["email"]
    sending.CHANNELS["email"] = type(relay_channel)(relay_channel.address_of, slow)
    assert sending.send_due(clock=clock) == 3


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_the_network_is_touched(cast: Cast, relay: Relay) -> None:
    queued(cast)
    open_: list[bool] = []
    real = relay.carry

    def watched(*args: Any) -> Outcome:
        open_.append(connection.in_atomic_block)
        return real(*args)

    channel = sending.CHANNELS["email"]
    sending.CHANNELS["email"] = type(channel)(channel.address_of, watched)
    sending.send_due(clock=Clock())
    assert open_ == [False]
