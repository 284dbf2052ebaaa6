"""A customer waits for one call-back of a campaign at a time: another is refused, or moves it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from crm.models import Campaign, Team
from followups import callbacks, conversations
from followups.models import Item, Promise
from followups.terms import Refused, Terms
from tests.cast import DAY, HOUR, MINUTE, START, Cast, call_of, person
from tests.followups.scenes import causes, fresh
from tests.followups.test_callbacks import SLOT, asked

pytestmark = pytest.mark.django_db
LATER = SLOT + DAY


def again(
    cast: Cast, *, at: datetime = START + HOUR, slot: datetime = LATER, moves: bool = False,
    **call: Any,
) -> Promise:  # fmt: skip
    """Chloé promises the same customer another call, in another call."""
    terms = Terms(kind="callback", words="We call.", plan=(), due_at=slot, moves=moves)
    spoken = call_of(cast.chloe, cast.dupont, at=at, **call)
    told = conversations.record(call=spoken, terms=[terms], by=person(cast.chloe), at=at)
    return told.promises[0]


def test_another_one_is_refused_and_the_standing_one_is_named(cast: Cast) -> None:
    promise = asked(cast)
    with pytest.raises(Refused) as refusal:
        again(cast)
    assert refusal.value.field == "promises.0.move"
    assert str(refusal.value) == (
        f"A call-back is promised already: {promise.reference}, Tuesday 14:00, by Amina."
        " Move that one, or leave it as it is."
    )
    assert Promise.objects.count() == 1


def test_for_another_campaign_another_one_may_be_promised(cast: Cast) -> None:
    asked(cast)
    other = again(cast, campaign=cast.sales)
    assert other.campaign == cast.sales
    with pytest.raises(Refused, match=other.reference):
        again(cast, at=START + 2 * HOUR, campaign=cast.sales)
    loyalty = Campaign.objects.create(slug="loyalty", name="Loyalty")
    assert again(cast, at=START + 3 * HOUR, campaign=loyalty)
    assert Promise.objects.open().count() == 3


def test_it_is_moved_with_its_items_and_its_campaign(cast: Cast) -> None:
    promise = asked(cast)
    item = callbacks.items.open_for(
        promise=promise, kind=Item.Kind.CONFLICT, delivery=None, by=person(cast.amina), at=START
    )
    made = again(cast, moves=True)
    assert fresh(promise).status == "replaced"
    assert (made.replaces, made.owner, made.due_at, made.status) == (
        promise,
        cast.chloe,
        LATER,
        "open",
    )
    assert causes(made) == ["made", "renegotiated"]
    item.refresh_from_db()
    assert item.closed_cause == "replaced"


def test_moving_takes_the_one_of_another_campaign_when_there_is_none_of_this(cast: Cast) -> None:
    promise = asked(cast)
    made = again(cast, moves=True, campaign=cast.sales)
    assert (made.replaces, made.campaign) == (promise, None)
    assert list(Promise.objects.open()) == [made]


def test_one_of_another_team_and_campaign_is_not_moved(cast: Cast) -> None:
    promise = asked(cast, campaign="other")
    ghent = Team.objects.create(slug="ghent", name="Ghent", calendar=cast.liege.calendar)
    Promise.objects.filter(pk=promise.pk).update(team=ghent, owner=cast.dirk)
    made = again(cast, moves=True, campaign=cast.sales)
    assert made.replaces is None
    assert fresh(promise).status == "open"


def test_one_that_was_late_stays_broken_in_the_figures_when_it_is_moved(cast: Cast) -> None:
    promise = asked(cast)
    at = SLOT + 2 * HOUR
    made = again(cast, at=at, slot=at + DAY, moves=True, answered_at=None, result="voicemail")
    assert made.replaces == promise
    assert fresh(promise).broken_at == at


def test_once_it_is_kept_another_may_be_promised(cast: Cast) -> None:
    asked(cast)
    call = call_of(cast.amina, cast.dupont, at=SLOT)
    conversations.record(call=call, by=person(cast.amina), at=SLOT + MINUTE)
    assert again(cast, at=SLOT + HOUR, slot=SLOT + 2 * DAY)


def test_the_database_holds_it_whatever_the_code_does(cast: Cast) -> None:
    promise = asked(cast)
    row = Promise.objects.filter(pk=promise.pk).values().get()
    row |= {"id": None, "reference": "P-222222"}
    with pytest.raises(IntegrityError, match="one_open_call_back"), transaction.atomic():
        Promise.objects.create(**row)


def test_the_same_call_told_twice_promises_it_once(cast: Cast) -> None:
    facts: dict[str, Any] = {"external_id": "one"}
    made = again(cast, **facts)
    terms = Terms(kind="callback", words="We call.", plan=(), due_at=LATER)
    call = call_of(cast.chloe, cast.dupont, at=START + HOUR, **facts)
    told = conversations.record(call=call, terms=[terms], by=person(cast.chloe), at=START + HOUR)
    assert told.promises == ()
    assert list(Promise.objects.open()) == [made]
