"""After an outage of the house: one message to each person, whatever fell due meanwhile."""

from __future__ import annotations

from datetime import timedelta

from followups import escalation, items, notices
from followups.models import Escalation, Notice
from tests.cast import DAY, MINUTE, START, SYSTEM, Cast, Clock, brussels, delivery_of
from tests.followups.post import Post, text
from tests.followups.scenes import promised
from tests.followups.test_callbacks import asked

TICK = timedelta(seconds=5)
# From Monday until then no sweep ran: three of the five rungs, and the next channel, fell due.
BACK = brussels("2026-03-05 10:00")


def sweep(clock: Clock, *, minutes: int) -> None:
    """The sweeps at their intervals, the notices first: the worst order there is."""
    for tick in range(minutes * 12):
        if tick % 2 == 0:
            notices.send_due(clock=clock)
        if tick % 3 == 2:
            escalation.climb(at=clock())
        if tick % 6 == 5:
            items.climb(at=clock())
        clock.turn(TICK)


def test_three_hundred_rungs_of_three_days_are_one_mail_to_each(cast: Cast, post: Post) -> None:
    for _number in range(75):
        promised(cast)
    sweep(Clock(BACK), minutes=3)
    assert Escalation.objects.count() == 300
    assert {name: len(post.to(name)) for name in ("amina", "chloe", "dirk")} == {
        "amina": 1,
        "chloe": 1,
        "dirk": 1,
    }
    (mail,) = post.to("amina")
    # Who reads that it is late need not read that it was due soon.
    assert text(mail).count("was due on") == 10 and "due soon" not in text(mail)
    assert not Notice.objects.exclude(status="sent").exists()


def test_rungs_and_items_of_one_night_are_one_mail_too(cast: Cast, post: Post) -> None:
    promise = promised(cast)
    items.open_for(
        promise=promise,
        kind="address_to_fix",
        delivery=delivery_of(promise),
        by=SYSTEM,
        at=brussels("2026-03-03 20:00"),
    )
    for _number in range(30):
        promised(cast)
    sweep(Clock(brussels("2026-03-04 09:00")), minutes=2)
    assert len(post.to("amina")) == 1


def test_a_promised_call_does_not_wait_for_the_rest(cast: Cast, post: Post) -> None:
    promised(cast)
    call = asked(cast)
    escalation.climb(at=call.next_rung_at)
    post.mails.clear()
    notices.send_due(clock=Clock(BACK))
    assert [call.reference in text(mail) for mail in post.to("amina")] == [True]


def test_who_is_told_waits_ten_minutes_at_most_for_a_climb_that_does_not_end(
    cast: Cast, post: Post
) -> None:
    promised(cast)
    escalation.climb(at=BACK)
    promised(cast, at=START + MINUTE)  # and nobody climbs this one
    clock = Clock(BACK)
    assert notices.send_due(clock=clock) == 0
    clock.turn(notices.PATIENCE - TICK)
    assert notices.send_due(clock=clock) == 0
    clock.turn(TICK)
    assert notices.send_due(clock=clock) == 1


def test_in_a_house_that_is_not_behind_nothing_waits(cast: Cast, post: Post) -> None:
    promise = promised(cast)
    at = promise.next_rung_at
    assert at
    escalation.climb(at=at + TICK)
    promised(cast, at=START + DAY)
    assert notices.send_due(clock=Clock(at + TICK)) == 1
