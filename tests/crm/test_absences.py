"""Absences: what is refused, who stands in, how far a chain is followed, and that it comes back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from crm import absences
from crm.absences import Refused
from crm.models import Absence, AuditEntry, User
from tests.cast import DAY, HOUR, MINUTE, START, SYSTEM, Cast, person
from tests.races import Thread

WEEK = 7 * DAY


def away(
    user: User, deputy: User | None, *, start: datetime = START, end: datetime = START + WEEK
) -> Absence:
    """Written down on Monday at nine."""
    return absences.record(
        user=user, deputy=deputy, from_at=start, until_at=end, by=SYSTEM, at=START
    )


def colleague(cast: Cast, name: str, **more: Any) -> User:
    """Another agent of Liège."""
    facts: dict[str, Any] = {"role": User.Role.AGENT, "team": cast.liege, "supervisor": cast.chloe}
    mail = f"{name}@kept.example"
    return User.objects.create(username=name, first_name=name.title(), email=mail, **facts | more)


def test_who_is_here_acts_for_themselves(cast: Cast) -> None:
    assert absences.stand_in(cast.amina, at=START) == cast.amina
    User.objects.filter(pk=cast.amina.pk).update(is_active=False)
    cast.amina.refresh_from_db()
    assert absences.stand_in(cast.amina, at=START) is None


def test_a_deputy_stands_in_from_its_first_instant_until_just_before_its_end(cast: Cast) -> None:
    noor = colleague(cast, "noor")
    away(cast.amina, noor, start=START + DAY, end=START + 2 * DAY)
    found = [absences.stand_in(cast.amina, at=START + hours * HOUR) for hours in (23, 24, 47, 48)]
    assert found == [cast.amina, noor, noor, cast.amina]
    assert absences.covered_by(noor.pk, at=START + DAY) == {cast.amina.pk}
    assert absences.covered_by(noor.pk, at=START + 2 * DAY) == set()


def test_a_chain_is_followed_to_somebody_who_is_here(cast: Cast) -> None:
    noor, lars = colleague(cast, "noor"), colleague(cast, "lars")
    away(cast.amina, noor)
    away(noor, lars)
    assert absences.stand_in(cast.amina, at=START) == lars
    assert absences.covered_by(lars.pk, at=START) == {cast.amina.pk, noor.pk}
    assert absences.acting([cast.amina, noor, lars, cast.chloe], at=START) == [lars, cast.chloe]


def test_a_circle_ends_with_nobody(cast: Cast) -> None:
    """It is refused when it is written down; rows that come to stand so all the same do no harm."""
    noor = colleague(cast, "noor")
    facts = {"from_at": START, "until_at": START + WEEK, "created_at": START, "created_by": "x"}
    Absence.objects.create(user=cast.amina, deputy=noor, **facts)
    Absence.objects.create(user=noor, deputy=cast.amina, **facts)
    assert absences.stand_in(cast.amina, at=START) is None
    assert absences.acting([cast.amina, noor], at=START) == []
    assert absences.covered_by(noor.pk, at=START) == {cast.amina.pk}


def test_without_a_deputy_or_with_one_who_left_nobody_stands_in(cast: Cast) -> None:
    noor, lars = colleague(cast, "noor"), colleague(cast, "lars")
    away(cast.amina, None)
    away(noor, lars)
    User.objects.filter(pk=lars.pk).update(is_active=False)
    assert [absences.stand_in(one, at=START) for one in (cast.amina, noor)] == [None, None]


def test_who_stands_in_is_asked_in_two_queries_for_one_and_for_many(cast: Cast) -> None:
    people = [colleague(cast, f"agent{n}") for n in range(12)]
    for user in people[:11]:
        away(user, people[11])
    with CaptureQueriesContext(connection) as captured:
        now = absences.rota(at=START)
        found = {now.stand_in(one) for one in people[:11]}
    assert found == {people[11]}
    assert len(captured) == 2


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("amina", "Nobody stands in for themselves."),
        ("bram", "Somebody of the same team stands in."),
        ("eva", "Somebody of the same team stands in."),
        ("gone", "This person does not work here any more."),
    ],
)
def test_a_deputy_who_cannot_be_one_is_refused_in_words(cast: Cast, who: str, words: str) -> None:
    gone = colleague(cast, "gone", is_active=False)
    deputy = gone if who == "gone" else getattr(cast, who)
    with pytest.raises(Refused) as refused:
        away(cast.amina, deputy)
    assert (refused.value.field, str(refused.value)) == ("deputy", words)
    assert not Absence.objects.exists()


def test_an_agent_does_not_stand_in_for_a_supervisor(cast: Cast) -> None:
    away(cast.amina, cast.chloe)
    with pytest.raises(Refused, match="may do the same"):
        away(cast.chloe, cast.amina)


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (START + DAY, START + DAY, "until_at"),
        (START + DAY, START, "until_at"),
        (START - DAY, START - HOUR, "until_at"),
        (START + 6 * DAY, START + 9 * DAY, "from_at"),  # away already
        (START - 6 * DAY, START + MINUTE, "from_at"),
    ],
)
def test_a_time_that_cannot_be_one_is_refused(
    cast: Cast, start: datetime, end: datetime, field: str
) -> None:
    away(cast.amina, None)
    with pytest.raises(Refused) as refused:
        away(cast.amina, None, start=start, end=end)
    assert refused.value.field == field
    assert Absence.objects.count() == 1


def test_one_begins_where_the_last_one_ends(cast: Cast) -> None:
    away(cast.amina, None, end=START + DAY)
    away(cast.amina, None, start=START + DAY, end=START + 2 * DAY)
    assert Absence.objects.count() == 2


def test_a_circle_of_deputies_is_refused_when_their_times_meet(cast: Cast) -> None:
    noor, lars = colleague(cast, "noor"), colleague(cast, "lars")
    away(cast.amina, noor)
    away(noor, lars, start=START + 6 * DAY, end=START + 9 * DAY)
    with pytest.raises(Refused, match="back to where it began") as refused:
        away(lars, cast.amina, start=START + 6 * DAY, end=START + 8 * DAY)
    assert refused.value.field == "deputy"
    away(lars, cast.amina, start=START + 7 * DAY, end=START + 8 * DAY)


def test_one_that_has_begun_counts_from_when_it_is_written_down(cast: Cast) -> None:
    noor = colleague(cast, "noor")
    row = away(cast.amina, noor, start=START - DAY)
    assert row.from_at == START
    assert absences.covered_by(noor.pk, at=START - MINUTE) == set()
    with pytest.raises(IntegrityError), transaction.atomic():
        Absence.objects.filter(pk=row.pk).update(from_at=START - DAY)


def test_it_is_ended_once_and_everything_comes_back_at_once(cast: Cast) -> None:
    noor = colleague(cast, "noor")
    row = away(cast.amina, noor)
    back = START + DAY
    assert absences.end(absence=row, by=person(cast.chloe), at=back)
    assert not absences.end(absence=row, by=person(cast.amina), at=back + HOUR)
    assert absences.stand_in(cast.amina, at=back) == cast.amina
    assert absences.stand_in(cast.amina, at=back - MINUTE) == noor  # as it was
    row.refresh_from_db()
    assert (row.ended_at, row.ended_by) == (back, f"user:{cast.chloe.pk}")
    told = AuditEntry.objects.filter(subject=f"user:{cast.amina.pk}").order_by("pk")
    assert [entry.action for entry in told] == ["absence_recorded", "absence_ended"]


def test_one_that_is_over_is_not_ended(cast: Cast) -> None:
    row = away(cast.amina, None)
    assert not absences.end(absence=row, by=SYSTEM, at=row.until_at)


def test_one_that_never_began_never_stands(cast: Cast) -> None:
    row = away(cast.amina, None, start=START + DAY)
    absences.end(absence=row, by=SYSTEM, at=START + HOUR)
    assert not absences.standing(at=START + 2 * DAY).exists()
    away(cast.amina, None, start=START + DAY)  # and its time is free again


def test_a_supervisor_plans_for_the_team_everybody_for_themselves(cast: Cast) -> None:
    assert list(absences.people(cast.chloe)) == [cast.amina, cast.chloe]
    for somebody in (cast.amina, cast.dirk, cast.eva):
        assert list(absences.people(somebody)) == [somebody]
    noor = colleague(cast, "noor")
    row = away(cast.amina, noor)
    for reader, rows in ((cast.amina, [row]), (noor, [row]), (cast.chloe, [row]), (cast.bram, [])):
        assert list(absences.listed(user=reader, at=START)) == rows
    assert not absences.listed(user=cast.chloe, at=row.until_at).exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_that_are_written_at_once_one_is_refused(cast: Cast) -> None:
    def write() -> str:
        try:
            away(cast.amina, None)
        except Refused as refusal:
            return refusal.field
        return "written"

    threads = [Thread(write) for _ in range(2)]
    assert sorted(thread.answer() for thread in threads) == ["from_at", "written"]
