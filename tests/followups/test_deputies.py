"""While somebody is away: who is told, who may call, whose desk it stands on; it comes back."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from crm import absences
from crm.models import Absence, User
from followups import (
    callbacks,
    dossier,
    escalation,
    gate,
    items,
    next_calls,
    notice_words,
    queries,
)
from followups.escalation import Audience
from followups.gate import Question
from followups.models import Item, Notice, Promise
from offers import sending
from tests.cast import (
    DAY,
    HOUR,
    MINUTE,
    NO_SUCH_USER,
    START,
    SYSTEM,
    Cast,
    Clock,
    Relay,
    person,
    sweeps_alive,
)
from tests.crm.test_absences import away, colleague
from tests.followups.scenes import fresh, promised
from tests.followups.test_callbacks import SLOT, asked, rings
from tests.followups.test_hindsight import rang, spite


@pytest.fixture
def noor(cast: Cast) -> User:
    """Amina's deputy, from Monday at nine for a week."""
    user = colleague(cast, "noor")
    away(cast.amina, user)
    return user


def told(user: User) -> list[str]:
    return list(Notice.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))


# --- who is told --------------------------------------------------------------------------------


def test_the_rungs_of_an_absent_owner_go_to_the_deputy_who_is_told_whose_they_are(
    cast: Cast, noor: User
) -> None:
    promise = promised(cast)
    first = promise.next_rung_at
    assert first
    escalation.climb(at=first)
    assert (told(noor), told(cast.amina)) == (["lateness_owner"], [])
    notice = Notice.objects.select_related("promise__owner", "promise__customer").get(user=noor)
    with translation.override("en"):
        assert notice_words.sentence(notice).startswith("For Amina: Promise P-")
    assert fresh(promise).owner == cast.amina


def test_with_nobody_behind_the_next_rung_comes_at_once(cast: Cast) -> None:
    away(cast.amina, None)
    promise = promised(cast)
    first = promise.next_rung_at
    assert first
    for _ in range(3):
        escalation.climb(at=first)
    assert (told(cast.amina), told(cast.chloe)) == ([], ["lateness_supervisor"])


def test_a_supervisor_who_is_away_is_stood_in_for_by_one_of_the_team(cast: Cast) -> None:
    lea = colleague(cast, "lea", role=User.Role.SUPERVISOR)
    away(cast.chloe, None)
    assert items.supervisors(cast.amina, rota=absences.rota(at=START)) == [lea]
    away(lea, None)
    assert items.supervisors(cast.amina, rota=absences.rota(at=START)) == []


def test_when_all_of_operations_are_away_they_are_told_all_the_same(cast: Cast) -> None:
    away(cast.dirk, None)
    assert Audience(absences.rota(at=START)).of(cast.amina, "operations") == [cast.dirk]


def test_a_new_item_is_told_to_the_deputy_and_stays_the_owners(
    cast: Cast, noor: User, relay: Relay
) -> None:
    relay.script = [NO_SUCH_USER]
    promised(cast)
    sending.send_due(clock=Clock(START))
    item = Item.objects.get(closed_at=None)
    assert item.owner == cast.amina
    assert "item_address_to_fix" in told(noor) and told(cast.amina) == []
    assert list(queries.items_of(noor, at=START)) == [item]
    assert list(queries.items_of(noor, at=START + 8 * DAY)) == []


def test_an_item_of_somebody_with_nobody_behind_is_told_to_the_supervisor(
    cast: Cast, relay: Relay
) -> None:
    away(cast.amina, None)
    relay.script = [NO_SUCH_USER]
    promise = promised(cast)
    sending.send_due(clock=Clock(START))
    assert Item.objects.filter(promise=promise, owner=cast.amina).exists()
    assert "item_address_to_fix" in told(cast.chloe) and told(cast.amina) == []


# --- what stands on the desk --------------------------------------------------------------------


def test_promises_stand_on_the_deputys_desk_until_their_owner_is_back(
    cast: Cast, noor: User
) -> None:
    promise = promised(cast)

    def mine(user: User, hours: int) -> list[Promise]:
        found = queries.my_promises(user=user, at=START + hours * HOUR)
        return [row.promise for row in found]

    assert mine(noor, 1) == mine(cast.amina, 1) == [promise]
    absences.end(absence=Absence.objects.get(), by=SYSTEM, at=START + 2 * HOUR)
    assert (mine(noor, 2), mine(cast.amina, 2)) == ([], [promise])


def test_a_due_call_back_stands_on_the_deputys_desk(cast: Cast, noor: User) -> None:
    promise = asked(cast)
    sweeps_alive(SLOT)
    assert [call.promise for call in next_calls.call_backs(noor, at=SLOT)] == [promise]
    assert next_calls.call_backs(noor, at=SLOT - 16 * MINUTE) == []
    later = SLOT + 8 * DAY
    sweeps_alive(later)
    assert [call.pooled for call in next_calls.call_backs(noor, at=later)] == [True], "missed"


