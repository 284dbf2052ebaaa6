"""The wrap-up: a call and everything promised in it, over every channel and of every kind."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal

import pytest

from crm import customers
from crm.customers import Facts
from crm.models import Attempt, Customer
from followups import proposals, wrapup
from followups.models import Item, Promise
from followups.terms import Refused
from followups.wrapup import Place, Wish
from offers import catalogue, drafts
from offers.models import Delivery, Offer, Plan
from tests.cast import (
    DAY,
    DUPONT_MAIL,
    START,
    SYSTEM,
    Cast,
    brussels,
    call_of,
    offer_for,
    pdf_for,
    person,
)

HOME = Place("rue du Pont 1", "4000", "Liège")


@pytest.fixture
def plan(cast: Cast) -> Plan:
    catalogue.load(by=SYSTEM, at=START)
    return Plan.objects.get(code="fibre-500")


def save(cast: Cast, *wishes: Wish, customer: Customer | None = None) -> list[Promise]:
    call = call_of(cast.amina, customer or cast.dupont)
    saved = wrapup.save(call=call, wishes=wishes, by=person(cast.amina), at=START)
    return list(saved.promises)


def offered(plan: Plan, **more: object) -> Wish:
    wish = Wish(
        kind=Promise.Kind.SEND_OFFER,
        words="Nous vous envoyons l'offre.",
        route=("email", "post"),
        address=DUPONT_MAIL,
        address_accepted=True,
        offer=plan,
    )
    return dataclasses.replace(wish, **more)  # type: ignore[arg-type]


def pays_by_paper(cast: Cast, **more: object) -> Customer:
    facts = Facts(
        name="Mme Paper",
        language="fr",
        team=cast.liege,
        street="rue du Pont 1",
        postcode="4000",
        city="Liège",
        bill_day=20,
    )
    return customers.add(facts=dataclasses.replace(facts, **more), at=START - DAY)  # type: ignore[arg-type]


def test_a_plan_of_the_catalogue_is_drafted_and_promised_in_one(cast: Cast, plan: Plan) -> None:
    (promise,) = save(cast, offered(plan))
    assert promise.version is not None
    assert promise.version.plan == "Fibre 500"
    assert promise.version.commitment_until_date == date(2027, 3, 1)
    line = promise.version.lines.get(side="proposed")
    assert (line.label, line.promo_monthly) == ("Internet fibre", Decimal("35.00"))
    assert promise.plan == ["email", "post"]


def test_nothing_is_drafted_when_the_promise_is_refused(cast: Cast, plan: Plan) -> None:
    with pytest.raises(Refused):
        save(cast, offered(plan, route=("email", "email")))
    assert not Offer.objects.exists()
    assert not Attempt.objects.exists()


def test_a_letter_goes_to_the_postal_address_that_was_read_back(cast: Cast, plan: Plan) -> None:
    (promise,) = save(cast, offered(plan, route=("post",), address="", place=HOME))
    delivery = Delivery.objects.get()
    assert (delivery.channel, delivery.text.address) == ("post", promise.text.address)
    assert promise.text.address.splitlines()[0] == HOME.street
    assert promise.address_accepted_at is not None


def test_a_corrected_postal_address_goes_on_file_and_on_the_letter(cast: Cast, plan: Plan) -> None:
    moved = Place("quai Neuf 8 b", "4020", "Liège")
    (promise,) = save(cast, offered(plan, route=("post",), address="", place=moved))
    postal = Customer.objects.get(pk=cast.dupont.pk).postal
    assert (postal.street, postal.postcode) == ("quai Neuf 8 b", "4020")
    assert promise.text.address.startswith("quai Neuf 8 b")


def test_a_customer_without_a_mail_address_gets_it_with_the_bill(cast: Cast, plan: Plan) -> None:
    payer = pays_by_paper(cast)
    wish = offered(plan, route=("bill_insert", "post"), address="", place=HOME)
    (promise,) = save(cast, wish, customer=payer)
    assert Delivery.objects.get().channel == "bill_insert"
    assert promise.due_at > START + 14 * DAY


def test_a_bill_that_is_not_on_paper_is_refused_at_the_channel(cast: Cast, plan: Plan) -> None:
    payer = pays_by_paper(cast, bill_medium=Customer.BillMedium.ELECTRONIC)
    wish = offered(plan, route=("bill_insert",), address="", place=HOME)
    with pytest.raises(Refused, match="no paper bill") as refused:
        save(cast, wish, customer=payer)
    assert refused.value.field == "promises.0.channel"


def test_a_document_on_file_is_promised_without_a_new_file(cast: Cast) -> None:
    known = pdf_for(cast.dupont)
    wish = Wish(kind=Promise.Kind.SEND_DOCUMENT, words="w", route=("email",), document=known)
    (promise,) = save(cast, wish)
    assert promise.document == known


def test_a_written_answer_is_the_owners_to_write_and_nothing_leaves_yet(cast: Cast) -> None:
    wish = Wish(kind=Promise.Kind.WRITTEN_ANSWER, words="La ligne ?", route=("email",))
    (promise,) = save(cast, wish)
    assert not Delivery.objects.exists()
    item = Item.objects.get()
    assert (item.kind, item.owner, item.promise) == ("answer_to_write", cast.amina, promise)


def test_a_call_back_is_due_in_its_slot_and_sends_nothing(cast: Cast) -> None:
    slot = brussels("2026-03-04 10:15")
    (promise,) = save(cast, Wish(kind=Promise.Kind.CALLBACK, words="w", slot=slot))
    assert (promise.due_at, promise.plan) == (slot, [])
    assert not Delivery.objects.exists()


def test_a_withdrawn_offer_is_not_promised_any_more(cast: Cast, plan: Plan) -> None:
    version = offer_for(cast.dupont)
    drafts.withdraw(offer=version.offer, by=SYSTEM, at=START)
    with pytest.raises(Refused, match="withdrawn") as refused:
        save(cast, offered(plan, offer=None, version=version))
    assert refused.value.field == "promises.0.offer"


def test_an_offer_that_is_promised_cannot_be_withdrawn(cast: Cast, plan: Plan) -> None:
    (promise,) = save(cast, offered(plan))
    assert promise.version is not None
    with pytest.raises(Refused, match=promise.reference):
        proposals.withdraw(offer=promise.version.offer, by=SYSTEM, at=START)
    assert Offer.objects.get().withdrawn_at is None
