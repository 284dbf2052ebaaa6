"""A call and its promises: all of it or nothing, once, and refused by field and in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crm.calls import Contradiction
from crm.models import Attempt, Disposition, User
from followups import conversations, gate, plans
from followups.gate import Question
from followups.models import Lease, Promise
from followups.terms import Refused
from offers import deliveries
from offers.models import Delivery, OfferVersion
from tests.cast import (
    DAY,
    DUPONT_MAIL,
    HOUR,
    MINUTE,
    START,
    SYSTEM,
    Cast,
    call_of,
    delivery_of,
    offer_for,
    pdf_for,
    person,
    sweeps_alive,
    terms_for,
)
from tests.followups.scenes import promised


def test_the_acknowledged_promise_has_its_delivery_waiting(cast: Cast) -> None:
    promise = promised(cast)
    delivery = delivery_of(promise)
    assert (delivery.status, delivery.why) == ("queued", "promised")
    text = delivery.text
    assert (text.address, text.reference, text.reading_days) == (DUPONT_MAIL, promise.reference, 3)
    assert text.promised_date.isoformat() == "2026-03-02"


def test_the_same_call_again_makes_no_promise_twice(cast: Cast) -> None:
    call, terms = call_of(cast.amina, cast.dupont), terms_for(offer_for(cast.dupont))
    first = conversations.record(call=call, terms=[terms], by=SYSTEM, at=START)
    again = conversations.record(call=call, terms=[terms], by=SYSTEM, at=START + HOUR)
    assert len(first.promises) == 1 and again.promises == ()
    assert (Promise.objects.count(), Delivery.objects.count()) == (1, 1)


def test_a_promise_that_comes_with_the_wrap_up_is_made_then(cast: Cast) -> None:
    call = call_of(cast.amina, cast.dupont)
    assert conversations.record(call=call, by=SYSTEM, at=START).promises == ()
    terms = terms_for(offer_for(cast.dupont))
    later = conversations.record(call=call, terms=[terms], by=SYSTEM, at=START + HOUR)
    assert later.promises[0].made_at == START + HOUR


def test_two_documents_promised_in_the_same_words_are_two_promises(cast: Cast) -> None:
    call = call_of(cast.amina, cast.dupont)
    terms = [terms_for(None, kind="send_document", document=pdf_for(cast.dupont)) for _ in range(2)]
    conversations.record(call=call, terms=terms[:1], by=SYSTEM, at=START)
    later = conversations.record(call=call, terms=terms, by=SYSTEM, at=START)
    assert [promise.document for promise in later.promises] == [terms[1].document]


def test_the_same_document_promised_twice_before_it_left_is_one_delivery(cast: Cast) -> None:
    version = offer_for(cast.dupont)
    first, second = (promised(cast, version=version, at=START + n * HOUR) for n in range(2))
    assert delivery_of(first) == delivery_of(second)
    assert Delivery.objects.count() == 1
    other = promised(cast, version=version, address="other@mail.example")
    assert delivery_of(other) != delivery_of(first)


def test_once_it_has_left_a_new_promise_is_a_new_delivery(cast: Cast) -> None:
    version = offer_for(cast.dupont)
    first = promised(cast, version=version)
    delivery = deliveries.claim(by=SYSTEM, at=START)
    assert delivery == delivery_of(first)
    second = promised(cast, version=version)
    assert delivery_of(second) != delivery


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"version": None}, "promises.0.offer"),
    ({"kind": "send_document"}, "promises.0.document"),
    ({"plan": ()}, "promises.0.channel"),
    ({"plan": ("pigeon",)}, "promises.0.channel"),
    ({"plan": ("email", "email")}, "promises.0.channel"),
    ({"address": "no address"}, "promises.0.address"),
    ({"address": "a@b\r\nBcc: c@d.example"}, "promises.0.address"),
    ({"address": ""}, "promises.0.address"),
    ({"due_at": START}, "due_at"),
    ({"due_at": START - DAY}, "due_at"),
]


@pytest.mark.parametrize(("wrong", "field"), WRONG)
def test_what_cannot_be_kept_is_refused_by_field_and_nothing_is_saved(
    cast: Cast, wrong: dict[str, Any], field: str
) -> None:
    terms = replace(terms_for(offer_for(cast.dupont)), **wrong)
    with pytest.raises(Refused) as refused:
        conversations.record(
            call=call_of(cast.amina, cast.dupont), terms=[terms], by=SYSTEM, at=START
        )
    assert refused.value.field == field and str(refused.value)
    assert not Attempt.objects.exists()
    assert not Promise.objects.exists() and not Delivery.objects.exists()


def test_one_bad_promise_takes_the_good_one_with_it(cast: Cast) -> None:
    good = terms_for(offer_for(cast.dupont))
    with pytest.raises(Refused) as refused:
        conversations.record(
            call=call_of(cast.amina, cast.dupont),
            terms=[good, replace(good, plan=())],
            by=SYSTEM,
            at=START,
        )
    assert refused.value.field == "promises.1.channel"
    assert not Promise.objects.exists()


@pytest.mark.parametrize("content", ["version", "document"])
def test_another_customers_papers_are_not_promised(cast: Cast, content: str) -> None:
    theirs: OfferVersion | Any = (
        offer_for(cast.peeters) if content == "version" else pdf_for(cast.peeters)
    )
    kind = "send_offer" if content == "version" else "send_document"
    terms = replace(terms_for(None), kind=kind, **{content: theirs})
    with pytest.raises(Refused, match="another customer"):
        conversations.record(
            call=call_of(cast.amina, cast.dupont), terms=[terms], by=SYSTEM, at=START
        )


@pytest.mark.parametrize(("who", "field"), [("customer", "customer"), ("agent", "agent")])
def test_a_promise_needs_somebody_to_whom_and_somebody_who_owns_it(
    cast: Cast, who: str, field: str
) -> None:
    call = replace(call_of(cast.amina, cast.dupont), **{who: None})  # type: ignore[arg-type]
    with pytest.raises(Refused) as refused:
        conversations.record(call=call, terms=[terms_for(None)], by=SYSTEM, at=START)
    assert refused.value.field == field


def test_an_owner_without_a_team_cannot_promise(cast: Cast) -> None:
    assert User.objects.get(pk=cast.dirk.pk).team is None
    with pytest.raises(Refused):
        conversations.record(
            call=call_of(cast.amina, cast.dupont),
            terms=[terms_for(offer_for(cast.dupont))],
            owner=cast.dirk,
            by=SYSTEM,
            at=START,
        )
    assert not Promise.objects.exists()


def test_a_contradicted_call_makes_no_promise(cast: Cast) -> None:
    call = call_of(cast.amina, cast.dupont)
    conversations.record(call=call, by=SYSTEM, at=START)
    with pytest.raises(Contradiction):
        conversations.record(
            call=replace(call, result="busy"),
            terms=[terms_for(offer_for(cast.dupont))],
            by=SYSTEM,
            at=START,
        )
    assert not Promise.objects.exists()


def test_the_wrap_up_gives_the_lease_back(cast: Cast) -> None:
    sweeps_alive(START)
    question = Question(customer=cast.dupont, agent=cast.amina)
    decision = gate.decide(question, by=person(cast.amina), at=START)
    assert decision.allow and Lease.objects.get().released_at is None
    call = call_of(
        cast.amina,
        cast.dupont,
        decision_id=decision.id,
        disposition=Disposition.objects.get(code="undecided"),
    )
    conversations.record(call=call, by=person(cast.amina), at=START + MINUTE)
    assert Lease.objects.get().released_by == f"user:{cast.amina.pk}"


def test_without_an_address_the_customers_own_is_taken(cast: Cast) -> None:
    promise = promised(cast, address="", address_accepted=False)
    assert delivery_of(promise).text.address == DUPONT_MAIL


def test_without_any_address_the_owner_has_something_to_fix(cast: Cast) -> None:
    cast.dupont.emails.all().delete()
    promise = promised(cast, address="", address_accepted=False)
    assert not plans.attached(promise).exists()
    item = promise.items.get()
    assert (item.kind, item.owner) == ("address_to_fix", cast.amina)
