"""The policies that Kept starts with: whole, in order, each figure with its source."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from crm import calling_hours
from crm.rules import WEEKDAYS, Rules
from tests.sources import ROOT

NAMES = ["fr", "be", "nl", "de", "uk", "us-tcpa", "us-regf", "none"]
COUNTRIES = {"fr": "FR", "be": "BE", "nl": "NL", "de": "DE", "uk": "GB", "none": ""}
FACTS = ROOT.parent / "shared" / "data" / "policies.yaml"


def _loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


DATA = _loaded(ROOT / "crm" / "data" / "policies.yaml")
POLICIES: list[dict[str, Any]] = DATA["policies"]
RULES = {(p["name"], p["effective_from"]): Rules.read(p["rules"]) for p in POLICIES}
each_policy = pytest.mark.parametrize(
    "policy", POLICIES, ids=lambda policy: f"{policy['name']}@{policy['version']}"
)


def _versions() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for policy in POLICIES:
        found[policy["name"]].append(policy)
    return found


def _parts(rules: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Everything in a policy's rules that has figures of its own."""
    for value in rules.values():
        entries = value if isinstance(value, list) else [value]
        yield from (entry for entry in entries if isinstance(entry, dict))


@each_policy
def test_an_entry_is_a_version_of_a_policy(policy: dict[str, Any]) -> None:
    assert set(policy) == {"name", "version", "effective_from", "title", "rules"}
    assert date.fromisoformat(policy["version"])
    assert date.fromisoformat(policy["effective_from"])
    assert 10 <= len(policy["title"]) <= 80
    assert "\n" not in policy["title"]


def test_the_eight_presets_are_there_and_no_other() -> None:
    assert list(_versions()) == NAMES
    assert date.fromisoformat(DATA["reviewed_on"])


def test_a_policy_is_of_its_country() -> None:
    for (name, _), rules in RULES.items():
        assert rules.country == COUNTRIES.get(name, "US"), name


def test_a_version_is_called_by_its_date_except_that_without_rules() -> None:
    for policy in POLICIES:
        if policy["name"] != "none":
            assert policy["version"] == policy["effective_from"]
    assert [p["version"] for p in _versions()["none"]] == ["2026-01-01"]


def test_the_versions_of_a_policy_are_in_order_and_share_no_date() -> None:
    for versions in _versions().values():
        for one, other in pairwise(versions):
            assert one["effective_from"] < other["effective_from"]
            assert one["version"] < other["version"]


@each_policy
def test_no_figure_stands_without_its_source_and_its_kind(policy: dict[str, Any]) -> None:
    parts = list(_parts(policy["rules"]))
    assert parts
    for number in range(len(parts)):
        for name in ("source", "kind"):
            # A copy for each: anchors make one part of several policies.
            rules = copy.deepcopy(policy["rules"])
            del list(_parts(rules))[number][name]
            with pytest.raises(ValidationError, match=name):
                Rules.read(rules)


@each_policy
def test_a_misspelt_figure_is_refused(policy: dict[str, Any]) -> None:
    for number, _ in enumerate(_parts(policy["rules"])):
        rules = copy.deepcopy(policy["rules"])
        list(_parts(rules))[number]["mots"] = 4
        with pytest.raises(ValidationError, match="mots"):
            Rules.read(rules)


def test_our_own_choices_are_the_same_in_every_policy_and_called_ours() -> None:
    choices = [rules.product for rules in RULES.values()]
    assert len({choice.model_dump_json() for choice in choices}) == 1
    assert (choices[0].kind, choices[0].source) == ("product", "Kept's own choice")
    assert (choices[0].reading_hours, choices[0].min_gap_hours) == (72, 4)
    assert (choices[0].lease_seconds, choices[0].permit_seconds) == (120, 120)
    assert choices[0].grades == {
        "email_accepted": 3,
        "email": 4,
        "portal_attached": 3,
        "portal": 4,
        "post": 3,
        "bill_insert": 3,
    }


@each_policy
def test_a_choice_of_ours_does_not_pass_for_law(policy: dict[str, Any]) -> None:
    for part in _parts(policy["rules"]):
        assert (part["kind"] == "product") == part["source"].startswith("Kept's own choice")


def test_france_needs_consent_since_august_2026() -> None:
    earlier, later = (RULES["fr", p["effective_from"]] for p in _versions()["fr"])
    assert (earlier.regime, later.regime) == ("opt_out_list", "opt_in")
    assert earlier.consent is None
    assert [entry.name for entry in earlier.lists] == ["bloctel"]
    assert later.consent is not None
    assert later.consent.required
    assert later.lists == ()
    assert (earlier.hours, earlier.caps, earlier.refusal) == (
        later.hours,
        later.caps,
        later.refusal,
    )


