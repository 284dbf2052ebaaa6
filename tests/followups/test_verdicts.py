"""Many numbers at once: the answers are those of the gate, one by one."""

from __future__ import annotations

import random
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import registries
from crm.actors import Actor
from crm.models import Campaign
from crm.policies import UnknownPolicy
from followups import verdicts
from followups.models import GateCheck, Lease
from followups.reasons import BY_CODE
from tests.cast import DUPONT_HOME, HOUR, SYSTEM, Cast, Relay, brussels, sweeps_alive
from tests.followups import lists
from tests.followups.lists import JUNK, NOW, mixed_house, one_by_one, somebody, spelt

HOLIDAY = brussels("2026-12-25 11:00")
LATER = brussels("2026-11-03 11:00")
STRANGER = "+32499123456"


def asked(
    written: list[str],
    purpose: str = "sales",
    campaign: Campaign | None = None,
    at: datetime = NOW,
) -> list[tuple[Any, ...]]:
    terms = verdicts.terms(purpose=purpose, campaign=campaign, by=SYSTEM, at=at)
    return [(v.allow, v.code, v.not_before, v.number) for v in verdicts.of(written, terms)]


def answered(
    written: list[str],
    purpose: str = "sales",
    campaign: Campaign | None = None,
    at: datetime = NOW,
) -> list[tuple[Any, ...]]:
    found = one_by_one(written, purpose=purpose, campaign=campaign, at=at)
    return [(d.allow, d.code, d.not_before, d.number) for d in found]


def under(policy: str) -> Campaign:
    return Campaign.objects.get_or_create(slug=policy, name=policy, policy=policy)[0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("purpose", ["sales", "survey", "service", "callback"])
def test_many_at_once_and_one_by_one_are_answered_alike(
    cast: Cast, relay: Relay, seed: int, purpose: str
) -> None:
    dice = random.Random(seed)
    written = [spelt(number, dice) for number in mixed_house(cast, relay, seed)]
    written += [*JUNK, written[0], written[0]]
    dice.shuffle(written)
    assert asked(written, purpose) == answered(written, purpose)


@pytest.mark.parametrize("policy", ["be", "fr", "us-regf"])
@pytest.mark.parametrize("at", [NOW, NOW + 14 * HOUR, HOLIDAY])
def test_also_under_a_policy_with_limits(
    cast: Cast, relay: Relay, unlisted: None, policy: str, at: datetime
) -> None:
    written = [*mixed_house(cast, relay, seed=5), *JUNK, "+33612345678", "+819012345678"]
    somebody(cast, "+33612345679", "+33612345678", country="FR")
    sweeps_alive(at)
    campaign = under(policy)
    assert asked(written, "sales", campaign, at) == answered(written, "sales", campaign, at)


def test_no_code_is_forgotten(
    cast: Cast, relay: Relay, settings: Any, request: pytest.FixtureRequest
) -> None:
    """A code that the gate learns must happen in tests/followups/lists.py too."""
    written = [*mixed_house(cast, relay, seed=1), *JUNK]
    seen = {code for _allow, code, *_more in asked(written)}
    settings.GATE_UNKNOWN_NUMBER = "deny"
    strict = asked(written)
    assert strict == answered(written)
    seen |= {code for allow, code, *_more in strict if not allow}
    ours = asked(written, "sales", cast.sales)
    assert ours == answered(written, "sales", cast.sales)
    seen |= {code for _allow, code, *_more in ours}
    lists.silence()
    silent = asked(written)
    assert silent == answered(written)
    seen |= {code for _allow, code, *_more in silent}
    for policy in ("fr", "be"):
        sweeps_alive(LATER)
        seen |= {code for _allow, code, *_more in asked([STRANGER], "sales", under(policy), LATER)}
    request.getfixturevalue("unlisted")
    for policy, at in (("be", NOW), ("us-regf", NOW), ("fr", NOW + 14 * HOUR), ("nl", HOLIDAY)):
        sweeps_alive(at)
        limited = asked(written, "sales", under(policy), at)
        seen |= {code for _allow, code, *_more in limited}
    assert seen == {*BY_CODE, "ok"}


def test_a_national_list_counts_alike(cast: Cast, relay: Relay, tmp_path: Path) -> None:
    written = [*mixed_house(cast, relay, seed=6), STRANGER, "+32499000009"]
    file = tmp_path / "list.csv"
    file.write_text("\n".join([*written[::3], STRANGER, "+32499000008"]))
    registries.bring_in(file, name="dncm", as_of=NOW.date(), by=SYSTEM, at=NOW, apply=True)
    campaign = under("be")
    found = asked(written, "sales", campaign)
    assert found == answered(written, "sales", campaign)
    assert {"dnc_national", "ok"} <= {code for _allow, code, *_more in found}


def test_asking_for_a_list_leaves_nothing_behind(cast: Cast, relay: Relay) -> None:
    written = mixed_house(cast, relay, seed=2)
    before = GateCheck.objects.count(), Lease.objects.count()
    asked(written)
    assert (GateCheck.objects.count(), Lease.objects.count()) == before


def test_a_list_of_any_length_is_three_queries(cast: Cast, relay: Relay) -> None:
    written = mixed_house(cast, relay, seed=3)
    for some in (written[:1], written):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            asked(some)
        assert len(queries) == 3  # the policies, the leases, the list


def test_an_empty_list_has_no_answers(cast: Cast) -> None:
    assert asked([]) == []


def test_the_campaign_decides_purpose_and_policy(cast: Cast) -> None:
    survey = Campaign.objects.create(slug="asking", name="Asking", purpose="survey")
    assert verdicts.terms(purpose="survey", campaign=survey, by=SYSTEM, at=NOW).purpose == "survey"
    assert verdicts.terms(purpose="survey", campaign=cast.sales, by=SYSTEM, at=NOW).purpose == (
        "sales"
    )
    cast.sales.policy = "atlantis"
    with pytest.raises(UnknownPolicy):
        verdicts.terms(campaign=cast.sales, by=Actor(code="x"), at=NOW)


def test_a_code_that_is_left_out_does_not_count(cast: Cast) -> None:
    lists.leased(cast, cast.dupont)
    lists.sweeps_alive(NOW)
    terms = verdicts.terms(without={"leased"}, by=SYSTEM, at=NOW)
    (verdict,) = verdicts.of([DUPONT_HOME], terms)
    assert (verdict.code, verdict.reason) == ("ok", "May be called.")
