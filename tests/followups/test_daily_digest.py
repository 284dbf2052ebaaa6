"""Management: one digest a day with figures and the list, and no mail for each promise."""

from __future__ import annotations

from datetime import datetime

import pytest

from crm import absences, people
from crm.models import AuditEntry, User
from followups import amending, briefing, daily_digest, notice_words, notices
from followups.models import Escalation, Notice, Promise
from tests.cast import DAY, HOUR, MINUTE, START, Cast, Clock, brussels, call_and_promise, person
from tests.followups.post import DOWN, TAKEN, Post, text
from tests.followups.scenes import promised
from tests.followups.test_amending import DIALER, spoken
from tests.followups.test_escalation import climb_until

LAST_RUNG = brussels("2026-03-06 17:30")  # of what was due on Tuesday
MONDAY, TUESDAY = brussels("2026-03-09 09:00"), brussels("2026-03-10 09:00")


@pytest.fixture
def chief(cast: Cast) -> User:
    """Eva is management."""
    assert people.name_management(users=[cast.eva], by=person(cast.dirk), at=START)
    return User.objects.get(pk=cast.eva.pk)


def mails(post: Post, at: datetime) -> list[str]:
    """What Eva finds in her mail after the sweeps of that moment."""
    daily_digest.run(at=at)
    post.mails.clear()
    notices.send_due(clock=Clock(at))
    return [text(mail) for mail in post.to("eva")]


def test_with_nobody_named_operations_are_told_promise_by_promise(cast: Cast) -> None:
    promise = promised(cast)
    climb_until(LAST_RUNG)
    told = Notice.objects.filter(kind="lateness_management").values_list("user", flat=True)
    assert list(told) == [cast.dirk.pk]
    assert daily_digest.run(at=MONDAY) == 0
    assert Escalation.objects.filter(promise=promise, role="management").exists()


def test_management_gets_one_digest_and_no_notice_for_each_promise(
    cast: Cast, chief: User, post: Post
) -> None:
    rows = [promised(cast), call_and_promise(cast.bram, cast.peeters, at=START + HOUR)]
    climb_until(LAST_RUNG)
    assert not Notice.objects.filter(kind="lateness_management").exists()
    (mail,) = mails(post, MONDAY)
    assert post.to("eva")[0]["Subject"] == "2 promises have gone up to management"
    for words in (
        "Gone up to management: 2, new since the last digest: 2",
        "Broken in all: 2",
        "Not broken in 30 days: 0.0 % of 2 that were due",
        "By team: ",
        f"{rows[1].reference} to {cast.peeters.reference}, of Bram (Gent): due on Tue 3 Mar",
        "/board/",
    ):
        assert words in mail, words
    assert "Dupont" not in mail and mail.index(rows[0].reference) < mail.index(rows[1].reference)
    assert mails(post, MONDAY + HOUR) == []
    assert len(mails(post, TUESDAY)) == 1


def test_the_climb_goes_on_although_the_digest_tells_them(cast: Cast, chief: User) -> None:
    promise = promised(cast)
    climb_until(LAST_RUNG)
    promise.refresh_from_db()
    assert (promise.next_rung_at, promise.rung) == (None, 5)
    event = promise.events.get(cause="rung_management")
    assert event.data["told"] == 1


def test_what_climbed_since_the_last_digest_is_new(cast: Cast, chief: User, post: Post) -> None:
    promised(cast)
    call_and_promise(cast.bram, cast.peeters, at=START + DAY)
    climb_until(MONDAY)
    assert "management: 1, new since the last digest: 1" in mails(post, MONDAY)[-1]
    climb_until(TUESDAY)
    assert "management: 2, new since the last digest: 1" in mails(post, TUESDAY)[-1]


def test_it_comes_in_working_time_and_not_when_nothing_stands(cast: Cast, chief: User) -> None:
    assert daily_digest.run(at=MONDAY) == 0
    promised(cast)
    climb_until(LAST_RUNG)
    for shut in (LAST_RUNG + HOUR, brussels("2026-03-07 11:00"), MONDAY - MINUTE):
        assert daily_digest.run(at=shut) == 0
    assert daily_digest.run(at=MONDAY) == 1


