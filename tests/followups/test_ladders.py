"""Ladders as versions: made whole, activated by somebody, chosen by a team, kept by promises."""

from __future__ import annotations

import importlib
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from crm.models import AuditEntry
from followups import ladder, ladders
from followups.ladder import BrokenLadder, Ladder, Role, Rung
from followups.ladders import Overtaken, Refused
from followups.models import LadderChoice, LadderVersion
from tests.cast import DAY, HOUR, START, SYSTEM, Cast, call_and_promise, person
from tests.followups.drawn import SWIFT, TODAY, WHY, activated, drawn, in_the_house
from tests.followups.scenes import fresh, promised


@pytest.fixture(autouse=True)
def seeded(db: None) -> None:
    in_the_house()


def climbed_by(cast: Cast, at: datetime = START) -> str:
    steps = ladders.for_team(cast.liege, at=at)
    return f"{steps.name}@{steps.version}"


def test_version_one_is_the_ladder_of_the_release() -> None:
    migration = importlib.import_module("followups.migrations.0019_default_ladder")
    assert ladder.DEFAULT.to_dict() == migration.DEFAULT
    row = LadderVersion.objects.get(name="default", version=1)
    assert Ladder.from_dict(row.ladder) == ladder.DEFAULT


def test_a_promise_climbs_the_ladder_in_force_and_earlier_ones_keep_theirs(cast: Cast) -> None:
    before = promised(cast)
    activated(cast)
    after = call_and_promise(cast.amina, cast.dupont, at=START + HOUR)
    assert (after.ladder["name"], after.ladder["version"]) == ("default", 2)
    assert Ladder.from_dict(after.ladder).lateness == SWIFT["lateness"]
    assert after.rungs[1:] == [after.due_at]
    kept = fresh(before)
    assert (kept.ladder, kept.rungs) == (ladder.DEFAULT.to_dict(), before.rungs)


def test_a_version_that_nobody_activated_is_climbed_by_nobody(cast: Cast) -> None:
    drawn(cast)
    assert climbed_by(cast, START + 9 * DAY) == "default@1"


def test_it_is_climbed_from_its_day_on(cast: Cast) -> None:
    activated(cast, effective_from=date(2026, 3, 4))
    assert climbed_by(cast, START + DAY) == "default@1"
    assert climbed_by(cast, START + 2 * DAY) == "default@2"


def test_of_two_for_one_day_the_one_activated_later_is_in_force(cast: Cast) -> None:
    activated(cast)
    activated(cast, at=START + HOUR, item=Rung(Role.SUPERVISOR, days=2))
    assert climbed_by(cast, START) == "default@2"
    assert climbed_by(cast, START + HOUR) == "default@3"


def test_a_team_climbs_the_ladder_that_was_chosen_for_it_and_the_others_the_default(
    cast: Cast,
) -> None:
    activated(cast, name="swift")
    ladders.choose(team=cast.liege, name="swift", reason=WHY, by=person(cast.dirk), at=START)
    assert promised(cast).ladder["name"] == "swift"
    assert ladders.for_team(cast.gent, at=START).name == "default"
    assert ladders.names_by_team(at=START) == {cast.liege.pk: "swift"}
    assert climbed_by(cast, START - HOUR) == "default@1"
    at = START + HOUR
    ladders.choose(team=cast.liege, name="default", reason=WHY, by=person(cast.dirk), at=at)
    assert climbed_by(cast, at) == "default@1"
    assert LadderChoice.objects.count() == 2


def test_which_ladder_is_asked_in_one_query(cast: Cast, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        ladders.for_team(cast.liege, at=START)


def test_in_a_house_without_any_version_a_promise_is_made_all_the_same(cast: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE followups_ladderversion")
    assert promised(cast).ladder == ladder.DEFAULT.to_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"ladder": {}},
        {"version": 9},
        {"made_by": "user:1"},
    ],
)
def test_what_was_made_never_changes(cast: Cast, change: dict[str, Any]) -> None:
    row = drawn(cast)
    with pytest.raises(ProgrammingError, match="what was made stands"), transaction.atomic():
        LadderVersion.objects.filter(pk=row.pk).update(**change)


def test_what_was_activated_is_neither_changed_nor_deleted(cast: Cast) -> None:
    row = activated(cast)
    rows = LadderVersion.objects.filter(pk=row.pk)
    for act in (lambda: rows.update(reason="another"), rows.delete):
        with pytest.raises(ProgrammingError, match="what was made stands"), transaction.atomic():
            act()


