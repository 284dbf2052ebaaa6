"""followups/restoring.py: a copy of the house sends nothing again, and is the house from then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from config import timetable
from crm import house
from crm.house import Copied
from crm.models import AuditEntry, House
from followups import feed, notices, restoring, slips, watchdog
from followups.feed import UnknownCursor
from followups.models import Notice, Slip
from followups.restoring import Report
from followups.terms import Refused
from offers import bill_runs, deliveries, postal, sending
from offers.models import Delivery, DeliveryEvent
from tests.cast import START, SYSTEM, Cast, Relay, call_and_promise, delivery_of, person
from tests.followups.post import Post

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def short_leap(monkeypatch: pytest.MonkeyPatch) -> None:
    """No rollback takes a sequence back: the tests after these shall not see large numbers."""
    monkeypatch.setattr(house, "LEAP", 3)


@pytest.fixture
def copy(cast: Cast) -> Cast:
    """The rows of another house: what a restore leaves behind."""
    house.check(at=START)
    House.objects.update(cluster=1)
    return cast


def settled(**options: Any) -> Report:
    asked = {"nothing_lost": False, "anyway": False, "at": START + HOUR, **options}
    return restoring.settle(by=SYSTEM, **asked)


def mailed(cast: Cast, status: str) -> Delivery:
    """A mail to Mme Dupont that is in this state, moved there as it always is."""
    delivery = delivery_of(call_and_promise(cast.amina, cast.dupont))
    if status == "queued":
        return delivery
    claimed = deliveries.claim(by=SYSTEM, at=START)
    assert claimed is not None
    if status == "sending":
        assert deliveries.begin_body(delivery=claimed, by=SYSTEM, at=START)
    elif status != "claimed":
        deliveries.settle(delivery=claimed, to="retry", by=SYSTEM, at=START, cause="busy")
    claimed.refresh_from_db()
    assert claimed.status == status
    return claimed


def test_a_new_database_is_the_house_once_somebody_asks() -> None:
    assert not House.objects.exists()
    house.check(at=START)
    house.check(at=START)
    assert House.objects.count() == 1
    assert not house.copied()


@pytest.mark.parametrize("part", ["cluster", "database"])
def test_no_sweep_runs_in_a_copy(cast: Cast, part: str) -> None:
    house.check(at=START)
    House.objects.update(**{part: 1})
    for act in (timetable.started, lambda: timetable.run("send")):
        with pytest.raises(Copied, match="after_restore"):
            act()
    said = watchdog.ready(at=START)
    assert (said["ready"], said["restored"]) == (False, True)


@pytest.mark.parametrize("status", ["queued", "claimed", "sending", "retry"])
def test_what_may_have_left_is_not_sent_again(copy: Cast, relay: Relay, status: str) -> None:
    row = mailed(copy, status)
    assert settled().deliveries == 1
    row.refresh_from_db()
    assert (row.status, row.lease_until_at, row.next_try_at) == ("unknown", None, None)
    last = DeliveryEvent.objects.filter(delivery=row).latest("pk")
    assert (last.from_status, last.to_status, last.cause) == (status, "unknown", "restored")
    assert sending.send_due(clock=lambda: START + DAY) == 0


def test_what_waited_while_nothing_happened_still_leaves(copy: Cast, relay: Relay) -> None:
    waits = mailed(copy, "queued")
    assert settled(nothing_lost=True).deliveries == 0
    assert sending.send_due(clock=lambda: START + HOUR) == 1
    waits.refresh_from_db()
    assert waits.status == "sent"


@pytest.mark.parametrize("status", ["claimed", "sending"])
def test_what_was_leaving_is_in_doubt_even_when_nothing_was_lost(copy: Cast, status: str) -> None:
    row = mailed(copy, status)
    assert settled(nothing_lost=True).deliveries == 1
    row.refresh_from_db()
    assert row.status == "unknown"


def test_a_worker_of_the_house_that_was_decides_nothing_here(copy: Cast) -> None:
    zombie = mailed(copy, "sending")
    settled()
    at = START + HOUR
    assert not deliveries.settle(delivery=zombie, to="sent", by=SYSTEM, at=at, cause="verdict")


def test_colleagues_are_not_mailed_again_and_find_it_on_the_bell(
    copy: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = Post()
    monkeypatch.setattr("offers.channels.smtp.transmit", post.transmit)
    told = notices.tell(user=copy.dirk, kind="poison", at=START)
    assert told is not None and settled().notices == 1
    notices.send_due(clock=lambda: START + DAY)
    told.refresh_from_db()
    assert (post.asked, told.status, told.read_at) == (0, Notice.Status.FAILED, None)
    assert notices.retry(notice_id=told.pk, at=START + DAY), "operations may still send it"


def test_what_slipped_since_counts_as_told(copy: Cast, settings: Any) -> None:
    settings.TELL_CUSTOMERS_OF_SLIPS = True
    promise = call_and_promise(copy.amina, copy.dupont)
    late = promise.due_at + HOUR
    assert settled(at=late).slips == 1
    asked: list[object] = []

    def post(*args: object) -> Any:
        asked.append(args)

    slips.run(clock=lambda: late + HOUR, post=post)
    assert asked == []
    assert Slip.objects.get().status == Slip.Status.UNKNOWN


def test_everybody_logs_in_anew(copy: Cast, client: Any) -> None:
    client.force_login(copy.amina)
    assert settled().sessions == 1
    assert not Session.objects.exists()


def test_who_follows_the_feed_begins_anew_on_the_same_server_too(cast: Cast) -> None:
    house.check(at=START)
    by = person(cast.eva)
    cursor = str(feed.page(since="", limit=10, by=by, at=START).next)
    assert feed.page(since=cursor, limit=10, by=by, at=START)
    settled(anyway=True)
    with pytest.raises(UnknownCursor):
        feed.page(since=cursor, limit=10, by=by, at=START)


def test_numbers_that_were_given_out_after_the_copy_are_not_given_out_again(copy: Cast) -> None:
    before = delivery_of(call_and_promise(copy.amina, copy.dupont)).pk
    settled()
    after = delivery_of(call_and_promise(copy.bram, copy.peeters)).pk
    assert after > before + house.LEAP


def test_runs_that_may_have_been_printed_since_are_named(copy: Cast) -> None:
    slot = postal.Slot(cut_off_at=START, mailing_date=(START + DAY).date())
    run = bill_runs.open_run(kind="batch", bill_day=None, slot=slot, by=SYSTEM, at=START - DAY)
    assert settled().runs == [run]


def test_secrets_that_are_others_are_named(copy: Cast, settings: Any) -> None:
    settings.HASH_PEPPER = "another-pepper-" * 3
    assert settled().secrets == ["HASH_PEPPER"]


def test_the_house_itself_is_refused_and_nothing_changes(cast: Cast) -> None:
    house.check(at=START)
    row = mailed(cast, "queued")
    with pytest.raises(Refused):
        settled()
    row.refresh_from_db()
    assert row.status == "queued"
    with pytest.raises(CommandError, match="no copy"):
        call_command("after_restore")


def test_the_copy_is_the_house_afterwards_and_the_audit_says_so(copy: Cast) -> None:
    mailed(copy, "queued")
    settled()
    assert not house.copied()
    entry = AuditEntry.objects.get(action="restored")
    assert entry.data == {"deliveries": 1, "notices": 0, "slips": 0, "nothing_lost": False}
    with pytest.raises(Refused):
        settled()


def test_the_command_says_what_is_left_to_do(
    copy: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    mailed(copy, "queued")
    call_command("after_restore")
    said = capsys.readouterr().out
    assert "1 mails may or may not have left" in said
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM crm_house")
        assert cursor.fetchone() == (1,)
