"""Notices: one message to one person with everything that waits for them."""

from __future__ import annotations

from datetime import datetime

import pytest

from crm.models import User
from followups import escalation, notice_words, notices
from followups.models import Notice, Promise
from offers.channels.smtp import Outcome
from tests.cast import DAY, HOUR, MINUTE, START, Cast, Clock, brussels
from tests.followups.post import BUSY, DOWN, TAKEN, Post, text
from tests.followups.scenes import promised
from tests.followups.test_callbacks import asked

EVENING, MORNING = brussels("2026-03-02 21:10"), brussels("2026-03-03 09:00")


def tell(cast: Cast, *users: User, kind: str = "lateness_owner") -> None:
    promise = promised(cast)
    for user in users:
        notices.tell(user=user, kind=kind, promise=promise, at=START)


def states() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("status", flat=True))


def test_everything_that_waits_for_a_person_is_one_message(cast: Cast, post: Post) -> None:
    for _ in range(3):
        tell(cast, cast.amina)
    tell(cast, cast.chloe)
    assert notices.send_due(clock=Clock()) == 4
    assert len(post.mails) == 2 and post.to("chloe")
    (mail,) = post.to("amina")
    assert mail["Subject"] == "3 notices wait for you"
    assert text(mail).count("P-") == 3
    assert states() == ["sent"] * 4
    assert notices.send_due(clock=Clock(START + DAY)) == 0


def test_a_notice_names_no_customer_but_by_reference(cast: Cast, post: Post) -> None:
    tell(cast, cast.amina)
    notices.send_due(clock=Clock())
    words = post.mails[0]["Subject"] + text(post.mails[0])
    assert cast.dupont.reference in words
    assert "Dupont" not in words and "mail.example" not in words


def test_each_reads_in_their_own_language(cast: Cast, post: Post) -> None:
    User.objects.filter(pk=cast.amina.pk).update(language="fr")
    tell(cast, User.objects.get(pk=cast.amina.pk))
    assert notices.send_due(clock=Clock()) == 1
    assert "Ouvrir Kept" in text(post.mails[0])


def test_somebody_without_an_address_is_told_on_screen(cast: Cast, post: Post) -> None:
    cast.amina.email = ""
    cast.amina.save()
    tell(cast, cast.amina)
    assert notices.send_due(clock=Clock()) == 0
    assert states() == ["sent"] and post.mails == []
    assert notices.read(user=cast.amina, at=START) == 1
    assert notices.read(user=cast.amina, at=START) == 0


def test_a_busy_server_is_asked_again_and_the_notice_waits(cast: Cast, post: Post) -> None:
    post.outcome = BUSY
    tell(cast, cast.amina)
    clock = Clock()
    assert notices.send_due(clock=clock) == 0
    assert states() == ["queued"]
    assert notices.send_due(clock=clock) == 0
    post.outcome = TAKEN
    clock.turn(MINUTE)
    assert notices.send_due(clock=clock) == 1


def test_a_refusal_is_final(cast: Cast, post: Post) -> None:
    post.outcome = Outcome("failed", 550, None, "", "rcpt")
    tell(cast, cast.amina)
    notices.send_due(clock=Clock())
    assert states() == ["failed"]


def test_told_perhaps_is_better_than_told_twice(cast: Cast, post: Post) -> None:
    post.outcome = Outcome("unknown", None, None, "", "verdict")
    tell(cast, cast.amina)
    assert notices.send_due(clock=Clock()) == 1
    assert notices.send_due(clock=Clock(START + DAY)) == 0


def test_an_address_that_is_none_does_not_silence_the_others(cast: Cast, post: Post) -> None:
    User.objects.filter(pk=cast.amina.pk).update(email="no address at all")
    tell(cast, User.objects.get(pk=cast.amina.pk), cast.chloe)
    assert notices.send_due(clock=Clock()) == 1
    assert post.to("chloe") == post.mails
    assert states() == ["queued", "sent"]


def test_a_worker_that_died_leaves_its_notices_to_the_next(cast: Cast, post: Post) -> None:
    tell(cast, cast.amina)
    notices._claim(cast.amina.pk, START)
    assert notices.send_due(clock=Clock(START + MINUTE)) == 0
    assert notices.send_due(clock=Clock(START + notices.LEASE)) == 1


@pytest.mark.parametrize("kind", [*notice_words.SENTENCES, "poison", "something new"])
def test_every_notice_has_a_sentence(cast: Cast, kind: str) -> None:
    tell(cast, cast.amina, kind=kind.replace(" ", "_"))
    words = notice_words.sentence(Notice.objects.select_related("promise").get())
    assert "%(" not in words and words.endswith(".")


def told(user: User, kind: str, at: datetime) -> datetime | None:
    """When its mail is due."""
    notice = notices.tell(user=user, kind=kind, at=at)
    assert notice
    return notice.next_try_at


def test_in_quiet_hours_it_waits_until_the_team_is_at_work(cast: Cast, post: Post) -> None:
    assert told(cast.amina, "lateness_supervisor", EVENING) == MORNING
    assert notices.send_due(clock=Clock(MORNING - MINUTE)) == 0
    assert notices.send_due(clock=Clock(MORNING)) == 1


