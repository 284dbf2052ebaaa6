"""A policy at a moment: which version, which hours, and how long that is good for."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm import conditions, policies
from tests.cast import DAY, brussels

pytestmark = pytest.mark.django_db  # whether somebody of the house activated a version
MOMENTS = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minutes: brussels("2026-01-01 00:00") + timedelta(minutes=minutes)
)


def test_the_version_of_the_day_is_in_force() -> None:
    before = policies.get("fr", at=brussels("2026-08-10 23:59"))
    after = policies.get("fr", at=brussels("2026-08-11 00:00"))
    assert (before.version, after.version) == ("2023-03-01", "2026-08-11")
    assert after.rules.consent and after.rules.consent.required
    assert policies.next_version("fr", at=brussels("2026-08-10 12:00")) == brussels(
        "2026-08-11 00:00"
    )
    assert policies.next_version("fr", at=brussels("2026-08-11 00:00")) is None


def test_a_policy_that_has_not_begun_or_never_was_is_refused() -> None:
    with pytest.raises(policies.UnknownPolicy, match="not in force yet"):
        policies.get("be", at=brussels("2015-07-10 12:00"))
    for label in ("mars@2026-01-01", "be@1999-01-01", "be"):
        with pytest.raises(policies.UnknownPolicy):
            policies.exactly(label)
    assert policies.exactly("be@2015-07-11").effective_from == date(2015, 7, 11)


def test_without_a_country_there_are_no_hours() -> None:
    found = conditions.of("none", at=brussels("2026-03-01 03:00"))
    assert (found.shut, found.covered, found.caps, found.rest_days) == ((), (), (), None)


def test_the_campaigns_own_policy_judges_its_own_country_and_others_theirs() -> None:
    found = conditions.of("be", at=brussels("2026-03-03 13:30"))
    assert {country for country, _shut in found.shut} >= {"FR"}
    assert "BE" not in {country for country, _shut in found.shut}
    assert {"BE", "FR", "NL", "DE", "GB", "US"} <= set(found.covered)


def test_conditions_end_with_the_version() -> None:
    eve = brussels("2026-08-10 22:00")
    assert conditions.of("fr", at=eve).until <= brussels("2026-08-11 00:00")


@pytest.mark.parametrize("name", ["fr", "be", "us-regf", "none"])
@settings(deadline=None)  # a calendar is tabulated once, whoever asks first
@given(at=MOMENTS, share=st.integers(0, 999))
def test_while_they_hold_they_are_what_a_new_look_would_find(
    name: str, at: datetime, share: int
) -> None:
    found = conditions.of(name, at=at)
    assert found.since == at < found.until
    later = conditions.of(name, at=at + (found.until - at) * share / 1000)
    assert (later.policy, later.shut, later.covered) == (found.policy, found.shut, found.covered)


def test_attempts_matter_for_as_long_as_the_longest_window() -> None:
    at = brussels("2026-03-03 12:00")
    assert conditions.of("be", at=at).longest == 91 * DAY
    assert conditions.of("none", at=at).longest == timedelta(hours=4)