# --- who may call -------------------------------------------------------------------------------


def ask(user: User, promise: Promise, *, at: Any = SLOT, **more: Any) -> gate.Decision:
    sweeps_alive(at)
    question = Question(
        purpose="callback",
        reference=promise.reference,
        customer=promise.customer,
        agent=user,
        reserve=True,
        **more,
    )
    return gate.decide(question, by=person(user), at=at)


def test_the_gate_lets_the_deputy_call_back_in_the_owners_slot(cast: Cast, noor: User) -> None:
    promise = asked(cast)
    answer = ask(noor, promise, request_id="once")
    assert (answer.allow, answer.code) == (True, "ok")
    assert ask(noor, promise, request_id="once").id == answer.id  # asked again, it still holds
    standing = gate.still_stands(answer.id, by=person(noor), at=SLOT + MINUTE)
    assert standing and standing.stands
    permit = dossier.permit(answer.id, user=noor, at=SLOT + MINUTE)
    assert permit and permit.standing


def test_nor_before_the_slot_nor_after_the_absence_nor_anybody_else(cast: Cast, noor: User) -> None:
    promise, lars = asked(cast), colleague(cast, "lars")
    assert ask(noor, promise, at=SLOT - 16 * MINUTE).code == "callback_pending"
    assert ask(lars, promise).code == "callback_pending"
    assert ask(noor, promise, at=START + 7 * DAY).code == "callback_pending"
    assert ask(cast.amina, promise).allow  # away or not, it is hers


def test_a_decision_falls_with_the_absence_on_which_it_stood(cast: Cast, noor: User) -> None:
    answer = ask(noor, asked(cast))
    absences.end(absence=Absence.objects.get(), by=SYSTEM, at=SLOT + MINUTE)
    standing = gate.still_stands(answer.id, by=person(noor), at=SLOT + MINUTE)
    assert standing and (standing.stands, standing.code) == (False, "callback_pending")


def test_a_call_that_the_absent_owner_is_in_stops_the_deputy(cast: Cast, noor: User) -> None:
    promise = asked(cast)
    assert ask(cast.amina, promise).allow
    assert ask(noor, promise, at=SLOT + MINUTE).code == "leased"


def test_a_deputy_sells_nobody_anything(cast: Cast, noor: User) -> None:
    asked(cast)
    sweeps_alive(SLOT)
    question = Question(customer=cast.dupont, agent=noor, reserve=True)
    assert gate.decide(question, by=person(noor), at=SLOT).code == "callback_pending"


def test_the_deputys_call_keeps_the_promise(cast: Cast, noor: User) -> None:
    promise = asked(cast)
    assert queries.called_back(customer=cast.dupont, user=noor, at=SLOT) == promise
    rings(cast, noor, at=SLOT, result="answered")
    assert fresh(promise).status == "kept"


def test_not_when_the_owner_was_back(cast: Cast, noor: User) -> None:
    promise = asked(cast)
    absences.end(absence=Absence.objects.get(), by=SYSTEM, at=SLOT - HOUR)
    assert not callbacks.may_keep(promise, noor, at=SLOT)
    rings(cast, noor, at=SLOT, result="answered")
    assert fresh(promise).status == "open"


def test_a_ring_of_the_deputy_and_a_message_of_the_owner_keep_it_together(
    cast: Cast, noor: User
) -> None:
    promise = asked(cast)
    rings(cast, noor, at=SLOT, result="no_answer")
    absences.end(absence=Absence.objects.get(), by=SYSTEM, at=SLOT + 10 * MINUTE)
    rings(cast, cast.amina, at=SLOT + 20 * MINUTE, result="voicemail")
    assert fresh(promise).status == "kept"


def test_the_deputys_call_is_none_that_was_made_in_spite(cast: Cast, noor: User) -> None:
    asked(cast)
    assert spite(rang(cast, at=SLOT, agent=noor)) == []
    assert spite(rang(cast, at=SLOT, agent=colleague(cast, "lars"))) == ["callback_pending"]
    assert spite(rang(cast, at=SLOT, agent=None)) == ["callback_pending"]


def test_nor_one_along_a_chain_but_one_after_the_absence_is(cast: Cast, noor: User) -> None:
    asked(cast)
    lars = colleague(cast, "lars")
    away(noor, lars, end=START + 2 * DAY)
    assert spite(rang(cast, at=SLOT, agent=lars)) == []
    absences.end(absence=Absence.objects.get(user=cast.amina), by=SYSTEM, at=SLOT)
    assert spite(rang(cast, at=SLOT + MINUTE, agent=lars)) == ["callback_pending"]
