"""Two presses in the same instant, and a press beside a call that is just being made."""

from __future__ import annotations

import pytest
from django.db import transaction

from crm.models import Attempt
from followups import answering, conversations, wishing
from followups.models import Promise
from offers.models import Answer, Delivery, Evidence
from tests.cast import HOUR, START, Cast, Relay, call_of, person
from tests.followups.scenes import accepted
from tests.followups.test_answering import form, visit_of
from tests.races import Thread, until_somebody_waits

pytestmark = pytest.mark.django_db(transaction=True)
NOW = START + HOUR


def test_two_presses_at_once_accept_once(cast: Cast, relay: Relay) -> None:
    visit, same = visit_of(accepted(cast, relay)), form()
    with transaction.atomic():
        first = answering.accept(visit, form=same, at=NOW)
        thread = Thread(lambda: answering.accept(visit, form=same, at=NOW))
        until_somebody_waits(thread)
    assert (first.key, thread.answer().key) == ("accepted", "accepted")
    assert Answer.objects.count() == 1
    assert Evidence.objects.filter(source="page").count() == 1
    assert Delivery.objects.filter(why="confirmation").count() == 1
    assert Attempt.objects.filter(source="page").count() == 1


def test_the_same_question_twice_at_once_is_promised_once(cast: Cast, relay: Relay) -> None:
    visit, same = visit_of(accepted(cast, relay)), form()
    with transaction.atomic():
        first = answering.ask(visit, form=same, words="Why?", at=NOW)
        thread = Thread(lambda: answering.ask(visit, form=same, words="Why?", at=NOW))
        until_somebody_waits(thread)
    assert thread.answer() == first
    assert Promise.objects.filter(kind="written_answer").count() == 1


def test_a_call_that_is_moved_while_it_is_made_is_settled_once(cast: Cast, relay: Relay) -> None:
    """Whoever is first wins; the promise is either kept or replaced, never both."""
    visit = visit_of(accepted(cast, relay))
    first, second = wishing.slots(visit, at=NOW)[:2]
    wishing.call_me(visit, form=form(), slot=first, at=NOW)
    with transaction.atomic():
        call = call_of(cast.amina, cast.dupont, at=first)
        conversations.record(call=call, by=person(cast.amina), at=first)
        thread = Thread(lambda: wishing.call_me(visit, form=form(), slot=second, at=NOW))
        until_somebody_waits(thread)
    assert thread.answer().done
    kept, new = Promise.objects.filter(kind="callback").order_by("pk")
    assert (kept.status, new.status, new.replaces) == ("kept", "open", None)
