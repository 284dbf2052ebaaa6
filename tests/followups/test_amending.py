"""A promise after it was made: withdrawn, agreed anew, handed over; on whose word, with what."""

from __future__ import annotations

from typing import Any

import pytest

from crm import calls
from crm.actors import Actor
from crm.models import Attempt, GateChange, Suppression
from followups import amending, conversations, gate
from followups.models import Item, Notice, Promise
from followups.terms import NotOpen, Refused, Terms
from offers import sending
from offers.models import Delivery
from tests.cast import (
    DAY,
    HOUR,
    NO_SUCH_USER,
    START,
    SYSTEM,
    Cast,
    Clock,
    Relay,
    brussels,
    call_of,
    delivery_of,
    offer_for,
    sweeps_alive,
    terms_for,
)
from tests.followups.scenes import Kind, accepted, causes, fresh, promised, proven, report

DIALER = Actor(code="source:dialer-north")
LATER = START + 2 * HOUR
OTHER_MAIL = "eleonore@mail.example"


def spoken(cast: Cast, *, by: Actor = DIALER, **more: Any) -> Attempt:
    """Amina and Mme Dupont talk again, two hours later, and the dialer reports it."""
    at = more.pop("at", LATER)
    call = call_of(more.pop("agent", cast.amina), more.pop("customer", cast.dupont), at=at, **more)
    return calls.log(call=call, by=by, at=at).attempt


def withdrawn(promise: Promise, attempt: Attempt) -> bool:
    return amending.withdraw(
        promise=promise, attempt=attempt, reason="not_wanted", by=SYSTEM, at=LATER
    )


def agreed(promise: Promise, attempt: Attempt, **more: Any) -> Promise:
    terms: Terms = terms_for(promise.version, **more)
    return amending.renegotiate(
        promise=promise, terms=terms, attempt=attempt, reason="customer_asked", by=SYSTEM, at=LATER
    )


def codes(cast: Cast, *, at: Any) -> list[str]:
    sweeps_alive(at)
    found = gate.blocks([cast.dupont], purpose="sales", at=at)
    return [block.code for block in found[cast.dupont.pk] if block.code != "min_gap"]


# --- withdrawn --------------------------------------------------------------------------------


def test_what_the_customer_no_longer_wants_is_withdrawn_and_does_not_leave(cast: Cast) -> None:
    promise = promised(cast)
    attempt = spoken(cast)
    assert withdrawn(promise, attempt)
    promise = fresh(promise)
    assert (promise.status, promise.closed_at, promise.next_rung_at) == ("withdrawn", LATER, None)
    event = promise.events.get(cause="withdrawn")
    assert event.data == {"reason": "not_wanted", "attempt": attempt.pk}
    assert delivery_of(promise).status == "cancelled"


def test_a_withdrawal_opens_the_gate_only_after_a_reading_period(cast: Cast) -> None:
    promise = promised(cast)
    assert codes(cast, at=LATER) == ["open_promise"]
    withdrawn(promise, spoken(cast))
    assert codes(cast, at=LATER) == ["refusal_cooloff"]
    over = LATER + promise.reading_hours * HOUR
    assert codes(cast, at=over) == []
    assert Suppression.objects.get().proof.startswith("attempt:")


def test_a_longer_rest_that_stands_is_not_shortened(cast: Cast) -> None:
    first = withdrawn(promised(cast), spoken(cast))
    second = promised(cast, at=START + HOUR)
    assert first
    withdrawn(second, spoken(cast))
    assert Suppression.objects.count() == 1


def test_withdrawing_again_changes_nothing(cast: Cast) -> None:
    promise, attempt = promised(cast), spoken(cast)
    withdrawn(promise, attempt)
    before = causes(promise)
    assert not withdrawn(promise, attempt)
    assert causes(promise) == before


def test_what_was_kept_is_not_withdrawn(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay)
    with pytest.raises(NotOpen) as refused:
        withdrawn(promise, spoken(cast, at=START + 3 * DAY))
    assert refused.value.status == "kept"


