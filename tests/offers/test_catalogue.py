"""The catalogue: what is on sale, and the offer that a plan becomes."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from crm.models import AuditEntry
from offers import catalogue, documents, drafts
from offers.catalogue import NotACatalogue, proposal_of
from offers.models import Plan, PlanLine
from offers.wording import LANGUAGES
from tests.cast import START, SYSTEM, Cast, brussels

ONE = """
plans:
  - code: solo
    name: Solo
    lines:
      - label: {en: Line, fr: Ligne, nl: Lijn, de: Anschluss}
        monthly: "10.00"
"""


def load(path: Path, text: str) -> catalogue.Loaded:
    file = path / "plans.yaml"
    file.write_text(text, encoding="utf-8")
    return catalogue.load(file, by=SYSTEM, at=START)


def plan(code: str) -> Plan:
    return catalogue.active().get(code=code)


@pytest.mark.django_db
def test_our_own_file_loads_and_the_same_file_again_changes_nothing() -> None:
    first = catalogue.load(by=SYSTEM, at=START)
    rows = list(PlanLine.objects.values_list("plan__code", "position", "label", "monthly"))
    again = catalogue.load(by=SYSTEM, at=START)
    assert (first.on_sale, again) == (Plan.objects.count(), first)
    assert list(PlanLine.objects.values_list("plan__code", "position", "label", "monthly")) == rows
    assert AuditEntry.objects.filter(action="plans_loaded").count() == 2


@pytest.mark.django_db
def test_every_line_of_our_own_file_has_words_in_every_language() -> None:
    catalogue.load(by=SYSTEM, at=START)
    for line in PlanLine.objects.all():
        assert set(line.texts) == set(LANGUAGES)
        assert all(words["label"] for words in line.texts.values())


@pytest.mark.django_db
def test_a_plan_that_the_file_does_not_name_is_not_on_sale_any_more(tmp_path: Path) -> None:
    catalogue.load(by=SYSTEM, at=START)
    before = Plan.objects.count()
    loaded = load(tmp_path, ONE)
    assert (loaded.on_sale, loaded.retired) == (1, before)
    assert [row.code for row in catalogue.active()] == ["solo"]
    catalogue.load(by=SYSTEM, at=START)
    assert plan("duo").active


def test_months_become_last_days_and_labels_the_customers_language(cast: Cast) -> None:
    catalogue.load(by=SYSTEM, at=START)
    proposal = proposal_of(plan("trio"), language="fr", at=brussels("2026-03-31 10:00"))
    assert proposal.commitment_until == date(2027, 3, 30)
    assert proposal.termination_fee == Decimal("80.00")
    fibre, television, telephone = proposal.lines
    assert (fibre.label, fibre.promo_monthly) == ("Internet fibre", Decimal("29.00"))
    assert fibre.promo_until == date(2026, 9, 29)
    assert (television.label, television.volume) == ("Télévision", "70 chaînes")
    assert (telephone.label, telephone.promo_until) == ("Téléphonie", None)
    assert proposal.one_offs == {0: Decimal("39.00"), 1: Decimal("25.00")}


def test_the_day_of_an_offer_is_the_day_in_brussels(cast: Cast) -> None:
    catalogue.load(by=SYSTEM, at=START)
    late = brussels("2026-03-02 00:30")
    proposal = proposal_of(plan("fibre-500"), language="nl", at=late)
    version = drafts.draft(customer=cast.dupont, proposal=proposal, by=SYSTEM, at=late)
    assert version.issue_date == date(2026, 3, 2)
    assert version.commitment_until_date == date(2027, 3, 1)


def test_a_promotion_of_six_months_lowers_exactly_six_months(cast: Cast) -> None:
    catalogue.load(by=SYSTEM, at=START)
    proposal = proposal_of(plan("fibre-500"), language="fr", at=START)
    version = drafts.draft(customer=cast.dupont, proposal=proposal, by=SYSTEM, at=START)
    costs = documents.comparison(version).proposed
    once = Decimal("39.00") + costs.termination
    assert costs.cost12 == 6 * Decimal("35.00") + 6 * Decimal("45.00") + once


def test_an_offer_keeps_its_lines_when_the_catalogue_changes(cast: Cast, tmp_path: Path) -> None:
    load(tmp_path, ONE)
    proposal = proposal_of(plan("solo"), language="fr", at=START)
    version = drafts.draft(customer=cast.dupont, proposal=proposal, by=SYSTEM, at=START)
    load(tmp_path, ONE.replace("10.00", "12.00"))
    assert version.lines.get(side="proposed").monthly == Decimal("10.00")
    assert plan("solo").lines.get().monthly == Decimal("12.00")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("plans:", "planes:"), "names no plans"),
        (('"10.00"', "10.00"), "no amount in quotes"),
        (('"10.00"', '"ten"'), "Plan solo"),
        (("    name: Solo\n", ""), "'name'"),
        ((", de: Anschluss", ""), "'de'"),
        (("    lines:", "    commitment_months: 36\n    lines:"), "more than 24 months"),
        (('"10.00"', '"10.00"\n        promo_months: 3'), "its price and its months"),
    ],
)
def test_a_file_that_cannot_be_sold_from_is_refused_whole(
    tmp_path: Path, change: tuple[str, str], why: str
) -> None:
    load(tmp_path, ONE)
    with pytest.raises(NotACatalogue, match=why):
        load(tmp_path, ONE.replace(*change))
    assert plan("solo").lines.get().monthly == Decimal("10.00")


@pytest.mark.django_db
def test_a_plan_twice_in_a_file_is_refused(tmp_path: Path) -> None:
    content = yaml.safe_load(ONE)
    content["plans"] *= 2
    with pytest.raises(NotACatalogue, match="twice"):
        load(tmp_path, yaml.safe_dump(content))


@pytest.mark.django_db
def test_the_command_loads_a_file_and_keeps_a_catalogue_when_asked_to(tmp_path: Path) -> None:
    out = io.StringIO()
    (tmp_path / "own.yaml").write_text(ONE, encoding="utf-8")
    call_command("load_plans", tmp_path / "own.yaml", stdout=out)
    assert "1 plans on sale" in out.getvalue()
    call_command("load_plans", "--if-empty", stdout=out)
    assert [row.code for row in catalogue.active()] == ["solo"]
    with pytest.raises(CommandError):
        call_command("load_plans", tmp_path / "missing.yaml")
