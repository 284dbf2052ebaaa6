"""For which purpose a call is judged: key, campaign and reference only make it stricter."""

from __future__ import annotations

from typing import Any

import pytest

from crm import keys, merges
from crm.actors import Actor
from crm.models import Campaign
from followups import purposes
from tests.cast import (
    DUPONT_HOME,
    DUPONT_MOBILE,
    PEETERS_MOBILE,
    START,
    SYSTEM,
    Cast,
    call_and_promise,
)
from tests.followups.test_callbacks import asked

ANYBODY = Actor("user:1")


def campaign(purpose: str) -> Campaign:
    return Campaign.objects.create(slug=purpose, name=purpose, purpose=purpose)


@pytest.mark.parametrize(
    ("wanted", "of_campaign", "judged"),
    [
        ("service", "sales", "sales"),
        ("service", "survey", "survey"),
        ("service", "service", "service"),
        ("sales", "service", "sales"),
        ("survey", "sales", "sales"),
        ("sales", "survey", "sales"),
    ],
)
def test_of_caller_and_campaign_the_stricter_wins(
    cast: Cast, wanted: str, of_campaign: str, judged: str
) -> None:
    found = purposes.strictest(wanted, campaign=campaign(of_campaign), reference="T-1", by=ANYBODY)
    assert found == judged


@pytest.mark.parametrize(
    ("allowed", "wanted", "judged"),
    [
        ([], "service", "service"),
        (["service"], "service", "service"),
        (["survey"], "survey", "survey"),
        (["survey"], "service", "sales"),
        (["service"], "survey", "sales"),
    ],
)
def test_what_a_key_may_not_ask_for_is_judged_like_a_sale(
    cast: Cast, allowed: list[str], wanted: str, judged: str
) -> None:
    key = keys.issue(name="k", scopes=["gate:read"], purposes=allowed, by=SYSTEM, at=START).key
    by = Actor.machine(key)
    assert purposes.strictest(wanted, campaign=None, reference="T-1", by=by) == judged


def test_a_call_back_names_an_open_promise_to_call_back(cast: Cast) -> None:
    document = call_and_promise(cast.amina, cast.dupont)
    promise = asked(cast)
    for reference, judged in (
        (promise.reference, "callback"),
        (f" {promise.reference} ", "callback"),
        (document.reference, "sales"),
        ("", "sales"),
    ):
        found = purposes.strictest(
            "callback",
            campaign=None,
            reference=reference,
            by=ANYBODY,
            number=DUPONT_MOBILE,
        )
        assert found == judged


@pytest.mark.parametrize("purpose", ["callback", "service"])
def test_a_promise_to_somebody_else_opens_nobody_elses_gate(cast: Cast, purpose: str) -> None:
    reference = asked(cast).reference

    def judged(**who: Any) -> str:
        return purposes.strictest(purpose, campaign=None, reference=reference, by=ANYBODY, **who)

    assert judged(number=DUPONT_HOME) == judged(customer=cast.dupont) == purpose
    assert judged(number=PEETERS_MOBILE) == judged(customer=cast.peeters) == "sales"
    assert judged(number="+32499999999") == judged() == "sales"
    merges.merge(customer=cast.peeters, into=cast.dupont, by=SYSTEM, at=START)
    assert judged(number=PEETERS_MOBILE) == judged(customer=cast.peeters) == purpose


@pytest.mark.parametrize(
    ("reference", "judged"),
    [
        ("T-1", "service"),
        ("case 4711", "service"),
        ("P-1", "service"),  # no promise of ours looks like this
        ("P-AAAAAA", "sales"),  # it looks like one, and is none
        ("  ", "sales"),
    ],
)
def test_a_ticket_of_another_house_is_believed_and_a_promise_of_ours_looked_at(
    cast: Cast, reference: str, judged: str
) -> None:
    found = purposes.strictest(
        "service", campaign=None, reference=reference, by=ANYBODY, number=DUPONT_MOBILE
    )
    assert found == judged