@pytest.mark.parametrize(
    ("why", "call"),
    [
        ("telephone", {"by": Actor(code="user:1")}),
        ("telephone", {"by": SYSTEM}),
        ("answered", {"result": "no_answer", "answered_at": None}),
        ("before", {"at": START}),
        ("before", {"at": START - DAY}),
    ],
)
def test_nobodys_word_alone_opens_the_gate(cast: Cast, why: str, call: dict[str, Any]) -> None:
    promise = promised(cast)
    attempt = spoken(cast, **call)
    with pytest.raises(Refused, match=why) as refused:
        withdrawn(promise, attempt)
    assert refused.value.field == "call"
    assert fresh(promise).status == "open"
    assert not Suppression.objects.exists()


def test_a_call_that_the_customer_made_needs_no_answer_by_us(cast: Cast) -> None:
    promise = promised(cast)
    assert withdrawn(promise, spoken(cast, direction="inbound", result="voicemail"))


def test_another_customers_call_and_another_teams_call_prove_nothing(cast: Cast) -> None:
    promise = promised(cast)
    with pytest.raises(Refused, match="somebody else"):
        withdrawn(promise, spoken(cast, customer=cast.peeters))
    with pytest.raises(Refused, match="another team"):
        withdrawn(promise, spoken(cast, agent=cast.bram))


def test_a_machine_does_not_confirm_its_own_word(cast: Cast) -> None:
    promise = promised(cast)
    mine, other = Actor(code="key:1"), Actor(code="key:2")
    attempt = spoken(cast, by=mine)
    facts: dict[str, Any] = {"promise": promise, "attempt": attempt, "reason": "other"}
    with pytest.raises(Refused, match="telephone"):
        amending.withdraw(**facts, by=mine, at=LATER)
    assert amending.withdraw(**facts, by=other, at=LATER)


def test_what_another_promise_waits_for_still_leaves(cast: Cast) -> None:
    version = offer_for(cast.dupont)
    first, second = promised(cast, version=version), promised(cast, version=version)
    assert delivery_of(first) == delivery_of(second)
    withdrawn(first, spoken(cast))
    assert delivery_of(second).status == "queued"


