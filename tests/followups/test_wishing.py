"""Quiet, a call at a time of their own, less mail: what customers wish on their page."""

from __future__ import annotations

from datetime import timedelta

from crm import preferences
from crm.models import Attempt, Suppression
from followups import wishing
from followups.models import Item, Promise
from offers.models import Answer
from tests.cast import DAY, HOUR, START, Cast, Relay
from tests.followups.scenes import accepted, causes, fresh
from tests.followups.test_answering import codes, form, visit_of

NOW = START + HOUR


def test_a_pause_holds_ninety_days_and_is_one_whatever_is_pressed(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    for day in (0, 1):
        said = wishing.pause(visit_of(promise), form=form(), at=NOW + day * DAY)
        assert said.values == {"day": (NOW + timedelta(days=90)).date()}
    row = Suppression.objects.get()
    assert (row.kind, row.origin) == ("customer_pause", "page")
    assert Answer.objects.get().kind == "paused"


def test_never_call_me_holds_for_the_whole_company(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    assert "dnc_company" not in codes(promise, at=NOW)
    assert wishing.never_call(visit_of(promise), form=form(), at=NOW).key == "never_call"
    wishing.never_call(visit_of(promise), form=form(), at=NOW)
    row = Suppression.objects.get()
    assert (row.kind, row.until_at, row.proof) == (
        "dnc_company",
        None,
        f"answer:{Answer.objects.get().pk}",
    )
    assert "dnc_company" in codes(promise, at=NOW + 400 * DAY)


def test_a_call_that_was_promised_is_not_dropped_by_a_never(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    visit = visit_of(promise)
    slot = wishing.slots(visit, at=NOW)[0]
    wishing.call_me(visit, form=form(), slot=slot, at=NOW)
    said = wishing.never_call(visit, form=form(), at=NOW)
    assert (said.key, said.values) == ("never_call_but_promised", {"at": slot})
    callback = Promise.objects.get(kind="callback")
    assert callback.status == "open"
    assert Item.objects.filter(promise=callback, kind="conflict", closed_at=None).exists()


def test_call_me_promises_a_call_in_the_slot(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    visit = visit_of(promise)
    slot = wishing.slots(visit, at=NOW)[3]
    same = form()
    for _press in range(2):
        said = wishing.call_me(visit, form=same, slot=slot, at=NOW)
        assert said.key == "call_me"
    callback = Promise.objects.get(kind="callback")
    assert (callback.due_at, callback.owner, callback.plan) == (slot, cast.amina, [])
    assert (callback.required_grade, callback.reading_hours) == (1, 0)
    assert callback.attempt.source == "page"


def test_another_slot_moves_the_call(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    visit = visit_of(promise)
    first, second = wishing.slots(visit, at=NOW)[:2]
    wishing.call_me(visit, form=form(), slot=first, at=NOW)
    wishing.call_me(visit, form=form(), slot=second, at=NOW)
    old, new = Promise.objects.filter(kind="callback").order_by("pk")
    assert (old.status, new.status, new.replaces) == ("replaced", "open", old)
    assert causes(old)[-1] == "replaced"


def test_a_slot_that_is_not_offered_is_refused(cast: Cast, relay: Relay) -> None:
    visit = visit_of(accepted(cast, relay))
    night = wishing.slots(visit, at=NOW)[0] + timedelta(hours=14)
    for slot in (None, night, NOW - DAY):
        said = wishing.call_me(visit, form=form(), slot=slot, at=NOW)
        assert (said.key, said.done) == ("slot_gone", False)
    assert not Promise.objects.filter(kind="callback").exists()
    assert not Attempt.objects.filter(source="page").exists()


def test_who_never_wants_calls_first_allows_them_again(cast: Cast, relay: Relay) -> None:
    visit = visit_of(accepted(cast, relay))
    slot = wishing.slots(visit, at=NOW)[0]
    wishing.never_call(visit, form=form(), at=NOW)
    said = wishing.call_me(visit, form=form(), slot=slot, at=NOW)
    assert (said.key, said.done) == ("call_me_but_never", False)
    wishing.choose(visit, form=form(), wanted={**wishing.wishes(visit), "calls": True}, at=NOW)
    assert wishing.call_me(visit, form=form(), slot=slot, at=NOW).done
    row = Suppression.objects.get()
    assert (row.lifted_at, row.lifted_by) == (NOW, f"customer:{cast.dupont.pk}")


def test_choices_are_kept_as_a_ledger(cast: Cast, relay: Relay) -> None:
    visit = visit_of(accepted(cast, relay))
    assert set(wishing.wishes(visit).values()) == {True}
    less = {"offers_by_mail": False, "offers_by_post": True, "calls": False}
    same = form()
    for wanted in (less, less, {**less, "offers_by_mail": True}, less):
        wishing.choose(visit, form=same, wanted=wanted, at=NOW)
    assert wishing.wishes(visit) == less
    rows = cast.dupont.preferences.order_by("pk").values_list("topic", "wanted")
    assert list(rows) == [("offers_by_mail", wanted) for wanted in (False, True, False)]
    assert Suppression.objects.get().kind == "dnc_company"


def test_one_click_leaves_marketing_and_keeps_the_promise(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    for _click in range(2):
        wishing.unsubscribe(visit_of(promise), at=NOW)
    assert preferences.standing(cast.dupont)["offers_by_mail"] is False
    assert cast.dupont.preferences.count() == 1
    assert fresh(promise).status == "open"
