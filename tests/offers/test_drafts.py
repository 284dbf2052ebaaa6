"""Offers: each change is a new version, and a version never changes."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from crm import customers
from crm.customers import Facts
from crm.models import AuditEntry
from offers import documents, drafts
from offers.models import Offer, OfferLine, OfferVersion
from tests.cast import CONTRACT, DAY, PROPOSAL, START, SYSTEM, Cast, offer_for


def test_an_offer_stands_beside_the_contract_in_force(cast: Cast) -> None:
    version = offer_for(cast.dupont)
    assert version.offer.reference == f"O-{version.offer.pk:06d}"
    assert (version.number, version.plan, version.today_plan) == (1, "Flex Fibre 500", "Tempo Duo")
    sides = version.lines.values_list("side", "label", "monthly", "one_off")
    assert list(sides) == [
        ("proposed", "Fibre internet", Decimal("48.00"), Decimal("59.00")),
        ("today", "Internet", Decimal("45.00"), Decimal("0.00")),
        ("today", "Fixed phone", Decimal("9.95"), Decimal("0.00")),
    ]


def test_a_change_is_a_new_version(cast: Cast) -> None:
    first = offer_for(cast.dupont)
    second = offer_for(cast.dupont, at=START + DAY, offer=first.offer)
    assert (second.offer, second.number) == (first.offer, 2)
    assert Offer.objects.count() == 1


def test_a_version_keeps_the_contract_as_it_was(cast: Cast) -> None:
    version = offer_for(cast.dupont)
    leaner = dataclasses.replace(CONTRACT, plan="Tempo Solo", lines=CONTRACT.lines[:1])
    customers.set_contract(customer=cast.dupont, contract=leaner)
    version.refresh_from_db()
    assert (version.today_plan, version.lines.filter(side="today").count()) == ("Tempo Duo", 2)


def test_a_version_and_its_lines_never_change(cast: Cast) -> None:
    offer_for(cast.dupont)
    for model, change in ((OfferVersion, {"plan": "x"}), (OfferLine, {"monthly": 1})):
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.update(**change)
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.all().delete()


def test_an_offer_without_a_price_is_refused(cast: Cast) -> None:
    empty = dataclasses.replace(PROPOSAL, lines=())
    with pytest.raises(ValueError, match="price line"):
        drafts.draft(customer=cast.dupont, proposal=empty, by=SYSTEM, at=START)
    assert not Offer.objects.exists()


def test_somebody_without_a_contract_gets_an_offer_too(cast: Cast) -> None:
    newcomer = customers.add(facts=Facts(name="New", language="nl", team=cast.gent), at=START)
    version = offer_for(newcomer)
    assert (version.today_plan, version.lines.filter(side="today").count()) == ("", 0)


def test_an_offer_is_withdrawn_once_and_the_second_is_told(cast: Cast) -> None:
    offer = offer_for(cast.dupont).offer
    assert drafts.stands(offer)
    assert drafts.withdraw(offer=offer, by=SYSTEM, at=START)
    assert not drafts.withdraw(offer=offer, by=SYSTEM, at=START + DAY)
    assert not drafts.stands(offer)
    assert (offer.withdrawn_at, offer.withdrawn_by) == (START, SYSTEM.code)
    assert AuditEntry.objects.filter(action="offer_withdrawn").count() == 1


def test_a_preview_says_what_the_drafted_offer_will_say(cast: Cast) -> None:
    version = offer_for(cast.dupont)
    preview = drafts.preview(customer=cast.dupont, proposal=PROPOSAL, on=version.issue_date)
    assert preview == documents.comparison(version)


def test_there_is_no_preview_without_a_contract_to_compare_with(cast: Cast) -> None:
    facts = Facts(name="New", language="fr", team=cast.liege)
    newcomer = customers.add(facts=facts, at=START)
    assert drafts.preview(customer=newcomer, proposal=PROPOSAL, on=START.date()) is None
