"""Taking the next call: in order, one person for one agent, whatever happens at once."""

from __future__ import annotations

import threading

import pytest

from crm import campaign_entries, suppressions
from crm.campaign_entries import Wanted
from crm.models import CampaignEntry
from followups import leases, taking
from followups.models import Lease
from followups.taking import Taken
from tests.cast import DAY, DUPONT_MOBILE, HOUR, START, SYSTEM, Cast, Relay, person
from tests.crm.test_absences import colleague
from tests.followups.scenes import fresh, proven
from tests.followups.test_callbacks import SLOT, asked
from tests.followups.test_campaign_calls import lined_up
from tests.pages.conftest import set_clock
from tests.races import Thread

pytestmark = pytest.mark.django_db


def test_a_due_call_back_comes_before_a_read_offer_and_that_before_a_campaign(
    cast: Cast, relay: Relay
) -> None:
    at = set_clock(START + 5 * DAY)
    lined_up(cast, 1)
    assert taking.next_one(user=cast.amina, at=at).customer.text.name == "Neighbour 1"  # type: ignore[union-attr]
    set_clock(START)
    proven(cast, relay, at=START)
    at = set_clock(START + 5 * DAY + HOUR)
    taken = taking.next_one(user=cast.amina, at=at)
    assert taken and taken.customer == cast.dupont


def test_a_missed_call_back_of_a_colleague_becomes_the_takers(cast: Cast) -> None:
    promise, noor = asked(cast), colleague(cast, "noor")
    at = set_clock(SLOT + 2 * HOUR)
    taken = taking.next_one(user=noor, at=at)
    assert taken and taken.customer == cast.dupont
    assert fresh(promise).owner == noor
    assert Lease.objects.get().holder == f"user:{noor.pk}"


def test_a_campaign_call_is_asked_for_by_its_number_and_campaign(cast: Cast) -> None:
    wanted = Wanted(cast.dupont.pk, cast.liege.pk)
    campaign_entries.add(campaign=cast.sales, people=[wanted], by=SYSTEM, at=START)
    at = set_clock(START + HOUR)
    taken = taking.next_one(user=cast.amina, at=at)
    assert taken and taken.decision.number == DUPONT_MOBILE
    assert taken.decision.code == "ok"


def test_who_was_refused_at_the_last_moment_is_put_off_and_the_next_one_comes(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = lined_up(cast, 1), lined_up(cast, 2)
    at = set_clock(START + HOUR)
    ask = taking.ask

    def late(**asked: object) -> object:
        if asked["customer"] == first:
            suppressions.add(
                customer=first, kind="complaint", origin="call", by=SYSTEM, at=at, until=at + DAY
            )
        return ask(**asked)  # type: ignore[arg-type]

    monkeypatch.setattr(taking, "ask", late)
    taken = taking.next_one(user=cast.amina, at=at)
    assert taken and taken.customer == second
    assert CampaignEntry.objects.get(customer=first).next_try_at == at + DAY


def test_when_nobody_is_free_nothing_is_leased(cast: Cast) -> None:
    at = set_clock(START + HOUR)
    assert taking.next_one(user=cast.amina, at=at) is None
    assert not Lease.objects.exists()


def test_only_the_holder_lets_go(cast: Cast) -> None:
    lined_up(cast, 1)
    at = set_clock(START + HOUR)
    taken = taking.next_one(user=cast.amina, at=at)
    assert taken
    decision = taken.decision.id
    other = {"user": cast.chloe, "by": person(cast.chloe), "at": at}
    assert leases.let_go(decision_id=decision, **other) == 0  # type: ignore[arg-type]
    own = {"user": cast.amina, "by": person(cast.amina), "at": at}
    assert leases.let_go(decision_id=decision, **own) == 1  # type: ignore[arg-type]
    assert list(leases.held(user=cast.amina, at=at)) == []


@pytest.mark.django_db(transaction=True)
def test_agents_who_press_at_once_never_get_the_same_person(cast: Cast) -> None:
    agents = [cast.amina, cast.chloe, colleague(cast, "noor"), colleague(cast, "ilse")]
    for number in range(6):
        lined_up(cast, number)
    at = set_clock(START + HOUR)
    barrier = threading.Barrier(len(agents))

    def press(agent: object) -> Taken | None:
        barrier.wait(30)
        return taking.next_one(user=agent, at=at)  # type: ignore[arg-type]

    threads = [Thread(lambda agent=agent: press(agent)) for agent in agents]  # type: ignore[misc]
    taken = [thread.answer() for thread in threads]
    assert all(taken)
    assert len({one.customer.pk for one in taken}) == len(agents)
    assert {row.holder for row in Lease.objects.all()} == {f"user:{a.pk}" for a in agents}
