"""What a policy limits, asked at the gate: caps, the rest after a no, hours and holidays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crm import calls, conditions, customers, registries
from crm.customers import Facts
from crm.models import Campaign, Customer, Disposition
from followups import facts, gate, rulings
from followups.gate import Decision, Question
from tests.cast import (
    DAY,
    DUPONT_HOME,
    DUPONT_MOBILE,
    HOUR,
    PEETERS_MOBILE,
    SYSTEM,
    Cast,
    brussels,
    call_of,
    sweeps_alive,
)

TUESDAY = brussels("2026-03-03 11:00")
limited = pytest.mark.usefixtures("unlisted")


@pytest.fixture
def belgian(cast: Cast) -> Campaign:
    return Campaign.objects.create(slug="be", name="BE", policy="be")


def asked(
    campaign: Campaign | None, *, at: datetime, number: str = DUPONT_HOME, **more: Any
) -> Decision:
    sweeps_alive(at)
    question = Question(number=number, campaign=campaign, reserve=False, **more)
    return gate.decide(question, by=SYSTEM, at=at)


def rang(cast: Cast, *, at: datetime, who: Customer | None = None, **more: Any) -> None:
    call = call_of(cast.amina, who or cast.dupont, at=at, **more)
    calls.log(call=call, by=SYSTEM, at=at + HOUR)


def living_in(cast: Cast, country: str, number: str) -> Customer:
    said = Facts(name="Somebody", language="fr", team=cast.gent, country=country, phones=(number,))
    return customers.add(facts=said, at=TUESDAY - DAY)


@limited
def test_three_calls_in_thirty_days_are_the_most_whoever_made_them_and_to_whichever_number(
    cast: Cast, belgian: Campaign
) -> None:
    first = TUESDAY - 20 * DAY
    rang(cast, at=first, number=DUPONT_HOME)
    rang(cast, at=first + DAY, number=DUPONT_MOBILE, campaign=cast.sales)
    assert asked(belgian, at=TUESDAY).allow
    rang(cast, at=first + 2 * DAY, number="", source="another supplier")
    denied = asked(belgian, at=TUESDAY)
    assert (denied.code, denied.not_before) == ("cap_attempts", first + 30 * DAY)
    assert not asked(belgian, at=first + 30 * DAY - timedelta(microseconds=1)).allow
    assert asked(belgian, at=first + 30 * DAY).allow
    # Another policy counts for itself.
    assert asked(None, at=TUESDAY).allow


@limited
def test_what_does_not_sell_and_what_came_in_is_not_counted_as_an_attempt(
    cast: Cast, belgian: Campaign
) -> None:
    for days in range(1, 6):
        rang(cast, at=TUESDAY - days * DAY, purpose="service")
        rang(cast, at=TUESDAY - days * DAY - HOUR, direction="inbound")
    assert asked(belgian, at=TUESDAY).allow


@limited
def test_a_number_that_nobody_has_is_counted_as_well(cast: Cast, belgian: Campaign) -> None:
    stranger = "+32470999999"
    for days in (1, 2, 3):
        call = call_of(cast.amina, None, at=TUESDAY - days * DAY, number=stranger)
        calls.log(call=call, by=SYSTEM, at=TUESDAY)
    assert asked(belgian, at=TUESDAY, number=stranger).code == "cap_attempts"


@limited
def test_a_conversation_rests_a_week_also_when_the_customer_called(cast: Cast) -> None:
    debt = Campaign.objects.create(slug="debt", name="Debt", policy="us-regf")
    spoke = brussels("2026-03-02 18:00")
    rang(cast, at=spoke, direction="inbound", result="answered")
    denied = asked(debt, at=spoke + 2 * DAY)
    assert (denied.code, denied.not_before) == ("cap_conversations", spoke + 7 * DAY)
    assert asked(debt, at=spoke + 7 * DAY).allow


@limited
def test_a_no_rests_whole_days_and_only_where_the_policy_says_so(
    cast: Cast, belgian: Campaign
) -> None:
    rang(cast, at=TUESDAY, result="answered", disposition=Disposition.objects.get(pk="declined"))
    denied = asked(belgian, at=TUESDAY + 89 * DAY)
    assert denied.code == "refusal_cooloff"
    assert denied.not_before == datetime(2026, 6, 2, tzinfo=UTC)
    assert asked(belgian, at=brussels("2026-06-02 11:00")).allow
    assert asked(None, at=TUESDAY + 89 * DAY).allow


@limited
def test_on_sunday_nobody_is_called_but_for_a_promised_call(cast: Cast, belgian: Campaign) -> None:
    sunday = brussels("2026-03-01 11:00")
    denied = asked(belgian, at=sunday)
    assert (denied.code, denied.not_before) == ("calling_hours", brussels("2026-03-02 09:00"))
    assert "where the customer lives" in denied.reason
    assert asked(belgian, at=sunday, purpose="service", reference="T-1").code == "calling_hours"
    stops = rulings.stops("callback")
    assert "calling_hours" not in stops and "holiday" not in stops
    assert asked(None, at=sunday).allow


@limited
def test_on_a_holiday_the_gate_says_so(cast: Cast, belgian: Campaign) -> None:
    denied = asked(belgian, at=brussels("2026-07-21 11:00"))
    assert (denied.code, denied.not_before) == ("holiday", brussels("2026-07-22 09:00"))


@limited
def test_the_country_of_the_customer_decides_the_hours(cast: Cast, belgian: Campaign) -> None:
    lunch = brussels("2026-03-03 13:30")
    living_in(cast, "FR", "+33612345678")
    denied = asked(belgian, at=lunch, number="+33612345678")
    assert (denied.code, denied.not_before) == ("calling_hours", brussels("2026-03-03 14:00"))
    assert asked(belgian, at=lunch).allow


@limited
def test_a_foreign_number_of_a_customer_has_to_be_open_as_well(
    cast: Cast, belgian: Campaign
) -> None:
    customers.add_number(customer=cast.dupont, e164="+33612345678", position=5, at=TUESDAY)
    lunch = brussels("2026-03-03 13:30")
    assert asked(belgian, at=lunch, number="+33612345678").code == "calling_hours"
    assert asked(belgian, at=lunch, number=DUPONT_HOME).allow


@limited
def test_a_country_without_a_policy_has_the_hours_of_the_campaign(
    cast: Cast, belgian: Campaign
) -> None:
    living_in(cast, "JP", "+819012345678")
    assert asked(belgian, at=TUESDAY, number="+819012345678").allow
    denied = asked(belgian, at=brussels("2026-03-03 21:00"), number="+819012345678")
    assert denied.code == "calling_hours"


@limited
def test_hours_that_ended_since_a_process_looked_are_worked_out_anew(
    cast: Cast, belgian: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process thinks it is Tuesday; the database says that it is not."""
    sunday = brussels("2026-03-01 11:00")
    sweeps_alive(sunday)
    known = conditions.of("be", at=TUESDAY)
    monkeypatch.setitem(rulings._LAST, "be", replace(known, since=sunday - DAY))
    # Believed for as long as it claims to hold, ...
    believed = asked(belgian, at=sunday)
    assert believed.allow
    # ... and refused by the database itself once it does not.
    monkeypatch.setattr(rulings, "_conditions", lambda name, at: known)
    assert asked(belgian, at=sunday).code == "calling_hours"


