"""A call that waits for another promise: "call me two days after the offer came"."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from followups import (
    amending,
    auditing,
    conversations,
    gate,
    journeys,
    next_calls,
    promised,
    reconcile,
    slots,
    telling,
)
from followups.models import Notice, Promise
from followups.terms import LATEST_DUE, Refused, Terms
from offers import evidence
from offers.models import Evidence
from tests.cast import (
    DAY,
    HOUR,
    MINUTE,
    START,
    SYSTEM,
    Cast,
    Relay,
    brussels,
    call_of,
    offer_for,
    person,
    sweeps_alive,
    terms_for,
)
from tests.followups.scenes import accepted, causes, fresh, proven, report
from tests.followups.test_amending import spoken

pytestmark = pytest.mark.django_db


def awaiting(cast: Cast, after: Promise, *, days: int = 2, at: datetime = START) -> Promise:
    """Amina promises to call so many days after the other promise has come."""
    terms = Terms(kind="callback", words="I call.", plan=(), after=after, after_days=days)
    call = call_of(cast.amina, cast.dupont, at=at + MINUTE)
    by = person(cast.amina)
    return conversations.record(call=call, terms=[terms], by=by, at=at + MINUTE).promises[0]


def swept(promise: Promise, *, at: datetime) -> Promise:
    slots.run(by=SYSTEM, at=at)
    return Promise.objects.select_related("after").get(pk=promise.pk)


def test_until_it_has_come_there_is_no_hour_and_nothing_is_late(cast: Cast, relay: Relay) -> None:
    offer = accepted(cast, relay)
    promise = swept(awaiting(cast, offer), at=START + HOUR)
    assert promise.waits and promise.due_at == promise.made_at + LATEST_DUE
    later = START + 60 * DAY
    sweeps_alive(later)
    assert journeys.state(promise, at=later) == "waiting"
    said = telling.of(promise, None, at=later).sentence
    assert said == f"We call back 2 days after {offer.reference} has come."
    assert next_calls.call_backs(cast.amina, at=later) == []
    assert not Notice.objects.filter(promise=promise).exists(), "no hour, so no calendar entry"
    (block,) = gate.blocks(
        [cast.dupont], purpose="callback", at=later, mine=[f"user:{cast.amina.pk}"]
    )[cast.dupont.pk]
    assert block.code == "callback_pending"


def test_once_it_has_come_the_call_gets_its_hour_and_the_rungs_of_it(
    cast: Cast, relay: Relay
) -> None:
    offer = accepted(cast, relay)
    promise = awaiting(cast, offer)
    report(offer, Evidence.Kind.CONFIRMED, at=START + HOUR)
    promise = swept(promise, at=START + HOUR)
    assert not promise.waits
    assert promise.due_at == brussels("2026-03-04 10:00")  # Wednesday, two days after Monday, 10:00
    assert promise.next_rung_at == promise.rungs[0] < promise.due_at
    assert causes(promise) == ["made", "slot_set"]
    assert Notice.objects.get(promise=promise).kind == "callback_agreed"
    sweeps_alive(promise.due_at)
    (call,) = next_calls.call_backs(cast.amina, at=promise.due_at)
    assert call.promise == promise


def test_an_hour_is_one_in_which_the_team_works(cast: Cast, relay: Relay) -> None:
    offer = accepted(cast, relay)
    promise = awaiting(cast, offer, days=5)  # Saturday
    report(offer, Evidence.Kind.CONFIRMED, at=START + HOUR)
    assert swept(promise, at=START + HOUR).due_at == brussels("2026-03-09 09:00")


def test_what_came_long_ago_gets_the_next_hour_there_is(cast: Cast, relay: Relay) -> None:
    offer = proven(cast, relay)
    at = START + 8 * DAY
    promise = swept(awaiting(cast, offer, at=at), at=at + MINUTE)
    assert promise.due_at == brussels("2026-03-10 11:00")


def test_it_follows_a_replacement(cast: Cast, relay: Relay) -> None:
    offer = accepted(cast, relay)
    promise = awaiting(cast, offer)
    made = amending.renegotiate(
        promise=offer, terms=terms_for(offer.version), attempt=spoken(cast), reason="later",
        by=person(cast.amina), at=START + 2 * HOUR,
    )  # fmt: skip
    promise = swept(promise, at=START + 3 * HOUR)
    assert (promise.after, promise.waits) == (made, True)
    assert causes(promise) == ["made", "awaits_another"]


def test_when_nothing_comes_any_more_it_is_due_at_once_and_its_owner_is_told(
    cast: Cast, relay: Relay
) -> None:
    offer = accepted(cast, relay)
    promise = awaiting(cast, offer)
    amending.withdraw(
        promise=offer, attempt=spoken(cast), reason="not_wanted", by=person(cast.chloe),
        at=START + 2 * HOUR, signed=True,
    )  # fmt: skip
    promise = swept(promise, at=START + 2 * HOUR)
    assert promise.due_at == brussels("2026-03-02 12:00")
    assert causes(promise)[-1] == "awaited_gone"
    assert Notice.objects.get(promise=promise).read_at is None


def test_when_the_proof_is_taken_back_it_waits_again_and_then_gets_an_hour_anew(
    cast: Cast, relay: Relay
) -> None:
    offer = accepted(cast, relay)
    promise = awaiting(cast, offer)
    report(offer, Evidence.Kind.DELIVERED, at=START)
    offer = proven_later(offer)
    promise = swept(promise, at=START + DAY + HOUR)
    assert not promise.waits
    report(offer, Evidence.Kind.FAILED, at=START + DAY + 2 * HOUR)
    promise = swept(promise, at=START + DAY + 3 * HOUR)
    assert promise.waits and promise.cycle == 3
    kinds = Notice.objects.filter(promise=promise).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["callback_agreed", "callback_cancelled"]


def proven_later(offer: Promise) -> Promise:
    evidence.ripen(at=START + DAY + MINUTE)
    return fresh(offer)


def test_nothing_is_moved_twice_and_no_sweep_finds_fault(cast: Cast, relay: Relay) -> None:
    offer = proven(cast, relay)
    at = START + 8 * DAY
    promise = awaiting(cast, offer, at=at)
    sweeps_alive(at + HOUR)
    assert reconcile.run(at=at + HOUR) == 1
    assert reconcile.run(at=at + HOUR) == 0
    assert "no_next_rung" not in set(auditing.everything(at=at + HOUR))
    assert fresh(promise).cycle == 2


def test_a_call_waits_for_what_is_promised_on_another_line_of_the_same_call(cast: Cast) -> None:
    waits = Terms(kind="callback", words="I call.", plan=(), after_this=True, after_days=1)
    terms = [waits, terms_for(offer_for(cast.dupont))]
    call, by = call_of(cast.amina, cast.dupont), person(cast.amina)
    for _again in range(2):  # and the same call again promises nothing twice
        conversations.record(call=call, terms=terms, by=by, at=START)
    offer, promise = Promise.objects.order_by("pk")
    assert (offer.kind, promise.after, promise.after_days) == ("send_offer", offer, 1)


def test_the_customer_reads_what_we_wait_for(cast: Cast, relay: Relay) -> None:
    awaiting(cast, accepted(cast, relay))
    states = {
        line.promise.kind: line.state for line in promised.lines(cast.dupont, at=START + HOUR)
    }
    assert states["callback"] == "state_call_after"


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("promises.0.after", {"after_this": True}),
        ("promises.0.after", {"after": "a call-back"}),
        ("promises.0.after", {"after": "withdrawn"}),
        ("promises.0.after_days", {"after": "offer", "after_days": 61}),
        ("promises.0.due_at", {}),
    ],
)
def test_what_cannot_come_is_not_waited_for(
    cast: Cast, relay: Relay, field: str, more: dict[str, Any]
) -> None:
    offer = accepted(cast, relay)
    if more.get("after") == "withdrawn":
        amending.withdraw(
            promise=offer, attempt=spoken(cast), reason="not_wanted", by=person(cast.chloe),
            at=START + 2 * HOUR, signed=True,
        )  # fmt: skip
        offer = fresh(offer)
    if more.get("after") == "a call-back":
        offer = awaiting(cast, offer)
    more = {**more, "after": offer} if "after" in more else more
    terms = Terms(kind="callback", words="I call.", plan=(), **more)
    before = Promise.objects.count()
    with pytest.raises(Refused) as refused:
        call = call_of(cast.chloe, cast.dupont, at=START + 3 * HOUR, campaign=cast.sales)
        conversations.record(call=call, terms=[terms], by=person(cast.chloe), at=START + 3 * HOUR)
    assert refused.value.field == field
    assert Promise.objects.count() == before
