"""Every default list: what is overdue stands first, and the number above it is that of its rows.

Each is filled beyond what it shows (the limit is lowered for it), so that it says of how many.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from types import ModuleType

import pytest

from crm import campaign_counts, excerpts
from crm.models import Campaign, User
from followups import campaign_calls, gate, items, notices, queries
from followups.board import avoided as denied
from followups.board import lists, rollups
from followups.models import Item, Promise
from offers import queries as offer_queries
from tests.cast import DAY, HOUR, MINUTE, START, SYSTEM, Cast, call_and_promise
from tests.followups.test_campaign_calls import lined_up
from tests.offers.paper import billed, queued
from tests.pages.conftest import Enter, set_clock
from tests.pages.test_desk import neighbour

MANY, MOST = 5, 3
SOON = START + HOUR
LATE = START + 3 * DAY


@dataclass(frozen=True)
class List:
    """One list: where it stands, under which heading, who reads it when, and how it is filled.

    `first` finds what stands in its first row; `limit` is lowered to MOST.
    """

    address: str
    heading: str
    reader: str
    at: datetime
    fill: Callable[[Cast], object]
    limit: tuple[ModuleType, str]
    first: Callable[[Cast], str] = field(default=lambda cast: "")
    said: str = f"{MOST} of {MANY}"
    beside: str = ""  # what the page says of a list that it cuts


def promises(cast: Cast) -> None:
    """Five promises; the last to be made is the first to be due, and the others come later."""
    for number in range(MANY):
        late = number == MANY - 1
        due_at = START + DAY if late else START + 10 * DAY + number * MINUTE
        person_ = neighbour(cast, number)
        call_and_promise(cast.amina, person_, due_at=due_at, address=f"n{number}@mail.example")


def call_backs_today(cast: Cast) -> None:
    for number in range(MANY):
        due_at = START + (2 * MANY - number) * HOUR / 2
        person_ = neighbour(cast, number)
        call_and_promise(cast.amina, person_, due_at=due_at, address=f"n{number}@mail.example")


def things_to_settle(cast: Cast) -> None:
    promises(cast)
    for number, promise in enumerate(Promise.objects.order_by("-pk")):
        kind = Item.Kind.ADDRESS_TO_FIX
        at = START + number * MINUTE
        items.open_for(promise=promise, kind=kind, delivery=None, by=SYSTEM, at=at)


def campaign_list(cast: Cast) -> None:
    for number in range(MANY):
        lined_up(cast, number, priority=1 if number == MANY - 1 else 2)


def bell(cast: Cast) -> None:
    """More than really are shown."""
    for number in range(queries.LONGEST_LIST + 4):
        at = START + number * timedelta(seconds=1)
        notices.tell(user=cast.amina, kind="override_refused", at=at, data={"customer": "C-1"})


def stuck(cast: Cast) -> None:
    for number in range(MANY):
        at = START - number * MINUTE
        call_and_promise(cast.amina, neighbour(cast, number), at=at, address="n1@mail.example")


def runs(cast: Cast) -> None:
    for number in range(MANY):
        queued(billed(cast, number=number, bill_day=20 - number), at=START)


def many_campaigns(cast: Cast) -> None:
    for number in range(MANY - 1):
        Campaign.objects.create(slug=f"c{number}", name=f"A{number}")
    lined_up(cast, 1)  # of Fibre, which comes last by its name


def avoided(cast: Cast) -> None:
    promises(cast)
    for promise in Promise.objects.select_related("customer"):
        gate.decide(gate.Question(customer=promise.customer), by=SYSTEM, at=START + HOUR)
    rollups.roll(at=LATE)


LISTS = {
    "desk: next to call": List(
        "/desk/",
        "Next to call",
        "amina",
        SOON,
        campaign_list,
        (campaign_calls, "SHOWN"),
        lambda cast: f"Neighbour {MANY - 1}",
        said=str(MOST),  # below it stands "Of 5 who wait on the campaign lists 3 are shown."
    ),
    "desk: my promises": List(
        "/desk/", "My promises", "amina", LATE, promises, (queries, "LONGEST_LIST"),
        lambda cast: f"Neighbour {MANY - 1}",
    ),
    "desk: to settle": List(
        "/desk/", "To settle", "amina", LATE, things_to_settle, (queries, "LONGEST_LIST"),
        lambda cast: f"Neighbour {MANY - 1}",
    ),
    "board: broken": List(
        "/board/", "Broken promises, worst first", "chloe", START + 20 * DAY, promises,
        (lists, "PER_PAGE"), lambda cast: f"Neighbour {MANY - 1}",
        said=str(MANY), beside=f"Shown: 1 to {MOST} of {MANY}.",
    ),
    "board: due today": List(
        "/board/?rows=due", "Due today", "chloe", SOON, call_backs_today,
        (lists, "PER_PAGE"), lambda cast: f"Neighbour {MANY - 1}",
        said=str(MANY), beside=f"Shown: 1 to {MOST} of {MANY}.",
    ),
    "board: avoided": List(
        "/board/avoided/", "Redundant calls that were not made", "chloe", LATE, avoided,
        (denied, "LONGEST_LIST"), said=str(MANY), beside=f"The first {MOST} are shown.",
    ),
    "deliveries": List(
        "/deliveries/", "Should have left", "dirk", LATE, stuck, (offer_queries, "LONGEST_LIST"),
        lambda cast: Promise.objects.earliest("made_at").reference,
    ),
    "bill runs": List(
        "/bill-runs/", "Bill runs and letters", "dirk", SOON, runs,
        (offer_queries, "LONGEST_LIST"), lambda cast: f"bills of day {21 - MANY}",
        said="",
    ),
    "campaigns": List(
        "/campaigns/", "Campaigns", "dirk", SOON, many_campaigns,
        (campaign_counts, "LONGEST_LIST"), said="",
    ),
}  # fmt: skip


def read(page: str, heading: str) -> tuple[str, str, int]:
    """The number above a list, its first row, and how many rows it has."""
    number = rf'>{re.escape(heading)} <span class="n">([^<]*)</span>'
    found = re.search(number + r"(.*?)(?:<h2|</section>|</main>)", page, re.DOTALL)
    assert found, f"no list is called {heading}"
    body = re.split(r"<tbody[^>]*>", found[2], maxsplit=1)[-1]
    rows = re.split(r"<li>|<tr>", body)[1:]
    return unescape(found[1]), rows[0] if rows else "", len(rows)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_as_many_rows_as_it_says_and_the_overdue_one_first(
    name: str, monday: Cast, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = LISTS[name]
    user: User = getattr(monday, wanted.reader)
    wanted.fill(monday)
    set_clock(wanted.at)
    client = enter(user)
    number, _first, rows = read(client.get(wanted.address).content.decode(), wanted.heading)
    assert number == str(rows) and rows >= MANY, "with room for all, all are shown"
    monkeypatch.setattr(*wanted.limit, MOST)
    page = client.get(wanted.address).content.decode()
    number, first, shown = read(page, wanted.heading)
    assert (number, shown) == (wanted.said or f"{MOST} of {rows}", MOST)
    assert wanted.first(monday) in first
    assert wanted.beside in page


def test_the_bell_says_how_many_notices_there_are(monday: Cast, enter: Enter) -> None:
    bell(monday)
    set_clock(SOON)
    page = enter(monday.amina).get("/notices/").content.decode()
    number = re.search(r'<h1>Notices <span class="n">([^<]*)</span>', page)
    assert number and number[1] == f"{queries.LONGEST_LIST} of {queries.LONGEST_LIST + 4}"
    assert page.count('<li class="new">') == queries.LONGEST_LIST


def test_a_campaign_for_which_somebody_waits_stands_before_the_others(
    monday: Cast, enter: Enter
) -> None:
    many_campaigns(monday)
    set_clock(SOON)
    page = enter(monday.dirk).get("/campaigns/").content.decode()
    assert "Fibre" in read(page, "Campaigns")[1]


def test_the_number_is_written_as_the_reader_writes_numbers() -> None:
    assert excerpts.Excerpt(["a"], total=1234).said == "1 of 1,234"
    assert excerpts.Excerpt(["a", "b"]).said == "2"


def test_of_a_short_list_nothing_is_counted_apart(
    cast: Cast, django_assert_num_queries: Callable[..., object]
) -> None:
    assert cast.dupont
    rows = User.objects.order_by("pk")
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        assert excerpts.of(rows, most=50).said == "5"
    with django_assert_num_queries(2):  # type: ignore[attr-defined]
        assert excerpts.of(rows, most=2).said == "2 of 5"
