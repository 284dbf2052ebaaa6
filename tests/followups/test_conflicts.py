"""J11: a call was promised to somebody who then wants none. A person decides; nothing is lost."""

from __future__ import annotations

import pytest

from crm import suppressions
from crm.models import Disposition
from followups import conflicts, conversations, reconcile, writing
from followups.models import Item, Notice, Promise
from followups.terms import NotOpen
from tests.cast import DAY, HOUR, START, SYSTEM, Cast, call_of, person
from tests.followups.lists import NOW, owed_a_call
from tests.followups.test_gate_limits import asked

Kind = Item.Kind


def refused(cast: Cast, code: str = "refused_contact") -> Item:
    """They say "never call me", and the call-back that they were promised is an item at once."""
    owed_a_call(cast, cast.dupont)
    said = Disposition.objects.get(pk=code)
    call = call_of(cast.amina, cast.dupont, at=START + HOUR, disposition=said, result="answered")
    conversations.record(call=call, by=person(cast.amina), at=START + HOUR)
    return Item.objects.get(kind=Kind.CONFLICT)


@pytest.mark.parametrize("code", ["refused_contact", "deceased"])
def test_the_promise_stays_open_the_gate_shuts_and_its_owner_is_told(cast: Cast, code: str) -> None:
    item = refused(cast, code)
    promise = Promise.objects.get()
    assert (promise.status, item.promise, item.owner) == ("open", promise, promise.owner)
    denied = asked(None, at=NOW, purpose="callback", reference=promise.reference)
    assert not denied.allow
    assert Notice.objects.filter(item=item, kind="item_conflict", user=item.owner).exists()


def test_a_letter_may_take_the_place_of_the_call(cast: Cast) -> None:
    item = refused(cast)
    made = conflicts.write_instead(item=item, by=person(cast.amina), at=START + 2 * HOUR)
    before = Promise.objects.exclude(pk=made.pk).get()
    assert (before.status, made.kind, made.plan) == ("replaced", "written_answer", ["post"])
    assert made.text.words == "Nous vous répondrons par écrit au lieu de vous appeler."
    item.refresh_from_db()
    assert (item.closed_cause, item.closed_by) == ("written", person(cast.amina).code)
    assert Item.objects.filter(promise=made, kind=Kind.ANSWER_TO_WRITE, closed_at=None).exists()
    assert writing.question(made) == "", "they asked for a call"
    writing.answer_with(promise=made, text="Le prix reste.", by=SYSTEM, at=START + 2 * HOUR)
    made.refresh_from_db()
    assert made.document and made.document.title == "Notre réponse par écrit"
    with pytest.raises(NotOpen):
        conflicts.let_go(item=item, by=SYSTEM, at=START + 3 * HOUR)


def test_or_nothing_at_all_with_its_reason_on_record(cast: Cast) -> None:
    item = refused(cast)
    conflicts.let_go(item=item, by=person(cast.amina), at=START + 2 * HOUR)
    promise = Promise.objects.get()
    assert promise.status == "withdrawn"
    assert promise.events.latest("pk").data["reason"] == "never_call"
    assert not Item.objects.filter(closed_at=None).exists()


def test_a_wish_that_an_import_brought_is_found_once(cast: Cast) -> None:
    owed_a_call(cast, cast.dupont)
    suppressions.add(
        customer=cast.dupont, kind="dnc_company", origin="import", by=SYSTEM, at=START + HOUR
    )
    reconcile.run(at=START + 2 * HOUR)
    reconcile.run(at=START + DAY)
    assert Item.objects.filter(kind=Kind.CONFLICT).count() == 1