def test_a_hundred_promises_are_one_mail_with_the_twenty_longest_overdue(
    cast: Cast, chief: User, post: Post
) -> None:
    for _number in range(25):
        promised(cast)
    climb_until(LAST_RUNG)
    (mail,) = mails(post, MONDAY)
    assert mail.count("of Amina (Liège)") == briefing.MOST
    assert "and 5 more" in mail and "Gone up to management: 25" in mail


def test_what_is_owed_no_more_when_the_mail_leaves_is_not_in_its_list(
    cast: Cast, chief: User, post: Post
) -> None:
    gone, late = promised(cast), promised(cast)
    climb_until(LAST_RUNG)
    daily_digest.run(at=MONDAY)
    call = spoken(cast, by=DIALER)
    amending.withdraw(promise=gone, attempt=call, reason="other", by=person(cast.amina), at=MONDAY)
    notices.send_due(clock=Clock(MONDAY))
    mail = text(post.to("eva")[0])
    assert late.reference in mail and gone.reference not in mail


def test_after_days_without_a_mail_server_only_the_newest_digest_comes(
    cast: Cast, chief: User, post: Post
) -> None:
    promised(cast)
    climb_until(LAST_RUNG)
    post.outcome = DOWN
    assert mails(post, MONDAY) == []
    post.outcome = TAKEN
    assert len(mails(post, TUESDAY)) == 1
    assert set(Notice.objects.filter(kind=briefing.DIGEST).values_list("status", flat=True)) == {
        "sent"
    }


def test_of_who_is_away_the_deputy_reads_it(cast: Cast, chief: User) -> None:
    frank = User.objects.create(username="frank", role=User.Role.ADMINISTRATOR)
    absences.record(
        user=chief,
        deputy=frank,
        from_at=START,
        until_at=START + 30 * DAY,
        by=person(chief),
        at=START,
    )
    promised(cast)
    climb_until(LAST_RUNG)
    daily_digest.run(at=MONDAY)
    assert Notice.objects.get(kind=briefing.DIGEST).user == frank


def test_management_that_has_left_is_nobody(cast: Cast, chief: User) -> None:
    User.objects.filter(pk=chief.pk).update(is_active=False)
    promised(cast)
    climb_until(LAST_RUNG)
    assert Notice.objects.get(kind="lateness_management").user == cast.dirk


def test_management_that_makes_the_calls_by_now_is_nobody(cast: Cast, chief: User) -> None:
    people.name_management(users=[cast.chloe], by=person(cast.dirk), at=START)
    people.change(user=cast.chloe, facts={"role": "agent"}, by=person(cast.dirk), at=START)
    assert daily_digest.people() == []
    people.change(user=cast.chloe, facts={"role": "supervisor"}, by=person(cast.dirk), at=START)
    assert daily_digest.people() == [], "named again, or not at all"


def test_on_the_bell_it_is_one_line(cast: Cast, chief: User) -> None:
    promised(cast)
    climb_until(LAST_RUNG)
    daily_digest.run(at=MONDAY)
    (notice,) = Notice.objects.filter(user=chief)
    assert notice_words.sentence(notice) == "Promises that went up to management: 1, new: 1."


def test_who_is_management_is_in_the_audit_and_an_agent_never_is(cast: Cast, chief: User) -> None:
    by = person(cast.dirk)
    assert not people.name_management(users=[chief], by=by, at=START)
    with pytest.raises(ValueError, match="not management"):
        people.name_management(users=[cast.amina], by=by, at=START)
    assert people.name_management(users=[cast.chloe], by=by, at=START)
    assert daily_digest.people() == [cast.chloe]
    entry = AuditEntry.objects.filter(action="management_named").latest("pk")
    assert entry.data == {"users": [cast.chloe.pk], "before": [chief.pk]}


def test_the_figures_cost_the_same_for_one_promise_and_for_many(
    cast: Cast, django_assert_num_queries: object
) -> None:
    for many in (1, 8):
        for _number in range(many):
            promised(cast)
        Promise.objects.update(rung=4)
        climb_until(LAST_RUNG)
        with django_assert_num_queries(6):  # type: ignore[operator]
            daily_digest.figures(since=START, at=MONDAY)


def test_the_digest_carries_the_head_of_the_audit(cast: Cast) -> None:
    notice = Notice(kind=briefing.DIGEST, data={**briefing.NOTHING, "head": "7:abc"})
    (_title, lines, _more), _list = briefing.parts(notice)
    assert lines[-1] == "Head of the audit: 7:abc"
    assert daily_digest.figures(since=None, at=START)["head"] == ""
