"""The feed: everything once, then every change, and none is passed over."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from crm import customers, suppressions
from crm.models import Customer, Suppression
from followups import feed
from followups.feed import Page, UnknownCursor
from tests.cast import (
    DUPONT_HOME,
    DUPONT_MOBILE,
    PEETERS_MOBILE,
    START,
    SYSTEM,
    Cast,
    assemble,
    sweeps_alive,
)
from tests.followups import lists
from tests.followups.lists import NOW
from tests.live import until
from tests.races import Thread

STRANGERS = """
SELECT FROM pg_stat_activity
WHERE datname <> current_database() AND backend_xid::text::bigint < %s::bigint LIMIT 1
"""
BOTH = {DUPONT_HOME: "dnc_company", DUPONT_MOBILE: "dnc_company"}


@pytest.fixture
def lasting(transactional_db: None) -> Cast:
    """The cast, committed: the feed reads what other transactions wrote."""
    sweeps_alive(NOW)
    return assemble()


def read(since: str = "", limit: int = 1000) -> Page:
    wait_for_strangers()
    return feed.page(since=since, limit=limit, by=SYSTEM, at=NOW)


def wait_for_strangers() -> None:
    """The feed waits for whoever writes, in other databases of the server too: for other tests."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        (mark,) = cursor.fetchone()

    def gone() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(STRANGERS, [mark])
            return cursor.fetchone() is None

    until(gone, limit=60, what="the transactions of other tests to end")


def told(page: Page) -> dict[str, str]:
    return {entry.number: entry.code for entry in page.entries}


def to_the_end(since: str = "", limit: int = 1000) -> Iterator[Page]:
    more = True
    while more:
        page = read(since, limit)
        yield page
        since, more = str(page.next), page.more


def end(since: str = "") -> str:
    return str([*to_the_end(since)][-1].next)


def refuse(customer: Customer) -> Suppression:
    return suppressions.add(
        customer=customer, kind="dnc_company", origin="call", by=SYSTEM, at=START
    )


def test_the_first_round_tells_every_blocked_number_and_no_other(lasting: Cast) -> None:
    refuse(lasting.dupont)
    assert lasting.peeters
    first = read()
    assert (told(first), first.more, first.safe) == (BOTH, True, True)
    # What was committed while the round began is told once more, as a change.
    last = [*to_the_end(str(first.next))][-1]
    assert not last.more


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_pages_of_any_size_tell_the_same(lasting: Cast, limit: int) -> None:
    for n in range(5):
        refuse(lists.somebody(lasting, f"+3247000000{n}", f"+3247000001{n}"))
        lists.somebody(lasting, f"+3247000002{n}")
    pages = [*to_the_end(limit=limit)]
    blocked = {e.number for page in pages for e in page.entries if e.blocked}
    assert blocked == {f"+324700000{tens}{n}" for n in range(5) for tens in (0, 1)}
    assert all(page.more for page in pages[:-1])


def test_then_each_change_is_told_as_the_number_stands_now(lasting: Cast) -> None:
    assert lasting.dupont and lasting.peeters
    since = end()
    assert read(since).entries == ()
    row = refuse(lasting.dupont)
    page = read(since)
    assert told(page) == BOTH
    assert told(read(since)) == BOTH
    suppressions.lift(suppression=row, by=SYSTEM, at=NOW)
    again = read(str(page.next))
    assert [(e.number, e.blocked, e.code) for e in again.entries] == [
        (DUPONT_HOME, False, ""),
        (DUPONT_MOBILE, False, ""),
    ]
    # Who starts again at the older cursor hears the same: states, not steps.
    assert read(since).entries == again.entries
    assert read(str(again.next)).entries == ()


def test_a_shared_number_is_blocked_while_one_of_them_is(lasting: Cast) -> None:
    with transaction.atomic():
        customers.add_number(customer=lasting.peeters, e164=DUPONT_HOME, position=1, at=START)
    row, other = refuse(lasting.dupont), refuse(lasting.peeters)
    since = end()
    suppressions.lift(suppression=row, by=SYSTEM, at=NOW)
    page = read(since)
    assert told(page) == {DUPONT_HOME: "dnc_company", DUPONT_MOBILE: ""}
    suppressions.lift(suppression=other, by=SYSTEM, at=NOW)
    assert set(told(read(str(page.next))).values()) == {""}


def test_a_block_that_ends_by_itself_says_when(lasting: Cast) -> None:
    since = end()
    row = suppressions.add(
        customer=lasting.peeters, kind="complaint", origin="call", by=SYSTEM, at=START
    )
    entry = next(e for e in read(since).entries if e.number == PEETERS_MOBILE)
    assert (entry.code, entry.not_before) == ("suppressed", row.until_at)


def test_a_lease_and_a_silence_do_not_stand_in_it(lasting: Cast) -> None:
    since = end()
    lists.leased(lasting, lasting.dupont)
    lists.silence()
    page = read(since)
    assert set(told(page).values()) == {""}
    assert not page.safe


def test_what_commits_late_is_not_passed_over(lasting: Cast) -> None:
    """The writer that began first commits last: its change has the lower number."""
    dupont, peeters = lasting.dupont, lasting.peeters
    since = end()
    wrote, may_commit = threading.Event(), threading.Event()

    def slowly() -> None:
        with transaction.atomic():
            refuse(dupont)
            wrote.set()
            assert may_commit.wait(30)

    writer = Thread(slowly)
    assert wrote.wait(30)
    refuse(peeters)
    seen = read(since)
    assert told(seen) == {}
    may_commit.set()
    writer.answer()
    assert told(read(str(seen.next))) == {**BOTH, PEETERS_MOBILE: "dnc_company"}


def test_the_first_round_misses_nobody_who_is_written_meanwhile(lasting: Cast) -> None:
    lists.somebody(lasting, "+32470000001")
    wrote, may_commit = threading.Event(), threading.Event()

    def slowly() -> None:
        with transaction.atomic():
            refuse(lists.somebody(lasting, "+32470000002"))
            wrote.set()
            assert may_commit.wait(30)

    writer = Thread(slowly)
    assert wrote.wait(30)
    lists.somebody(lasting, "+32470000003")
    first = read()
    assert told(first) == {}
    may_commit.set()
    writer.answer()
    later = [*to_the_end(str(first.next))]
    assert {e.number for p in later for e in p.entries if e.blocked} == {"+32470000002"}


@pytest.mark.parametrize("cursor", ["x", "bm9uZQ", "WzEsMl0", "WzEsMiwzLC0xXQ", "WzEsMiwzLDRd"])
def test_a_cursor_of_elsewhere_is_refused(lasting: Cast, cursor: str) -> None:
    with pytest.raises(UnknownCursor):
        read(cursor)


def test_a_cursor_from_before_a_restore_is_refused(lasting: Cast) -> None:
    cursor = read().next
    ahead = feed.Cursor(cursor.house, cursor.xact + 1_000_000, 1)
    for stranger in (ahead, feed.Cursor(cursor.house + 1, cursor.xact, 0)):
        with pytest.raises(UnknownCursor):
            read(str(stranger))
