"""Everything open of one person goes to another, once, with a reason, or not at all."""

from __future__ import annotations

import pytest

from crm.models import AuditEntry, User
from followups import handovers
from followups.handovers import Reason
from followups.models import HandOver, Item, Notice, Promise
from followups.terms import Refused
from offers import sending
from tests.cast import HOUR, NO_SUCH_USER, START, Cast, Clock, Relay, person
from tests.crm.test_absences import colleague
from tests.followups.scenes import Kind, causes, fresh, promised, report
from tests.followups.test_callbacks import asked

LATER = START + HOUR
WHY = Reason("left", "She leaves us at the end of the week.")


def handed(cast: Cast, to: User, reason: Reason = WHY) -> HandOver:
    return handovers.hand_over(
        owner=cast.amina, to=to, reason=reason, by=person(cast.chloe), at=LATER
    )


def test_promises_call_backs_and_items_go_along_and_what_is_kept_stays(
    cast: Cast, relay: Relay
) -> None:
    relay.script = [NO_SUCH_USER]
    broken, callback = promised(cast), asked(cast)
    sending.send_due(clock=Clock(START))
    kept = promised(cast)
    report(kept, Kind.CONFIRMED, at=START)
    noor = colleague(cast, "noor")
    due = broken.due_at
    done = handed(cast, noor)
    assert (done.promises, done.items, done.reason, done.by) == (
        2,
        Item.objects.filter(closed_at=None).count(),
        "left",
        f"user:{cast.chloe.pk}",
    )
    assert {row.owner for row in Promise.objects.open()} == {noor}
    assert {row.owner for row in Item.objects.filter(closed_at=None)} == {noor}
    assert (fresh(broken).due_at, fresh(kept).owner) == (due, cast.amina)
    for promise in (broken, callback):
        event = promise.events.get(cause="reassigned")
        assert event.data == {"reason": "left", "before": cast.amina.pk, "owner": noor.pk}
    assert "reassigned" not in causes(kept)
    assert Notice.objects.filter(user=noor, kind="reassigned").count() == 2
    entry = AuditEntry.objects.get(action="handed_over")
    assert (entry.subject, entry.data) == (f"user:{cast.amina.pk}", {"to": noor.pk})


def test_also_of_somebody_who_has_left(cast: Cast) -> None:
    promise = promised(cast)
    User.objects.filter(pk=cast.amina.pk).update(is_active=False)
    cast.amina.refresh_from_db()
    (load,) = handovers.loads(cast.chloe)
    assert (load.owner, load.promises, load.items) == (cast.amina, 1, 0)
    handed(cast, cast.chloe)
    assert fresh(promise).owner == cast.chloe
    assert handovers.loads(cast.bram) == []


@pytest.mark.parametrize(
    ("who", "words", "field"),
    [
        ("amina", WHY.words, "to"),
        ("bram", WHY.words, "to"),
        ("dirk", WHY.words, "to"),
        ("chloe", "She leaves us.", "words"),
        ("chloe", "x" * 501, "words"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_moves(
    cast: Cast, who: str, words: str, field: str
) -> None:
    promise = promised(cast)
    with pytest.raises(Refused) as refused:
        handed(cast, getattr(cast, who), Reason("left", words))
    assert refused.value.field == field
    assert fresh(promise).owner == cast.amina
    assert not HandOver.objects.exists()


def test_who_has_nothing_open_hands_nothing_over(cast: Cast) -> None:
    with pytest.raises(Refused) as refused:
        handed(cast, cast.chloe)
    assert refused.value.field == "owner"
