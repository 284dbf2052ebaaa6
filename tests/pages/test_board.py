"""The board: three numbers with their rows, each team its own."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client

from followups import gate
from tests.cast import DUPONT_HOME, NO_SUCH_USER, START, Cast, Relay, call_and_promise
from tests.pages.conftest import Enter, set_clock
from tests.pages.test_desk import bounced, neighbour, queries

LATE = START + timedelta(days=3)


def numbers(client: Client, query: str = "") -> dict[str, int]:
    shown = client.get(f"/board/{query}").context["numbers"]
    return {number["code"]: number["value"] for number in shown}


def test_a_broken_promise_stands_on_the_board_with_its_cause(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    bounced(monday, relay)
    set_clock(LATE)
    page = enter(monday.chloe).get("/board/")
    assert page.context["rows"][0].trouble.cause == "bounced"
    assert "the address does not exist" in page.content.decode()
    assert numbers(enter(monday.chloe))["broken"] == 1


def test_the_one_that_is_late_longest_stands_first(monday: Cast, enter: Enter) -> None:
    second = call_and_promise(monday.amina, monday.dupont, at=START + timedelta(days=1))
    first = call_and_promise(monday.amina, neighbour(monday, 1), address="n1@mail.example")
    set_clock(LATE)
    rows = enter(monday.chloe).get("/board/").context["rows"]
    assert [row.promise for row in rows] == [first, second]


def test_due_today_counts_what_is_due_before_midnight(monday: Cast, enter: Enter) -> None:
    call_and_promise(monday.amina, monday.dupont)
    client = enter(monday.chloe)
    assert numbers(client)["due"] == 0
    set_clock(START + timedelta(days=1))
    assert numbers(client)["due"] == 1
    set_clock(START + timedelta(days=1, hours=9))
    assert numbers(client) == {"broken": 1, "due": 0, "avoided": 0, "overrides": 0}


def test_a_call_that_was_not_made_counts_once_for_customer_campaign_and_day(
    monday: Cast, enter: Enter
) -> None:
    call_and_promise(monday.amina, monday.dupont)
    ask = gate.Question(purpose="sales", number=DUPONT_HOME, campaign=monday.sales)
    for hours in (1, 2, 3):
        gate.decide(ask, by=gate.Actor("key:dialer"), at=START + timedelta(hours=hours))
    gate.decide(
        gate.Question(purpose="service", reference="T-1", number=DUPONT_HOME),
        by=gate.Actor("key:dialer"),
        at=START + timedelta(hours=4),
    )
    set_clock(START + timedelta(hours=5))
    client = enter(monday.chloe)
    assert numbers(client)["avoided"] == 1
    rows = client.get("/board/?rows=avoided").context["rows"]
    assert [(row.customer, row.requests) for row in rows] == [(monday.dupont, 3)]
    gate.decide(ask, by=gate.Actor("key:dialer"), at=START + timedelta(days=1))
    set_clock(START + timedelta(days=1, hours=1))
    assert numbers(client)["avoided"] == 2


def test_a_supervisor_sees_the_own_team_and_operations_all_of_them(
    monday: Cast, enter: Enter
) -> None:
    call_and_promise(monday.bram, monday.peeters)
    call_and_promise(monday.amina, monday.dupont)
    set_clock(LATE)
    assert numbers(enter(monday.chloe), "?team=gent")["broken"] == 1
    operations = enter(monday.dirk)
    assert numbers(operations)["broken"] == 2
    assert numbers(operations, "?team=gent")["broken"] == 1
    shown = operations.get("/board/").content.decode()
    assert monday.dupont.reference in shown
    assert "Dupont" not in shown


def test_the_board_asks_the_same_number_of_questions_for_one_row_and_for_many(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    bounced(monday, relay)
    set_clock(LATE)
    client = enter(monday.chloe)
    client.get("/board/")
    few = {rows: queries(client, f"/board/?rows={rows}") for rows in ("broken", "due", "avoided")}
    for number in range(5):
        relay.script = [NO_SUCH_USER]
        customer = neighbour(monday, number)
        call_and_promise(monday.amina, customer, address=f"n{number}@mail.example")
        ask = gate.Question(purpose="sales", customer=customer)
        gate.decide(ask, by=gate.Actor("key:dialer"), at=START + timedelta(hours=1))
    assert numbers(client)["broken"] == 6
    for rows, before in few.items():
        expected = before + 1 if rows == "avoided" else before  # customers only when there are any
        assert queries(client, f"/board/?rows={rows}") == expected
