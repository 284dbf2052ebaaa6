"""Consent at the gate: where the policy asks for one, and what it does to a national list."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from crm import conditions, consents, customers, policies, registries, suppressions
from crm.consents import Given
from crm.models import Campaign, Consent, Customer, PolicyVersion
from followups import gate, rulings, verdicts
from tests.cast import (
    DAY,
    DUPONT_HOME,
    DUPONT_MOBILE,
    HOUR,
    PEETERS_MOBILE,
    SYSTEM,
    Cast,
    brussels,
    sweeps_alive,
)
from tests.followups.test_gate_limits import asked

TUESDAY = brussels("2026-11-03 11:00")
STRANGER = "+32470999999"


def campaign(policy: str) -> Campaign:
    return Campaign.objects.create(slug=policy, name=policy, policy=policy)


def consenting(who: Customer, *, on: datetime = TUESDAY - DAY, **more: object) -> Consent:
    given = Given(origin="call", proof=f"recording of {on}", given_at=on)
    return consents.record(
        customer=who,
        given=replace(given, **more),  # type: ignore[arg-type]
        by=SYSTEM,
        at=max(on, TUESDAY - HOUR),
    )


def listed(numbers: list[str], found: Campaign, at: datetime = TUESDAY) -> list[str]:
    terms = verdicts.terms(campaign=found, by=SYSTEM, at=at)
    return [verdict.code for verdict in verdicts.of(numbers, terms)]


@pytest.mark.parametrize("policy", ["fr", "nl", "de"])
def test_a_standing_consent_opens_the_gate_of_its_person_alone(cast: Cast, policy: str) -> None:
    found = campaign(policy)
    assert cast.peeters
    consenting(cast.dupont)
    numbers = [DUPONT_HOME, DUPONT_MOBILE, PEETERS_MOBILE, STRANGER]
    codes = [asked(found, at=TUESDAY, number=number).code for number in numbers]
    assert codes == ["ok", "ok", "no_consent", "no_consent"]
    assert listed(numbers, found) == codes
    blocks = gate.blocks(
        [cast.dupont, cast.peeters],
        purpose="sales",
        at=TUESDAY,
        campaigns=dict.fromkeys([cast.dupont.pk, cast.peeters.pk], found),
    )
    assert [block.code for block in blocks[cast.peeters.pk]] == ["no_consent"]
    assert blocks[cast.dupont.pk] == ()


def test_a_consent_counts_from_when_it_was_given_until_its_end_or_its_withdrawal(
    cast: Cast,
) -> None:
    found = campaign("fr")
    row = consenting(cast.dupont, until_at=TUESDAY + HOUR)
    assert asked(found, at=TUESDAY - 3 * DAY).code == "no_consent"
    assert asked(found, at=TUESDAY).allow
    assert asked(found, at=TUESDAY + HOUR).code == "no_consent"
    assert listed([DUPONT_HOME], found, TUESDAY + HOUR) == ["no_consent"]
    consents.withdraw(consent=row, by=SYSTEM, at=TUESDAY)
    assert asked(found, at=TUESDAY).code == "no_consent"


def test_a_relation_stands_for_a_consent_only_where_the_policy_says_so(cast: Cast) -> None:
    consenting(cast.dupont, basis="relation")
    assert asked(campaign("fr"), at=TUESDAY).allow
    assert asked(campaign("de"), at=TUESDAY).code == "no_consent"


def test_a_shared_number_needs_the_consent_of_everybody_who_has_it(cast: Cast) -> None:
    found = campaign("de")
    consenting(cast.dupont)
    customers.add_number(customer=cast.peeters, e164=DUPONT_HOME, position=5, at=TUESDAY)
    assert asked(found, at=TUESDAY, number=DUPONT_HOME).code == "no_consent"
    assert listed([DUPONT_HOME], found) == ["no_consent"]
    consenting(cast.peeters)
    assert asked(found, at=TUESDAY, number=DUPONT_HOME).allow
    assert listed([DUPONT_HOME], found) == ["ok"]


def brought_in(tmp_path: Path, name: str, lines: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text(lines)
    at = TUESDAY - DAY
    registries.bring_in(file, name=name, as_of=at.date(), by=SYSTEM, at=at, apply=True, forced=True)


def test_in_belgium_a_consent_given_after_the_entry_beats_the_list(
    cast: Cast, tmp_path: Path
) -> None:
    found = campaign("be")
    assert cast.dupont and cast.peeters
    entries = f"{DUPONT_HOME};2026-05-01\n{PEETERS_MOBILE};2026-05-01\n+32470111111\n"
    brought_in(tmp_path, "dncm", entries)
    consenting(cast.dupont, on=brussels("2026-05-02 12:00"))
    consenting(cast.peeters, on=brussels("2026-05-01 12:00"))
    numbers = [DUPONT_HOME, DUPONT_MOBILE, PEETERS_MOBILE, "+32470111111"]
    codes = [asked(found, at=TUESDAY, number=number).code for number in numbers]
    assert codes == ["ok", "ok", "dnc_national", "dnc_national"]
    assert listed(numbers, found) == codes


def test_an_entry_without_its_date_is_beaten_only_where_any_consent_does(
    cast: Cast, tmp_path: Path
) -> None:
    assert cast.dupont
    consenting(cast.dupont)
    brought_in(tmp_path, "dncm", f"{DUPONT_HOME}\n")
    assert asked(campaign("be"), at=TUESDAY).code == "dnc_national"
    brought_in(tmp_path, "tps_ctps", f"{DUPONT_HOME}\n")
    assert asked(campaign("uk"), at=TUESDAY).allow


def test_the_customers_own_wish_stands_above_every_consent(cast: Cast) -> None:
    consenting(cast.dupont)
    suppressions.add(customer=cast.dupont, kind="dnc_company", origin="call", by=SYSTEM, at=TUESDAY)
    consenting(cast.dupont, on=TUESDAY - HOUR)
    assert asked(campaign("fr"), at=TUESDAY).code == "dnc_company"


def activated(name: str, *, at: datetime, effective: date, **rules: object) -> PolicyVersion:
    stored = policies.get(name, at=at).rules.model_dump(mode="json") | rules
    return PolicyVersion.objects.create(
        name=name,
        version=f"house {at:%H%M}",
        title="Ours",
        rules=stored,
        copied_from="none@1",
        drafted_at=at,
        drafted_by="user:1",
        changed_at=at,
        changed_by="user:1",
        effective_from=effective,
        activated_at=at,
        activated_by="user:1",
    )


def test_a_policy_that_was_activated_counts_with_the_next_question(cast: Cast) -> None:
    """The process has worked the old one out; the database says that it is the old one."""
    found, at = campaign("none"), TUESDAY
    assert asked(found, at=at).allow
    only_with = {"kind": "product", "source": "our own", "required": True}
    activated("none", at=at, effective=at.date(), consent=only_with)
    assert rulings._LAST["none"].revision is None
    assert asked(found, at=at).code == "no_consent"
    assert rulings._LAST["none"].revision == at
    assert listed([DUPONT_HOME], found, at) == ["no_consent"]
    assert asked(found, at=at - DAY).allow


def test_of_two_versions_of_one_day_the_one_activated_last_counts(cast: Cast) -> None:
    at = TUESDAY
    activated("none", at=at, effective=at.date(), watch="first")
    activated("none", at=at + HOUR, effective=at.date(), watch="second")
    sweeps_alive(at)
    assert conditions.of("none", at=at + HOUR).policy.rules.watch == "second"
    assert policies.exactly(f"none@house {at:%H%M}").rules.watch == "first"
    assert policies.get("none", at=at - timedelta(days=1)).rules.watch != "first"
