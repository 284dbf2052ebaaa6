"""What the buttons about an offer do, each once, and nothing beside it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest

from crm.models import Attempt, Suppression
from followups import answering, gate, next_calls, presses, reconcile, visits, wishing
from followups.models import Item, Promise
from followups.visits import Visit
from offers import answers, drafts, evidence, links, sending
from offers.models import Answer, Delivery, Evidence
from tests.cast import (
    DAY,
    DUPONT_MAIL,
    HOUR,
    MINUTE,
    START,
    SYSTEM,
    Cast,
    Clock,
    Relay,
    call_and_promise,
    delivery_of,
    sweeps_alive,
)
from tests.followups.scenes import accepted, causes, fresh, proven, report
from tests.followups.test_watchdog import found as wrong

NOW = START + HOUR


def form() -> str:
    return uuid.uuid4().hex


def visit_of(promise: Promise, *, at: datetime = NOW) -> Visit:
    """The customer opens the link of the promise's newest delivery."""
    visit = visits.arrive(links.token(delivery_of(promise)), at=at)
    assert visit
    return visit


def kinds(promise: Promise) -> list[str]:
    rows = Evidence.objects.filter(delivery__attached__promise=promise, source="page")
    return list(rows.order_by("pk").values_list("kind", flat=True))


def codes(promise: Promise, *, at: datetime) -> list[str]:
    """Why selling to this customer is denied."""
    sweeps_alive(at)
    found = gate.blocks([promise.customer], purpose="sales", at=at)
    return [block.code for block in found[promise.customer_id]]


def test_show_my_offer_proves_that_the_customer_has_it(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay, address_accepted=False)  # then E4 is needed
    answering.show(visit_of(promise), form=form(), at=NOW)
    assert kinds(promise) == ["pressed"]
    promise = fresh(promise)
    assert (promise.status, promise.kept_at, promise.readable_at) == ("kept", START, NOW)
    contact = Attempt.objects.get(source="page")
    assert (contact.direction, contact.customer, contact.agent) == ("inbound", cast.dupont, None)


