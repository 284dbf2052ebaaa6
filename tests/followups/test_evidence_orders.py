"""Every order and every repetition of what is reported about a mail ends in the same state."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import Any

import pytest
from django.db import transaction

from followups import gate
from followups.gate import Question
from followups.models import Promise
from followups.reconcile import unserved
from offers import deliveries, sending
from offers.channels.smtp import Outcome
from offers.models import Delivery, Evidence
from tests.cast import (
    DAY,
    DUPONT_HOME,
    HOUR,
    MINUTE,
    SENT,
    SILENCE,
    START,
    SYSTEM,
    Cast,
    Clock,
    Relay,
    delivery_of,
    sweeps_alive,
)
from tests.followups.scenes import promised
from tests.offers.journeys import Kind, happens

AT = START + DAY  # when all of it is told
BUSY = Outcome("retry", 451, "4.3.0", "451 4.3.0 try again later", "verdict")
# The same things as a relay, a provider and the customer tell them; each about another minute.
TOLD: dict[str, dict[str, Any]] = {
    "dsn delivered": {"kind": Kind.DELIVERED, "source": "mail"},
    "esp delivered": {"kind": Kind.DELIVERED, "source": "esp:postmark"},
    "dsn failed": {"kind": Kind.FAILED, "source": "mail", "hard": False},
    "esp bounced": {"kind": Kind.FAILED, "source": "esp:postmark", "hard": True},
    "complained": {"kind": Kind.COMPLAINT, "source": "esp:postmark"},
    "delayed": {"kind": Kind.DELAYED, "source": "mail"},
    "read": {"kind": Kind.READ_RECEIPT, "source": "mail"},
    "answered": {"kind": Kind.REPLY, "source": "mail"},
    "never came": {"kind": Kind.NEVER_RECEIVED, "source": "page"},
}
MACHINES = ("dsn delivered", "esp delivered", "dsn failed", "esp bounced", "complained", "delayed")


class _Undo(Exception):
    """Ends a scene without a trace."""


def tell(delivery: Delivery, names: tuple[str, ...]) -> None:
    for name in names:
        place = list(TOLD).index(name)
        occurred_at = START + HOUR + place * MINUTE
        happens(delivery, at=AT, event_id=name, occurred_at=occurred_at, **TOLD[name])


def state(delivery: Delivery, promise: Promise) -> dict[str, Any]:
    """All that anybody decides by."""
    delivery.refresh_from_db()
    promise.refresh_from_db()
    proof = deliveries.Delivery.objects.select_related("proof").get(pk=delivery.pk).proof
    sweeps_alive(AT)
    decision = gate.decide(Question(number=DUPONT_HOME), by=SYSTEM, at=AT)
    return {
        "delivery": delivery.status,
        "proof": (proof.grade, proof.failed, proof.hard, proof.first_delayed_at, proof.ripens_at),
        "promise": (promise.status, promise.kept_at, promise.settled_at, promise.readable_at),
        "track": promise.track,
        "gate": (decision.allow, [(b.code, b.until) for b in decision.blocks]),
        "bad address": promise.customer.emails.get().bad_at,
        "forgotten": promise in unserved(),
    }


def after(delivery: Delivery, promise: Promise, names: tuple[str, ...]) -> dict[str, Any]:
    """The end of a scene, which is then undone."""
    found: dict[str, Any] = {}
    try:
        with transaction.atomic():
            tell(delivery, names)
            found = state(delivery, promise)
            raise _Undo
    except _Undo:
        return found


@pytest.fixture(params=[SENT, SILENCE, BUSY], ids=["sent", "unknown", "retry"])
def scene(cast: Cast, relay: Relay, request: pytest.FixtureRequest) -> tuple[Delivery, Promise]:
    """A promised mail that was taken, that ended in silence, or that was put off."""
    relay.script = [request.param]
    promise = promised(cast)
    sending.send_due(clock=Clock(START))
    return delivery_of(promise), promise


def agree(scene: tuple[Delivery, Promise], names: tuple[str, ...], most: int) -> None:
    delivery, promise = scene
    orders = list(permutations(names))
    expected = after(delivery, promise, names)
    for order in orders[1 : most + 1]:
        assert after(delivery, promise, order) == expected, order
    for order in (names, names[::-1]):
        assert after(delivery, promise, order + order[::-1]) == expected, f"twice: {order}"


@pytest.mark.parametrize("names", list(combinations(MACHINES, 2)), ids=" + ".join)
def test_any_two_reports(scene: tuple[Delivery, Promise], names: tuple[str, ...]) -> None:
    agree(scene, names, most=1)


@pytest.mark.parametrize(
    "names",
    [
        ("dsn delivered", "esp bounced", "complained"),
        ("esp delivered", "dsn failed", "esp bounced"),
        ("dsn delivered", "esp delivered", "delayed"),
        ("dsn failed", "delayed", "answered"),
        ("esp bounced", "read", "never came"),
        ("dsn delivered", "answered", "never came"),
        ("complained", "dsn failed", "answered"),
    ],
    ids=" + ".join,
)
def test_any_three_in_all_their_orders(
    scene: tuple[Delivery, Promise], names: tuple[str, ...]
) -> None:
    agree(scene, names, most=6)


def test_delivered_bounced_and_complained_by_both_who_can_tell(
    scene: tuple[Delivery, Promise],
) -> None:
    agree(scene, ("dsn delivered", "esp delivered", "esp bounced", "complained"), most=24)


def test_a_report_about_one_delivery_by_two_tellers_is_two_events_and_one_state(
    scene: tuple[Delivery, Promise],
) -> None:
    delivery, promise = scene
    tell(delivery, ("dsn failed", "esp bounced", "dsn failed"))
    assert Evidence.objects.filter(delivery=delivery, kind=Kind.FAILED).count() == 2
    found = state(delivery, promise)
    assert found["proof"][:3] == (0, True, True)
    assert found["promise"][0] == "open" and not found["gate"][0]