def test_none_limits_nothing() -> None:
    (policy,) = _versions()["none"]
    rules = RULES["none", policy["effective_from"]]
    assert (rules.hours, rules.refusal, rules.consent) == (None, None, None)
    assert (rules.caps, rules.lists) == ((), ())
    assert (rules.country, rules.regime) == ("", "none")


def test_germany_says_which_cap_was_left_out() -> None:
    (policy,) = _versions()["de"]
    assert "30 attempts per campaign" in policy["rules"]["watch"]


@each_policy
def test_what_is_not_verified_says_what_to_read_again(policy: dict[str, Any]) -> None:
    rules = Rules.read(policy["rules"])
    assert rules.verified or rules.watch


@each_policy
def test_the_hours_can_be_asked(policy: dict[str, Any]) -> None:
    """Within a week and the holidays there is an opening in every zone of the country."""
    rules = Rules.read(policy["rules"])
    if rules.hours is None:
        return
    at = datetime(2026, 12, 24, 23, tzinfo=UTC)
    answer = calling_hours.shut(rules.hours, country=rules.country, at=at)
    assert answer is None or (answer.until - at).days < 7


# --- against the facts that were read -----------------------------------------------------------

read_facts = pytest.mark.skipif(
    not FACTS.exists(), reason="the file of facts is not part of the product"
)


@pytest.fixture(scope="module")
def facts() -> dict[tuple[str, str], dict[str, Any]]:
    presets = _loaded(FACTS)["presets"]
    return {
        (name, entry["effective_from"]): entry
        for name, entries in presets.items()
        for entry in entries
    }


@read_facts
def test_the_names_and_dates_are_those_of_the_facts(facts: dict[Any, Any]) -> None:
    assert list(RULES) == list(facts)


@read_facts
def test_the_regime_and_what_is_verified_are_those_of_the_facts(facts: dict[Any, Any]) -> None:
    for key, fact in facts.items():
        assert (RULES[key].regime, RULES[key].verified) == (fact["regime"], fact["verified"]), key


@read_facts
def test_the_caps_are_those_of_the_facts_but_for_the_one_without_a_window(
    facts: dict[Any, Any],
) -> None:
    left_out = []
    for key, fact in facts.items():
        expected = []
        for cap in fact["attempt_caps"]:
            if "window_days" in cap:
                expected.append((cap["kind"], "attempt", cap["max"], cap["window_days"], False))
            else:
                left_out.append((key[0], cap["max"], cap["scope"]))
        if rest := fact.get("conversation_cooloff"):
            inbound = rest["includes_inbound"]
            expected.append((rest["kind"], "conversation", 1, rest["days"], inbound))
        caps = [(c.kind, c.unit, c.most, c.days, c.inbound) for c in RULES[key].caps]
        assert caps == expected, key
    assert left_out == [("de", 30, "campaign")]


@read_facts
def test_the_windows_are_those_of_the_facts(facts: dict[Any, Any]) -> None:
    for key, fact in facts.items():
        hours, windows = RULES[key].hours, fact["windows"]
        assert (hours is None) == (windows is None), key
        if hours is None:
            continue
        week = {day: windows["spans"] for day in windows["days"]}
        week |= {more["day"]: more["spans"] for more in windows.get("extra", ())}
        given = {day: [list(span) for span in hours.week.get(day, ())] for day in WEEKDAYS}
        assert given == {day: week.get(day, []) for day in WEEKDAYS}, key
        early = {entry["month_day"]: entry["to"] for entry in windows.get("early_end", ())}
        assert hours.early_ends == early, key
        allowed = windows.get("holidays", {"allowed": True})["allowed"]
        assert (hours.holidays is None) == allowed, key
        assert hours.kind == windows["kind"], key


@read_facts
def test_the_rest_after_a_refusal_is_that_of_the_facts(facts: dict[Any, Any]) -> None:
    for key, fact in facts.items():
        refusal, rest = RULES[key].refusal, fact.get("refusal_cooloff")
        assert (refusal is None) == (rest is None), key
        if refusal is not None:
            assert (refusal.days, refusal.kind) == (rest["days"], rest["kind"]), key


@read_facts
def test_the_lists_and_consents_are_those_of_the_facts(facts: dict[Any, Any]) -> None:
    for key, fact in facts.items():
        lists = [(e.name, e.max_age_days, e.kind) for e in RULES[key].lists]
        expected = [(e["name"], e["max_age_days"], e["kind"]) for e in fact.get("lists", ())]
        assert lists == expected, key
        consent = RULES[key].consent
        assert (consent is not None and consent.required) == ("consent" in fact), key