def test_a_bounce_about_what_is_owed_no_more_is_nobodys_task(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    withdrawn(promise, spoken(cast))
    report(promise, Kind.FAILED, at=LATER + HOUR, hard=True)
    assert not Item.objects.filter(closed_at=None).exists()
    assert Delivery.objects.filter(attached__promise=promise).count() == 1


# --- agreed anew ------------------------------------------------------------------------------


def test_another_promise_takes_its_place(cast: Cast) -> None:
    old, attempt = promised(cast), spoken(cast)
    due = brussels("2026-03-10 12:00")
    new = agreed(old, attempt, due_at=due, address=OTHER_MAIL)
    old = fresh(old)
    assert (old.status, old.closed_at, new.status, new.replaces) == ("replaced", LATER, "open", old)
    assert (new.attempt, new.owner, new.due_at) == (attempt, cast.amina, due)
    assert new.events.get(cause="renegotiated").data["reason"] == "customer_asked"
    assert delivery_of(old).status == "cancelled"
    assert (delivery_of(new).status, delivery_of(new).text.address) == ("queued", OTHER_MAIL)


def test_what_has_left_serves_the_new_promise_and_does_not_leave_twice(
    cast: Cast, relay: Relay
) -> None:
    old = accepted(cast, relay)
    new = agreed(old, spoken(cast))
    assert delivery_of(new) == delivery_of(old)
    sending.send_due(clock=Clock(LATER))
    assert len(relay.carried) == 1
    report(new, Kind.DELIVERED, at=LATER + HOUR)
    report(new, Kind.PRESSED, at=LATER + 2 * HOUR)
    assert fresh(new).status == "kept"


def test_to_another_address_it_leaves_again(cast: Cast, relay: Relay) -> None:
    old = accepted(cast, relay)
    agreed(old, spoken(cast), address=OTHER_MAIL)
    sending.send_due(clock=Clock(LATER))
    assert len(relay.carried) == 2


def test_another_offer_is_another_document(cast: Cast, relay: Relay) -> None:
    old = accepted(cast, relay)
    new = amending.renegotiate(
        promise=old,
        terms=terms_for(offer_for(cast.dupont, at=LATER)),
        attempt=spoken(cast),
        reason="other_offer",
        by=SYSTEM,
        at=LATER,
    )
    assert delivery_of(new) != delivery_of(old)


def test_a_promise_that_was_late_stays_broken_in_the_figures(cast: Cast) -> None:
    old = promised(cast, due_at=START + HOUR)
    agreed(old, spoken(cast))
    assert fresh(old).broken_at == LATER


def test_agreeing_needs_an_answered_call(cast: Cast) -> None:
    promise = promised(cast)
    for call in ({"result": "voicemail"}, {"direction": "inbound", "result": "no_answer"}):
        with pytest.raises(Refused, match="answered"):
            agreed(promise, spoken(cast, answered_at=None, **call))
    assert fresh(promise).status == "open"


def test_terms_that_cannot_be_kept_replace_nothing(cast: Cast) -> None:
    promise, attempt = promised(cast), spoken(cast)
    for terms in ({"address": "nowhere"}, {"plan": ("pigeon",)}, {"due_at": LATER - HOUR}):
        with pytest.raises(Refused):
            agreed(promise, attempt, **terms)
    assert Promise.objects.get().status == "open"


def test_what_was_replaced_is_not_agreed_anew(cast: Cast) -> None:
    promise, attempt = promised(cast), spoken(cast)
    agreed(promise, attempt)
    with pytest.raises(NotOpen):
        agreed(promise, attempt)


# --- handed over ------------------------------------------------------------------------------


def passed(promise: Promise, to: Any) -> bool:
    return amending.reassign(promise=promise, owner=to, reason="absent", by=SYSTEM, at=LATER)


def test_somebody_else_keeps_it_and_is_told(cast: Cast) -> None:
    promise = promised(cast)
    due = promise.due_at
    assert passed(promise, cast.bram)
    promise = fresh(promise)
    assert (promise.owner, promise.team, promise.due_at) == (cast.bram, cast.gent, due)
    event = promise.events.get(cause="reassigned")
    assert event.data == {"reason": "absent", "before": cast.amina.pk, "owner": cast.bram.pk}
    assert Notice.objects.get(user=cast.bram).kind == "reassigned"
    assert GateChange.objects.filter(cause="promise_reassigned").count() == 1


def test_what_is_to_be_done_about_it_goes_along(cast: Cast, relay: Relay) -> None:
    relay.script = [NO_SUCH_USER]
    promise = promised(cast)
    sending.send_due(clock=Clock(START))
    assert Item.objects.get(closed_at=None).owner == cast.amina
    passed(promise, cast.chloe)
    assert Item.objects.get(closed_at=None).owner == cast.chloe


def test_to_its_owner_nothing_is_handed_over(cast: Cast) -> None:
    promise = promised(cast)
    assert not passed(promise, cast.amina)
    assert "reassigned" not in causes(promise)


def test_who_keeps_no_promises_gets_none(cast: Cast) -> None:
    promise = promised(cast)
    cast.bram.is_active = False
    for nobody in (cast.dirk, cast.eva, cast.bram):
        with pytest.raises(Refused) as refused:
            passed(promise, nobody)
        assert refused.value.field == "owner"
    assert fresh(promise).owner == cast.amina


def test_a_closed_promise_is_not_handed_over(cast: Cast) -> None:
    promise = promised(cast)
    withdrawn(promise, spoken(cast))
    with pytest.raises(NotOpen):
        passed(promise, cast.bram)


def test_a_call_back_is_agreed_anew_without_a_document(cast: Cast) -> None:
    slot = brussels("2026-03-04 10:00")
    facts: dict[str, Any] = {"kind": "callback", "plan": (), "address": ""}
    terms = terms_for(None, **facts, address_accepted=False, due_at=slot)
    call = call_of(cast.amina, cast.dupont)
    recorded = conversations.record(call=call, terms=[terms], by=SYSTEM, at=START)
    (promise,) = recorded.promises
    new = agreed(promise, spoken(cast), **facts, address_accepted=False, due_at=slot + DAY)
    assert (new.kind, new.due_at) == ("callback", slot + DAY)
    assert not Delivery.objects.exists()
    assert withdrawn(new, spoken(cast, at=LATER + HOUR))
    assert not Suppression.objects.exists()