def test_conditions_of_another_moment_are_not_read_with(cast: Cast) -> None:
    with pytest.raises(ValueError, match="another moment"):
        facts.read(ids=[], under=conditions.of("be", at=TUESDAY), at=TUESDAY + 30 * DAY)


@pytest.mark.parametrize(
    ("policy", "code"), [("be", "dnc_national"), ("fr", "no_consent"), ("de", "no_consent")]
)
def test_a_policy_that_cannot_be_kept_here_lets_nobody_be_called_to_sell(
    cast: Cast, policy: str, code: str
) -> None:
    campaign = Campaign.objects.create(slug=policy, name=policy, policy=policy)
    at = brussels("2026-11-03 11:00")
    for number in (DUPONT_HOME, "+32470999999"):
        denied = asked(campaign, at=at, number=number)
        assert (denied.allow, denied.code, denied.not_before) == (False, code, None)
    service = Campaign.objects.create(slug="s", name="s", policy=policy, purpose="service")
    assert code not in rulings.stops("service")
    assert asked(service, at=at).code == code  # no ticket is named: judged like a sale


def brought_in(tmp_path: Path, numbers: str, *, at: datetime) -> None:
    file = tmp_path / "list.csv"
    file.write_text(numbers)
    registries.bring_in(
        file, name="dncm", as_of=at.date(), by=SYSTEM, at=at, apply=True, forced=True
    )


def test_a_number_on_a_fresh_list_shuts_all_numbers_of_the_person(
    cast: Cast, belgian: Campaign, tmp_path: Path
) -> None:
    assert cast.dupont and cast.peeters
    brought_in(tmp_path, f"{DUPONT_HOME};2026-01-02\n+32470999998\n", at=TUESDAY)
    for number in (DUPONT_HOME, DUPONT_MOBILE, "+32470999998"):
        assert asked(belgian, at=TUESDAY, number=number).code == "dnc_national"
    assert asked(belgian, at=TUESDAY, number=PEETERS_MOBILE).allow
    assert asked(None, at=TUESDAY).allow


def test_a_list_that_is_too_old_shuts_everybody(
    cast: Cast, belgian: Campaign, tmp_path: Path
) -> None:
    monday = brussels("2026-03-02 11:00")
    brought_in(tmp_path, "+32470999998\n", at=monday)
    assert asked(belgian, at=brussels("2026-03-06 11:00")).allow
    assert asked(belgian, at=brussels("2026-03-09 11:00")).code == "dnc_national"
