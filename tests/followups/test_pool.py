"""Missed call-backs: after an hour they are anybody's of the team, and one person takes each."""

from __future__ import annotations

import pytest

from crm import suppressions
from crm.models import User
from followups import gate, pool
from followups.gate import Question
from followups.models import Promise
from tests.cast import HOUR, MINUTE, START, SYSTEM, Cast, person, sweeps_alive
from tests.crm.test_absences import away, colleague
from tests.followups.scenes import causes, fresh
from tests.followups.test_callbacks import SLOT, asked, rings
from tests.races import Thread

LATE = SLOT + HOUR


def at_hand(user: User, *, at: object = LATE) -> list[Promise]:
    sweeps_alive(at)  # type: ignore[arg-type]
    return pool.at_hand(user=user, at=at)  # type: ignore[arg-type]


def taken(promise: Promise, user: User, *, at: object = LATE) -> bool:
    return pool.take(promise=promise, user=user, by=person(user), at=at)  # type: ignore[arg-type]


def test_after_its_hour_the_team_sees_it_but_for_its_owner_and_other_teams(cast: Cast) -> None:
    promise, noor = asked(cast), colleague(cast, "noor")
    assert at_hand(noor, at=LATE - MINUTE) == []
    for user, rows in (
        (noor, [promise]),
        (cast.chloe, [promise]),
        (cast.amina, []),
        (cast.bram, []),
    ):
        assert at_hand(user) == rows


def test_a_deputy_has_it_among_their_own_calls_already(cast: Cast) -> None:
    noor = colleague(cast, "noor")
    away(cast.amina, noor)
    asked(cast)
    assert at_hand(noor) == []


def test_what_was_called_or_must_not_be_called_is_not_shown(cast: Cast) -> None:
    asked(cast)
    noor = colleague(cast, "noor")
    suppressions.add(
        customer=cast.dupont, kind="dnc_company", origin="call", proof="x", by=SYSTEM, at=START
    )
    assert at_hand(noor) == []
    rings(cast, cast.amina, at=LATE, result="answered")
    assert not pool.missed(team=cast.liege.pk, at=LATE + HOUR).exists()


def test_who_takes_it_owns_it_with_its_event_and_may_call(cast: Cast) -> None:
    promise, noor = asked(cast), colleague(cast, "noor")
    sweeps_alive(LATE)
    question = Question(
        purpose="callback",
        reference=promise.reference,
        customer=cast.dupont,
        agent=noor,
        reserve=True,
    )
    assert gate.decide(question, by=person(noor), at=LATE).code == "callback_pending"
    assert taken(promise, noor)
    event = promise.events.get(cause="reassigned")
    assert event.data == {"reason": "missed", "before": cast.amina.pk, "owner": noor.pk}
    assert gate.decide(question, by=person(noor), at=LATE).allow
    rings(cast, noor, at=LATE + MINUTE, result="answered")
    assert fresh(promise).status == "kept"


def test_who_took_it_has_an_hour_before_it_is_anybodys_again(cast: Cast) -> None:
    promise, noor, lars = asked(cast), colleague(cast, "noor"), colleague(cast, "lars")
    assert taken(promise, noor)
    assert at_hand(lars, at=LATE + HOUR - MINUTE) == []
    assert not taken(promise, lars, at=LATE + HOUR - MINUTE)
    assert at_hand(lars, at=LATE + HOUR) == [promise]


def test_nobody_takes_one_that_is_not_missed_or_of_another_team(cast: Cast) -> None:
    promise, noor = asked(cast), colleague(cast, "noor")
    assert not taken(promise, noor, at=LATE - MINUTE)
    for somebody in (cast.bram, cast.dirk, cast.eva, cast.amina):
        assert not taken(promise, somebody)
    assert "reassigned" not in causes(promise)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_press_at_once_one_has_it(cast: Cast) -> None:
    promise = asked(cast)
    people = [colleague(cast, name) for name in ("noor", "lars", "lea")]
    threads = [Thread(lambda user=user: taken(promise, user)) for user in people]  # type: ignore[misc]
    assert sorted(thread.answer() for thread in threads) == [False, False, True]
    assert causes(promise).count("reassigned") == 1
