"""The head of the campaign lists: in order, judged by the gate, whoever is blocked put off."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from crm import calls, campaign_entries, campaigns, suppressions
from crm.campaign_entries import Wanted
from crm.models import Campaign, CampaignEntry, Customer, User
from followups import campaign_calls, next_calls
from followups.campaign_calls import SHOWN
from tests.cast import (
    DAY,
    HOUR,
    MINUTE,
    START,
    SYSTEM,
    Cast,
    call_and_promise,
    call_of,
    person,
    sweeps_alive,
)
from tests.crm.test_campaign_entries import neighbour
from tests.followups.test_callbacks import SLOT, asked

pytestmark = pytest.mark.django_db


def lined_up(cast: Cast, number: int, *, campaign: Campaign | None = None, **more: Any) -> Customer:
    """A neighbour with a telephone, on the list of the fibre campaign."""
    customer = neighbour(cast, number, f"+32471{number:06d}")
    wanted = Wanted(customer.pk, customer.team_id, **more)
    to = campaign or cast.sales
    campaign_entries.add(campaign=to, people=[wanted], by=SYSTEM, at=START)
    return customer


def names(user: User, *, at: datetime = START) -> list[str]:
    sweeps_alive(at + DAY)
    entries = campaign_calls.head(user=user, at=at).entries
    return [entry.customer.text.name for entry in entries]


def rings(cast: Cast, customer: Customer, *, at: datetime, result: str = "no_answer") -> None:
    call = call_of(
        cast.amina, customer, at=at, campaign=cast.sales, result=result, answered_at=None
    )
    calls.log(call=call, by=person(cast.amina), at=at)


def again_at(customer: Customer) -> datetime:
    return CampaignEntry.objects.get(customer=customer).next_try_at


def test_the_list_is_called_in_its_order_and_by_priority(cast: Cast) -> None:
    for number, priority in ((1, 2), (2, 3), (3, 1), (4, 2)):
        lined_up(cast, number, priority=priority)
    assert names(cast.amina) == ["Neighbour 3", "Neighbour 1", "Neighbour 4", "Neighbour 2"]


def test_who_rests_is_not_shown_and_then_comes_before_the_others(cast: Cast) -> None:
    for number in (1, 2, 3):
        lined_up(cast, number)
    rings(cast, Customer.objects.get(text__name="Neighbour 2"), at=START + HOUR)
    assert names(cast.amina, at=START + 2 * HOUR) == ["Neighbour 1", "Neighbour 3"]
    later = START + 49 * HOUR
    assert names(cast.amina, at=later) == ["Neighbour 2", "Neighbour 1", "Neighbour 3"]


def test_who_is_blocked_is_passed_over_and_counted(cast: Cast) -> None:
    first, second, third = (lined_up(cast, number) for number in (1, 2, 3))
    suppressions.add(customer=first, kind="dnc_company", origin="call", by=SYSTEM, at=START)
    call_and_promise(cast.amina, second, address="n2@mail.example")
    head = campaign_calls.head(user=cast.amina, at=START + 5 * HOUR)
    sweeps_alive(START + DAY)
    head = campaign_calls.head(user=cast.amina, at=START + 5 * HOUR)
    assert [entry.customer for entry in head.entries] == [third]
    assert (head.due, head.held_back) == (3, 2)


@pytest.mark.parametrize("whose", ["another team's", "closed", "for promised calls"])
def test_only_campaigns_that_the_team_calls_for_are_looked_at(cast: Cast, whose: str) -> None:
    lined_up(cast, 1)
    change: dict[str, Any] = {
        "another team's": {"team": cast.gent},
        "closed": {"active": False},
        "for promised calls": {"purpose": "callback"},
    }[whose]
    Campaign.objects.update(**change)
    assert names(cast.amina) == []


def test_each_team_calls_its_own_customers_of_a_campaign_for_all(cast: Cast) -> None:
    customer = lined_up(cast, 1)
    assert (names(cast.amina), names(cast.bram)) == (["Neighbour 1"], [])
    Customer.objects.filter(pk=customer.pk).update(team=cast.gent)
    assert (names(cast.amina), names(cast.bram)) == ([], ["Neighbour 1"])


def test_somebody_without_a_number_is_not_shown(cast: Cast) -> None:
    lined_up(cast, 1).numbers.all().delete()
    assert names(cast.amina) == []


def test_the_desk_shows_so_many_and_says_how_many_wait(cast: Cast) -> None:
    for number in range(SHOWN + 3):
        lined_up(cast, number)
    assert len(names(cast.amina)) == SHOWN
    found = next_calls.next_to_call(user=cast.amina, at=START)
    assert found.total == len(found.calls) == SHOWN
    assert found.more_listed == f"Of {SHOWN + 3} who wait on the campaign lists {SHOWN} are shown."


def test_the_reason_says_the_campaign_and_what_became_of_the_last_try(cast: Cast) -> None:
    customer = lined_up(cast, 1)
    sweeps_alive(START + 10 * DAY)
    (call,) = next_calls.next_to_call(user=cast.amina, at=START).calls
    assert call.reason == "Campaign Fibre, never called"
    rings(cast, customer, at=START + HOUR)
    (call,) = next_calls.next_to_call(user=cast.amina, at=START + 3 * DAY).calls
    assert call.reason == "Campaign Fibre, called on Mon 2 Mar, 10:00: no answer; try 2 of 6"


def test_who_is_blocked_is_put_off_until_that_ends_and_who_never_may_be_for_longer(
    cast: Cast,
) -> None:
    timed, never, waits, free = (lined_up(cast, number) for number in (1, 2, 3, 4))
    suppressions.add(
        customer=timed, kind="refusal_cooloff", origin="call", by=SYSTEM, at=START,
        until=START + 6 * HOUR,
    )  # fmt: skip
    suppressions.add(customer=never, kind="dnc_company", origin="call", by=SYSTEM, at=START)
    call_and_promise(cast.amina, waits, at=START - 5 * HOUR, address="n2@mail.example")
    sweeps_alive(START + DAY)
    found = list(campaign_calls.in_turn(user=cast.amina, at=START, rounds=1))
    assert [entry.customer for entry in found] == [free]
    assert again_at(timed) == START + 6 * HOUR
    assert again_at(never) == START + 7 * DAY
    assert again_at(waits) == START + DAY
    assert again_at(free) == START


def test_a_list_on_which_the_first_are_blocked_is_looked_through_by_taking(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign_calls, "BATCH", 2)
    blocked = [lined_up(cast, number) for number in range(5)]
    for customer in blocked:
        suppressions.add(customer=customer, kind="dnc_company", origin="call", by=SYSTEM, at=START)
    free = lined_up(cast, 9)
    sweeps_alive(START + DAY)
    assert list(campaign_calls.in_turn(user=cast.amina, at=START, rounds=2)) == []
    (entry,) = campaign_calls.in_turn(user=cast.amina, at=START, rounds=2)
    assert entry.customer == free


def test_at_night_it_says_when_the_lists_go_on(cast: Cast) -> None:
    lined_up(cast, 1)
    night = START + 13 * HOUR
    sweeps_alive(night)
    assert next_calls.next_to_call(user=cast.amina, at=night).shut_until is None, (
        "no policy, no hours"
    )
    Campaign.objects.update(policy="be")
    found = next_calls.next_to_call(user=cast.amina, at=night)
    assert (found.total, found.shut_until) == (0, START + DAY)
    campaigns.ensure(slug="other", name="Other", team=cast.gent)
    assert campaign_calls.shut_until(cast.bram, at=night) is None, (
        "a campaign without hours is open"
    )
    assert campaign_calls.shut_until(cast.amina, at=START + DAY) is None


def test_a_stopped_sweep_puts_nobody_off(cast: Cast) -> None:
    customer = lined_up(cast, 1)
    unsafe = next_calls.next_to_call(user=cast.amina, at=START).unsafe
    assert unsafe and unsafe.code == "clock_unsafe"
    assert list(campaign_calls.in_turn(user=cast.amina, at=START, rounds=3)) == []
    assert again_at(customer) == START


def test_a_customer_with_a_due_call_back_is_shown_once_and_told_how_far_away_it_is(
    cast: Cast,
) -> None:
    asked(cast)
    wanted = Wanted(cast.dupont.pk, cast.liege.pk)
    campaign_entries.add(campaign=cast.sales, people=[wanted], by=SYSTEM, at=START)
    sweeps_alive(SLOT + DAY)
    for minutes, reason in (
        (-10, "Promised for 14:00, in 10 minutes"),
        (0, "Promised for 14:00, now"),
        (20, "Promised for 14:00, 20 minutes ago"),
    ):
        at = SLOT + minutes * MINUTE
        (call,) = next_calls.next_to_call(user=cast.amina, at=at).calls
        assert call.reason == reason
