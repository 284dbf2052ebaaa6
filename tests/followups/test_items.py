"""Items: something for a named person, once, and for the supervisor when it is left."""

from __future__ import annotations

import pytest

from crm import absences, people
from crm.models import Team, User
from followups import items
from followups.models import Item, Notice, Promise
from tests.cast import DAY, HOUR, MINUTE, START, SYSTEM, Cast, brussels, delivery_of, person
from tests.followups.scenes import promised


def opened(promise: Promise, kind: str = "address_to_fix") -> Item:
    return items.open_for(
        promise=promise, kind=kind, delivery=delivery_of(promise), by=SYSTEM, at=START
    )


def test_the_same_thing_still_open_is_not_doubled(cast: Cast) -> None:
    promise = promised(cast)
    assert opened(promise) == opened(promise)
    assert opened(promise, "plan_exhausted") != opened(promise)
    assert Notice.objects.filter(kind="item_address_to_fix").count() == 1


def test_it_is_closed_once_with_its_cause(cast: Cast) -> None:
    item = opened(promised(cast))
    assert items.close(item=item, cause="called", by=person(cast.amina), at=START + HOUR)
    assert not items.close(item=item, cause="other", by=SYSTEM, at=START + DAY)
    item.refresh_from_db()
    assert (item.closed_cause, item.closed_by) == ("called", f"user:{cast.amina.pk}")


def test_after_closing_the_same_thing_is_a_new_item(cast: Cast) -> None:
    promise = promised(cast)
    first = opened(promise)
    items.close(item=first, cause="done", by=SYSTEM, at=START)
    assert opened(promise).pk != first.pk


def test_left_for_a_working_day_it_goes_to_the_supervisor_once(cast: Cast) -> None:
    item = opened(promised(cast))
    assert item.next_rung_at == brussels("2026-03-03 09:00")
    assert items.climb(at=item.next_rung_at - MINUTE) == 0
    assert items.climb(at=item.next_rung_at) == 1
    assert items.climb(at=item.next_rung_at + DAY) == 0
    told = Notice.objects.filter(kind="item_left").values_list("user__username", flat=True)
    assert list(told) == ["chloe"]


def left_to(item: Item) -> list[str]:
    """Who is told a working day later that it was left."""
    assert item.next_rung_at
    assert items.climb(at=item.next_rung_at) == 1
    rows = Notice.objects.filter(kind="item_left").order_by("pk")
    return list(rows.values_list("user__username", flat=True))


def away(user: User, *, deputy: User | None = None) -> None:
    absences.record(
        user=user,
        deputy=deputy,
        from_at=START,
        until_at=START + 10 * DAY,
        by=person(user),
        at=START,
    )


def test_an_absent_owners_deputy_is_told_and_the_supervisor_a_working_day_later(
    cast: Cast,
) -> None:
    noor = User.objects.create(username="noor", role=User.Role.AGENT, team=cast.liege)
    away(cast.amina, deputy=noor)
    item = opened(promised(cast))
    assert item.owner == cast.amina
    assert [notice.user for notice in Notice.objects.filter(item=item)] == [noor]
    assert left_to(item) == ["chloe"]


def test_what_an_owner_who_has_left_leaves_goes_to_the_supervisor_too(cast: Cast) -> None:
    promise = promised(cast)
    User.objects.filter(pk=cast.amina.pk).update(is_active=False)
    promise.owner.refresh_from_db()
    item = opened(promise)
    told = Notice.objects.filter(kind="item_address_to_fix").values_list(
        "user__username", flat=True
    )
    assert list(told) == ["chloe"]
    assert left_to(item) == ["chloe"]


def test_a_supervisor_who_has_gone_to_another_team_leads_here_no_more(cast: Cast) -> None:
    ghent = Team.objects.create(slug="ghent", name="Ghent", calendar=cast.liege.calendar)
    people.change(user=cast.chloe, facts={"team": ghent}, by=person(cast.dirk), at=START)
    cast.amina.refresh_from_db()
    assert cast.amina.supervisor is None and items.leads(cast.amina) == []
    cast.amina.supervisor = User.objects.get(pk=cast.chloe.pk)  # as rows from before may say
    assert items.leads(cast.amina) == []


def test_what_a_supervisor_leaves_goes_to_operations_and_not_back_to_them(cast: Cast) -> None:
    promise = promised(cast)
    Promise.objects.filter(pk=promise.pk).update(owner=cast.chloe)
    promise.refresh_from_db()
    assert left_to(opened(promise)) == ["dirk"]


def test_with_every_supervisor_away_operations_are_told(cast: Cast) -> None:
    item = opened(promised(cast))
    away(cast.chloe)
    assert left_to(item) == ["dirk"]


def test_what_is_done_bothers_no_supervisor(cast: Cast) -> None:
    item = opened(promised(cast))
    items.close(item=item, cause="done", by=SYSTEM, at=START)
    assert items.climb(at=START + 5 * DAY) == 0


def test_one_row_that_throws_delays_nobody_else(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, good = opened(promised(cast)), opened(promised(cast))
    real = items._climb_one

    def climb(pk: int, at: object) -> bool:
        if pk == poison.pk:
            raise ValueError("poison")
        return real(pk, at)  # type: ignore[arg-type]

    monkeypatch.setattr(items, "_climb_one", climb)
    assert items.climb(at=START + 2 * DAY) == 1
    good.refresh_from_db()
    poison.refresh_from_db()
    assert good.escalated_at == START + 2 * DAY
    assert poison.next_rung_at == START + 2 * DAY + HOUR