def test_the_database_refuses_the_same_version_twice(cast: Cast) -> None:
    row = drawn(cast)
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_a_ladder_is_activated_once_and_by_a_person(cast: Cast) -> None:
    row = drawn(cast)
    facts = {"version": row, "effective_from": TODAY, "reason": WHY, "at": START}
    with pytest.raises(Refused, match="by name"):
        ladders.activate(**facts, seen="default@1", by=SYSTEM)
    ladders.activate(**facts, seen="default@1", by=person(cast.dirk))
    with pytest.raises(Overtaken):
        ladders.activate(**facts, seen="default@2", by=person(cast.eva))
    row.refresh_from_db()
    assert (row.activated_by, row.reason) == (person(cast.dirk).code, WHY)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"effective_from": date(2026, 3, 1)}, "effective_from"), ({"reason": " short "}, "reason")],
)
def test_an_activation_says_from_when_and_why(
    cast: Cast, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(Refused) as refusal:
        activated(cast, **wrong)
    assert refusal.value.field == field
    assert climbed_by(cast) == "default@1"


def test_who_read_another_version_in_force_reads_again(cast: Cast) -> None:
    other = drawn(cast, item=Rung(Role.SUPERVISOR, days=2))
    activated(cast)
    with pytest.raises(Overtaken):
        ladders.activate(
            version=other,
            seen="default@1",
            effective_from=TODAY,
            reason=WHY,
            by=person(cast.dirk),
            at=START,
        )


def test_a_dropped_version_is_gone_and_its_number_with_it(cast: Cast) -> None:
    row, by = drawn(cast), person(cast.dirk)
    assert ladders.drop(version=row, by=by, at=START)
    assert not ladders.drop(version=row, by=by, at=START)
    assert drawn(cast).version == 3
    assert not ladders.drop(version=activated(cast), by=by, at=START)


def test_the_same_rungs_are_no_new_version_but_may_be_another_ladder(cast: Cast) -> None:
    same = {t: getattr(ladder.DEFAULT, t) for t in ("lateness", "proof", "item")}
    with pytest.raises(Refused, match="Nothing differs"):
        drawn(cast, **same)
    assert str(drawn(cast, name="evenings", **same)) == "evenings@1"


@pytest.mark.parametrize("name", ["", "x", "Large", "a b", "a" * 21, "1st"])
def test_a_ladder_has_a_name_that_can_stand_in_an_address(cast: Cast, name: str) -> None:
    with pytest.raises(Refused) as refusal:
        drawn(cast, name=name)
    assert refusal.value.field == "name"


@pytest.mark.parametrize(
    ("wrong", "track", "rung"),
    [
        ({"lateness": ()}, "lateness", None),
        ({"lateness": (*SWIFT["lateness"], SWIFT["lateness"][1])}, "lateness", 2),
        ({"lateness": SWIFT["lateness"][::-1]}, "lateness", 1),
        ({"proof": [Rung(Role.OWNER, days=n) for n in range(13)]}, "proof", 12),
        ({"item": replace(ladder.DEFAULT.item, role=Role.OWNER)}, "item", 0),
    ],
)
def test_a_broken_ladder_says_which_rung(
    cast: Cast, wrong: dict[str, Any], track: str, rung: int | None
) -> None:
    with pytest.raises(BrokenLadder) as broken:
        drawn(cast, **wrong)
    assert (broken.value.track, broken.value.rung) == (track, rung)
    assert LadderVersion.objects.count() == 1


@pytest.mark.parametrize("name", ["nowhere", "default"])
def test_a_team_is_given_no_ladder_that_is_not_in_force_nor_its_own(cast: Cast, name: str) -> None:
    with pytest.raises(Refused) as refusal:
        ladders.choose(team=cast.liege, name=name, reason=WHY, by=person(cast.dirk), at=START)
    assert refusal.value.field == "name"
    assert not LadderChoice.objects.exists()


def test_every_act_is_in_the_audit(cast: Cast) -> None:
    activated(cast, name="swift")
    ladders.drop(version=drawn(cast), by=person(cast.eva), at=START)
    ladders.choose(team=cast.liege, name="swift", reason=WHY, by=person(cast.dirk), at=START)
    found = list(AuditEntry.objects.order_by("pk").values_list("action", "subject"))
    assert found == [
        ("ladder_made", "ladder:swift@1"),
        ("ladder_activated", "ladder:swift@1"),
        ("ladder_made", "ladder:default@2"),
        ("ladder_dropped", "ladder:default@2"),
        ("ladder_chosen", f"team:{cast.liege.pk}"),
    ]