def test_what_is_told_before_a_weekend_with_a_holiday_waits_until_after_both(cast: Cast) -> None:
    good_friday, after_easter = brussels("2026-04-03 17:30"), brussels("2026-04-07 09:00")
    assert told(cast.amina, "lateness_supervisor", good_friday) == after_easter


def test_the_hours_of_a_team_are_its_own(cast: Cast) -> None:
    late = {**cast.gent.calendar, "hours": {"0": [["12:00", "22:00"]]}}
    cast.gent.calendar = late
    cast.gent.save()
    bram = User.objects.select_related("team").get(pk=cast.bram.pk)
    assert told(bram, "lateness_supervisor", EVENING) == EVENING


def test_somebody_of_no_team_keeps_the_hours_of_the_house(cast: Cast) -> None:
    assert told(cast.eva, "item_left", EVENING) == MORNING


def test_a_calendar_that_never_opens_again_silences_nobody(cast: Cast) -> None:
    cast.liege.calendar = {**cast.liege.calendar, "hours": {}}
    cast.liege.save()
    amina = User.objects.get(pk=cast.amina.pk)
    assert told(amina, "lateness_supervisor", EVENING) == EVENING


@pytest.mark.parametrize("kind", notices.AT_ONCE)
def test_what_somebody_waits_for_now_is_mailed_at_night(cast: Cast, kind: str) -> None:
    assert told(cast.amina, kind, EVENING) == EVENING


def test_operations_are_told_at_any_hour(cast: Cast) -> None:
    assert told(cast.dirk, "item_left", EVENING) == EVENING


def test_a_promised_call_that_is_near_is_told_at_any_hour_and_a_document_is_not(
    cast: Cast,
) -> None:
    facts = {"user": cast.amina, "kind": "lateness_owner", "at": EVENING}
    assert notices.when(**facts, promise=asked(cast)) == EVENING
    assert notices.when(**facts, promise=promised(cast)) == MORNING


def test_when_many_are_told_their_team_is_looked_up_once(
    cast: Cast, django_assert_num_queries: object
) -> None:
    amina = User.objects.get(pk=cast.amina.pk)
    with django_assert_num_queries(1):  # type: ignore[operator]
        for _ in range(100):
            notices.when(user=amina, kind="lateness_supervisor", at=EVENING)


def test_a_night_of_notices_is_one_mail_in_the_morning(cast: Cast, post: Post) -> None:
    for number in range(3):
        told(cast.chloe, "item_left", EVENING + number * HOUR)
    told(cast.chloe, "override_asked", EVENING + 4 * HOUR)
    assert notices.send_due(clock=Clock(EVENING + 4 * HOUR)) == 1
    assert notices.send_due(clock=Clock(MORNING)) == 3
    assert [mail["Subject"] for mail in post.mails[1:]] == ["3 notices wait for you"]


def test_after_an_outage_three_hundred_notices_are_one_mail(cast: Cast, post: Post) -> None:
    post.outcome, clock = DOWN, Clock()
    for _ in range(300):
        told(cast.amina, "lateness_supervisor", clock())
        told(cast.chloe, "lateness_supervisor", clock())
        notices.send_due(clock=clock)
        clock.turn(MINUTE)
    assert set(states()) == {"queued"}
    assert post.asked < 100  # the server is not asked anew for each notice
    post.outcome = TAKEN
    sent = 0
    for _ in range(15):
        sent += notices.send_due(clock=clock)
        clock.turn(MINUTE)
    assert sent == 600 and set(states()) == {"sent"}
    assert [len(post.to(name)) for name in ("amina", "chloe")] == [1, 1]
    assert post.to("amina")[0]["Subject"] == "300 notices wait for you"


def test_a_server_that_is_silent_is_not_asked_for_the_next_person(cast: Cast, post: Post) -> None:
    post.outcome = DOWN
    tell(cast, cast.amina, cast.chloe)
    notices.send_due(clock=Clock())
    assert post.asked == 1
    notices.send_due(clock=Clock())
    assert post.asked == 2


def test_after_a_day_of_trying_the_bell_alone_has_it(cast: Cast, post: Post) -> None:
    post.outcome, clock = DOWN, Clock()
    tell(cast, cast.amina)
    while states() == ["queued"]:
        notices.send_due(clock=clock)
        clock.turn(MINUTE)
    assert states() == ["failed"]
    assert 23 * HOUR < clock() - START < 25 * HOUR
    assert notices.read(user=cast.amina, at=clock()) == 1


def test_a_batch_of_rungs_keeps_quiet_hours_too_but_not_about_a_promised_call(cast: Cast) -> None:
    late = {promised(cast): MORNING, asked(cast): EVENING}
    Promise.objects.update(next_rung_at=EVENING)
    escalation.climb(at=EVENING)
    for promise, due in late.items():
        assert Notice.objects.get(promise=promise, escalation__rung=0).next_try_at == due
