"""Somebody is forgotten: what was owed is closed, what was said is gone, nobody sells to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from crm import barring, bulk, calls, customers, filing, forgetting, forgotten, suppressions
from crm.customers import Facts
from crm.forgetting import Ground, Refused
from crm.models import Attempt, AuditEntry, Customer, Erasure, PhoneNumber, Suppression
from followups import feed, gate, scrub, verdicts
from followups.gate import Question
from followups.models import Item, Promise
from offers import links
from offers.models import Delivery, Document, OfferLine
from tests.cast import (
    DAY,
    DUPONT_HOME,
    DUPONT_MAIL,
    DUPONT_MOBILE,
    HOUR,
    MINUTE,
    START,
    SYSTEM,
    Cast,
    Relay,
    delivery_of,
    sweeps_alive,
)
from tests.followups import scenes

pytestmark = pytest.mark.django_db
LATER = START + HOUR


def erase(customer: Customer, *, at: datetime = LATER) -> None:
    forgetting.forget(customer=customer, ground=Ground.ASKED, case="GDPR-1", by=SYSTEM, at=at)


def brought(cast: Cast, **more: object) -> Facts:
    plain = Facts(name="Anna Peel", language="fr", team=cast.liege, phones=(DUPONT_MOBILE,))
    return replace(plain, **more)  # type: ignore[arg-type]


def test_what_was_owed_is_closed_and_what_had_not_left_never_does(cast: Cast) -> None:
    promise = scenes.promised(cast)
    erase(cast.dupont)
    promise = scenes.fresh(promise)
    assert (promise.status, promise.text.words, promise.text.address) == ("erased", "", "")
    assert scenes.causes(promise)[-1] == "erased"
    assert delivery_of(promise).status == Delivery.Status.CANCELLED
    assert not Item.objects.filter(customer=cast.dupont, closed_at=None).exists()


def test_whoever_was_preparing_the_mail_finds_it_is_not_theirs(cast: Cast, relay: Relay) -> None:
    from offers import deliveries

    promise = scenes.promised(cast)
    claimed = deliveries.claim(by=SYSTEM, at=START)
    assert claimed is not None
    erase(cast.dupont)
    assert not deliveries.begin_body(delivery=claimed, by=SYSTEM, at=START + MINUTE)
    assert delivery_of(promise).status == Delivery.Status.CANCELLED


def test_documents_links_and_lines_are_empty_and_the_row_says_who_did_it(
    cast: Cast, relay: Relay
) -> None:
    promise = scenes.accepted(cast, relay)
    delivery = delivery_of(promise)
    token = links.token(delivery)
    assert links.delivery_of(token) == delivery
    erase(cast.dupont)
    assert links.delivery_of(token) is None
    document = Document.objects.get(customer=cast.dupont)
    assert (bytes(document.pdf), document.html, document.title) == (b"", "", "")
    assert document.sha256
    assert not OfferLine.objects.filter(version__offer__customer=cast.dupont).exists()
    row = Customer.objects.select_related("text").get(pk=cast.dupont.pk)
    assert (row.text.name, row.external_id, row.erased_by) == ("", None, SYSTEM.code)
    assert not row.numbers.exists() and not row.emails.exists()
    assert Erasure.objects.get(customer=row).case == "GDPR-1"
    entry = AuditEntry.objects.get(action="customer_erased")
    assert entry.data == {"ground": "asked", "case": "GDPR-1"}


def test_nobody_sells_at_a_forgotten_number_whoever_asks(cast: Cast) -> None:
    sweeps_alive(LATER)
    cast.dupont  # noqa: B018 (on file)
    fine = gate.decide(Question(number=DUPONT_MOBILE, reserve=False), by=SYSTEM, at=LATER)
    assert fine.allow
    erase(cast.dupont)
    for number in (DUPONT_MOBILE, DUPONT_HOME):
        denied = gate.decide(Question(number=number), by=SYSTEM, at=LATER)
        assert (denied.allow, denied.code, denied.people) == (False, "dnc_company", ())


def test_a_scrubbed_list_denies_forgotten_numbers(cast: Cast) -> None:
    sweeps_alive(LATER)
    cast.dupont  # noqa: B018
    erase(cast.dupont)
    terms = verdicts.terms(by=SYSTEM, at=LATER)
    _run, found = scrub.batch([DUPONT_MOBILE, "+32470000001"], terms=terms, by=SYSTEM)
    assert [(v.allow, v.code) for v in found] == [(False, "dnc_company"), (True, "unknown_number")]


def test_the_number_stays_barred_when_it_comes_again_by_whatever_way(cast: Cast) -> None:
    sweeps_alive(LATER)
    cast.dupont  # noqa: B018
    erase(cast.dupont)
    added = customers.add(facts=brought(cast), at=LATER)
    put, _became = filing.put(facts=brought(cast, external_id="X-1"), by=SYSTEM, at=LATER)
    bulk.put([brought(cast, external_id="X-2")], at=LATER)
    rows = PhoneNumber.objects.filter(e164=DUPONT_MOBILE)
    assert [row.barred for row in rows] == [True, True, True]
    for who in (added, put, Customer.objects.get(external_id="X-2")):
        assert gate.decide(Question(customer=who), by=SYSTEM, at=LATER).code == "dnc_company"
        (block,) = gate.blocks([who], purpose="sales", at=LATER)[who.pk]
        assert block.code == "dnc_company"


def test_a_house_mate_with_the_same_number_is_barred_and_the_feed_hears_of_it(cast: Cast) -> None:
    sweeps_alive(LATER)
    mate = customers.add(facts=brought(cast), at=START)
    cast.dupont  # noqa: B018
    erase(cast.dupont)
    assert mate.numbers.get().barred
    told = mate.gatechange_set.order_by("pk").last()
    assert told is not None and told.cause == "number_barred"


def test_a_number_is_freed_when_somebody_else_has_it(cast: Cast) -> None:
    sweeps_alive(LATER)
    cast.dupont  # noqa: B018
    erase(cast.dupont)
    mate = customers.add(facts=brought(cast), at=LATER)
    assert barring.lift(e164=DUPONT_MOBILE, by=SYSTEM, at=LATER)
    assert not barring.lift(e164=DUPONT_MOBILE, by=SYSTEM, at=LATER)
    asked = gate.decide(Question(customer=mate, reserve=False), by=SYSTEM, at=LATER)
    assert asked.allow
    denied = gate.decide(Question(number=DUPONT_HOME), by=SYSTEM, at=LATER)
    assert denied.code == "dnc_company"


def test_a_wish_not_to_be_called_stands_without_its_words(cast: Cast) -> None:
    suppressions.add(
        customer=cast.dupont,
        kind=Suppression.Kind.DNC_COMPANY,
        origin=Suppression.Origin.CALL,
        words="She is angry",
        proof="tape of Mme Dupont",
        by=SYSTEM,
        at=START,
    )
    erase(cast.dupont)
    row = Suppression.objects.get(customer=cast.dupont)
    assert (row.lifted_at, row.proof, row.text.words) == (None, "", "")


def test_another_system_that_brings_them_again_is_told_no(cast: Cast) -> None:
    filed, _became = filing.put(facts=brought(cast, external_id="CRM-77"), by=SYSTEM, at=START)
    erase(filed)
    assert forgotten.was_forgotten("CRM-77")
    assert not forgotten.was_forgotten("CRM-78")
    with pytest.raises(filing.Erased):
        filing.put(facts=brought(cast, external_id="CRM-77"), by=SYSTEM, at=LATER)
    assert bulk.compare([brought(cast, external_id="CRM-77")]) == ["erased"]
    bulk.put([brought(cast, external_id="CRM-77")], at=LATER)
    assert not Customer.objects.filter(external_id="CRM-77").exists()


def test_a_call_is_recognised_by_the_hash_of_its_id(cast: Cast) -> None:
    promise = scenes.promised(cast)
    before = promise.attempt
    named = before.external_id
    erase(cast.dupont)
    after = Attempt.objects.select_related("text").get(pk=before.pk)
    assert after.external_id == forgotten.known_as(named)
    assert (after.text.number, after.text.note) == ("", "")
    assert calls.of_somebody_forgotten(before.source, named) == after


def test_everybody_of_a_merged_person_is_forgotten(cast: Cast) -> None:
    from crm import merges

    twin = customers.add(facts=brought(cast, emails=("anna@mail.example",)), at=START)
    merges.merge(customer=twin, into=cast.dupont, by=SYSTEM, at=START)
    erase(twin)
    assert Customer.objects.filter(erased_at=None).count() == 0
    assert not PhoneNumber.objects.exists()


def test_it_refuses_a_second_time_and_a_case_that_could_be_a_name(cast: Cast) -> None:
    for case in ("", "Mme Dupont", "+32470123456", "é"):
        with pytest.raises(Refused) as refusal:
            forgetting.forget(
                customer=cast.dupont, ground=Ground.ASKED, case=case, by=SYSTEM, at=LATER
            )
        assert refusal.value.field == "case"
    erase(cast.dupont)
    with pytest.raises(Refused):
        erase(cast.dupont)


def test_what_comes_late_goes_with_the_next_turn_of_the_sweep(cast: Cast, relay: Relay) -> None:
    promise = scenes.accepted(cast, relay)
    delivery = delivery_of(promise)
    erase(cast.dupont)
    delivery.text.reply = f"250 accepted for {DUPONT_MAIL}"
    delivery.text.save(update_fields=["reply"])
    assert forgetting.again(at=LATER) == 0
    assert forgetting.again(at=LATER + HOUR) == 1
    delivery.text.refresh_from_db()
    assert delivery.text.reply == ""
    assert forgetting.again(at=LATER + HOUR) == 0
    assert forgetting.again(at=LATER + DAY * 61) == 1
    assert forgetting.again(at=LATER + DAY * 90) == 0


def test_a_bounce_that_comes_later_leaves_no_words(cast: Cast, relay: Relay) -> None:
    promise = scenes.accepted(cast, relay)
    erase(cast.dupont)
    scenes.report(promise, "failed", at=LATER, words=f"{DUPONT_MAIL} is unknown")
    row = delivery_of(promise).evidence.latest("pk")
    assert row.kind == "failed" and not hasattr(row, "text")


def test_nothing_is_forgotten_when_one_storey_fails(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(person: object, **more: object) -> None:
        raise RuntimeError("no")

    promise = scenes.promised(cast)
    monkeypatch.setitem(forgetting._ERASERS, forgetting.CRM, fails)
    with pytest.raises(RuntimeError):
        erase(cast.dupont)
    assert Promise.objects.get(pk=promise.pk).status == "open"
    assert Customer.objects.get(pk=cast.dupont.pk).erased_at is None


def test_the_feed_names_no_forgotten_number(cast: Cast) -> None:
    sweeps_alive(LATER)
    cast.dupont  # noqa: B018
    erase(cast.dupont)
    page = feed.page(since="", limit=100, by=SYSTEM, at=LATER)
    assert page.entries == ()