def test_looking_again_adds_nothing(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    same = form()
    for pressed in (same, same, form()):
        answering.show(visit_of(promise), form=pressed, at=NOW)
    assert kinds(promise) == ["pressed"]
    assert Attempt.objects.filter(source="page").count() == 1


def test_accepting_keeps_the_promise_tells_the_owner_and_queues_a_confirmation(
    cast: Cast, relay: Relay
) -> None:
    promise = accepted(cast, relay)
    said = answering.accept(visit_of(promise), form=form(), at=NOW)
    assert (said.key, said.done) == ("accepted", True)
    assert (kinds(promise), fresh(promise).status) == (["answered"], "kept")
    decided = answers.decision(promise.version)
    assert decided and (decided.kind, decided.by) == (
        "accepted",
        f"customer:{cast.dupont.pk}",
    )
    item = Item.objects.get(kind="accepted")
    assert (item.owner, item.promise, item.closed_at) == (cast.amina, promise, None)
    confirmation = Delivery.objects.get(why="confirmation")
    assert (confirmation.status, confirmation.text.address) == ("queued", DUPONT_MAIL)
    assert confirmation.version == promise.version
    sending.send_due(clock=Clock(NOW + MINUTE))
    assert confirmation.pk in {pk for pk, _token in relay.carried}


def test_what_the_customer_accepted_stays_on_the_owners_list_when_proof_comes_later(
    cast: Cast, relay: Relay
) -> None:
    promise = accepted(cast, relay)
    answering.accept(visit_of(promise), form=form(), at=NOW)
    report(promise, Evidence.Kind.DELIVERED, at=NOW + MINUTE)
    evidence.ripen(at=NOW + 2 * DAY)
    assert Item.objects.get(kind="accepted").closed_at is None


def test_a_double_press_accepts_once(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    same = form()
    first = answering.accept(visit_of(promise), form=same, at=NOW)
    again = answering.accept(visit_of(promise), form=same, at=NOW + MINUTE)
    later = answering.accept(visit_of(promise), form=form(), at=NOW + HOUR)
    assert (first.key, again.key, later.key) == ("accepted", "accepted", "accepted_before")
    assert Answer.objects.count() == 1
    assert Delivery.objects.filter(why="confirmation").count() == 1
    assert Attempt.objects.filter(source="page").count() == 1


def test_no_thank_you_brings_the_cool_off(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay)
    assert "refusal_cooloff" not in codes(promise, at=NOW + DAY)
    same = form()
    for _press in range(2):
        said = answering.decline(visit_of(promise), form=same, at=NOW + DAY)
        assert (said.key, said.values) == ("declined", {"days": 60})
    row = Suppression.objects.get()
    assert (row.kind, row.origin, row.until_at) == (
        "refusal_cooloff",
        "page",
        NOW + DAY + timedelta(days=60),
    )
    assert Answer.objects.count() == 1
    assert not Item.objects.filter(closed_at=None).exists()


def test_a_change_of_mind_goes_to_a_person(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    same = form()  # the browser kept the page, and the customer went back to it
    answering.accept(visit_of(promise), form=same, at=NOW)
    said = answering.decline(visit_of(promise), form=same, at=NOW + MINUTE)
    assert said.key == "declined_after_all"
    assert Item.objects.filter(kind="answer", closed_at=None, owner=cast.amina).exists()
    said = answering.accept(visit_of(promise), form=same, at=NOW + HOUR)
    decided = answers.decision(promise.version)
    assert said.done and decided and decided.kind == "accepted"


@pytest.mark.parametrize("decided", [False, True])
def test_who_has_decided_is_not_called_about_the_offer_again(
    cast: Cast, relay: Relay, decided: bool
) -> None:
    promise = proven(cast, relay)
    if decided:
        answering.accept(visit_of(promise), form=form(), at=NOW + DAY)
    later = NOW + 5 * DAY
    sweeps_alive(later)
    found = next_calls.next_to_call(user=cast.amina, at=later)
    assert [row.promise for row in found.calls] == ([] if decided else [promise])


@pytest.mark.parametrize("button", [answering.accept, answering.decline])
def test_what_we_withdrew_cannot_be_decided_about(cast: Cast, relay: Relay, button: object) -> None:
    promise = proven(cast, relay)
    assert promise.version and callable(button)
    drafts.withdraw(offer=promise.version.offer, by=SYSTEM, at=NOW + DAY)
    said = button(visit_of(promise), form=form(), at=NOW + DAY)
    assert (said.key, said.done) == ("offer_withdrawn", False)
    assert not Answer.objects.exists()
    assert kinds(promise) == []
    assert not Attempt.objects.filter(source="page").exists()


def test_an_offer_is_valid_to_the_end_of_its_last_day_counted_from_reading(
    cast: Cast, relay: Relay
) -> None:
    promise = proven(cast, relay)
    assert promise.readable_at == START  # 2 March; 30 days later it is 1 April, in summer time
    last = datetime.fromisoformat("2026-04-01T23:59:00+02:00")
    assert answering.closed(visit_of(promise), at=last) is None
    over = answering.closed(visit_of(promise), at=last + MINUTE)
    assert over and over.key == "offer_expired"


def test_a_question_promises_a_written_answer_in_five_working_days(
    cast: Cast, relay: Relay
) -> None:
    promise = accepted(cast, relay)
    words = "Et la vitesse ?\nMerci."
    said = answering.ask(visit_of(promise), form=form(), words=f"  {words} ", at=NOW)
    answer = Promise.objects.get(kind="written_answer")
    assert said.values == {"at": answer.due_at, "reference": answer.reference}
    assert answer.due_at.isoformat() == "2026-03-09T16:30:00+00:00"  # Monday 17:30
    assert (answer.owner, answer.plan[0], answer.document) == (cast.amina, "email", None)
    assert "Et la vitesse ? Merci." in answer.text.words
    assert Answer.objects.get().text.words == words
    assert kinds(promise) == ["pressed"]
    item = Item.objects.get(kind="answer_to_write")
    assert (item.owner, item.promise) == (cast.amina, answer)
    assert "open_promise" in codes(promise, at=NOW)


def test_the_same_question_twice_is_one_and_another_one_is_another(
    cast: Cast, relay: Relay
) -> None:
    promise = accepted(cast, relay)
    same = form()
    for words in ("Why?", "Why?", "How?"):
        answering.ask(visit_of(promise), form=same, words=words, at=NOW)
    assert Promise.objects.filter(kind="written_answer").count() == 2


@pytest.mark.parametrize(
    ("words", "key"),
    [(" \n\x00", "question_empty"), ("x" * 2001, "question_too_long")],
)
def test_a_question_that_is_none_changes_nothing(
    cast: Cast, relay: Relay, words: str, key: str
) -> None:
    promise = accepted(cast, relay)
    said = answering.ask(visit_of(promise), form=form(), words=words, at=NOW)
    assert (said.key, said.done) == (key, False)
    assert not Answer.objects.exists()


def test_never_received_opens_the_promise_again_and_somebody_has_to_act(
    cast: Cast, relay: Relay
) -> None:
    promise = proven(cast, relay)
    at = NOW + 2 * DAY
    said = answering.never_received(
        visit_of(promise), form=form(), reference=promise.reference, at=at
    )
    assert said.key == "never_received"
    promise = fresh(promise)
    assert (promise.status, "reopened" in causes(promise)) == ("open", True)
    assert "open_promise" in codes(promise, at=at)
    assert Item.objects.filter(promise=promise, closed_at=None).exists()
    assert Answer.objects.get().kind == "never_received"


def test_never_received_takes_the_next_channel_of_the_plan(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay, plan=("email", "post"))
    answering.never_received(
        visit_of(promise), form=form(), reference=promise.reference, at=NOW + 2 * DAY
    )
    assert delivery_of(promise).channel == "post"


def test_a_double_never_received_counts_once(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay)
    visit, same = visit_of(promise), form()
    for _press in range(2):
        said = answering.never_received(visit, form=same, reference=promise.reference, at=NOW + DAY)
        assert said.key == "never_received"
    assert kinds(promise) == ["never_received"]
    assert Answer.objects.count() == 1


def test_what_has_not_left_cannot_be_missed(cast: Cast) -> None:
    promise = call_and_promise(cast.amina, cast.dupont)
    said = answering.never_received(
        visit_of(promise), form=form(), reference=promise.reference, at=NOW
    )
    assert (said.key, said.done) == ("not_sent_yet", False)
    assert kinds(promise) == []


def test_another_customers_promise_is_refused_and_nothing_changes(cast: Cast, relay: Relay) -> None:
    mine = proven(cast, relay)
    theirs = call_and_promise(cast.bram, cast.peeters, address="peeters@post.example")
    sending.send_due(clock=Clock(NOW))
    said = answering.never_received(
        visit_of(mine), form=form(), reference=theirs.reference, at=NOW + DAY
    )
    assert (said.key, said.done) == ("no_such_promise", False)
    assert not Answer.objects.exists()
    assert (kinds(mine), kinds(theirs)) == ([], [])
    assert not Attempt.objects.filter(source="page").exists()


def test_who_found_it_after_all_has_it(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay)
    visit = visit_of(promise)
    answering.never_received(visit, form=form(), reference=promise.reference, at=NOW + DAY)
    answering.show(visit, form=form(), at=NOW + DAY + MINUTE)
    assert fresh(promise).status == "kept"


def test_an_owner_who_left_is_answered_for_by_the_supervisor(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    cast.amina.is_active = False
    cast.amina.save()
    answering.ask(visit_of(promise), form=form(), words="Why?", at=NOW)
    assert Promise.objects.get(kind="written_answer").owner == cast.chloe


def test_every_answer_lifts_the_pause(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    visit = visit_of(promise)
    slot = wishing.slots(visit, at=NOW)[0]
    buttons = [
        lambda: answering.ask(visit, form=form(), words="Why?", at=NOW),
        lambda: wishing.call_me(visit, form=form(), slot=slot, at=NOW),
        lambda: answering.decline(visit, form=form(), at=NOW),
        lambda: answering.accept(visit, form=form(), at=NOW),
    ]
    for press in buttons:
        wishing.pause(visit, form=form(), at=NOW)
        assert presses.standing(visit, Suppression.Kind.CUSTOMER_PAUSE)
        assert press().done
        assert not presses.standing(visit, Suppression.Kind.CUSTOMER_PAUSE)


def test_an_unwritten_answer_never_alarms_the_watchdog(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    answering.ask(visit_of(promise), form=form(), words="Why?", at=NOW)
    at = NOW + DAY
    assert [p.kind for p in reconcile.unserved()] == []
    assert wrong(at=at) == {}
