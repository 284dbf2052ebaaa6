"""The board: its numbers with their rows, each team its own."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client

from crm import call_sources, calls
from followups import conduct, gate
from tests.api.dialers import dialer
from tests.cast import (
    DUPONT_HOME,
    NO_SUCH_USER,
    START,
    SYSTEM,
    Cast,
    Relay,
    call_and_promise,
    call_of,
)
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
    rest = {"overrides": 0, "in_spite": 0, "unasked": 0}
    assert numbers(client) == {"broken": 1, "due": 0, "avoided": 0} | rest


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
    shown = ("broken", "due", "avoided", "in_spite", "unasked")
    conduct.judge(at=LATE)
    few = {rows: queries(client, f"/board/?rows={rows}") for rows in shown}
    for number in range(5):
        relay.script = [NO_SUCH_USER]
        customer = neighbour(monday, number)
        call_and_promise(monday.amina, customer, address=f"n{number}@mail.example")
        ask = gate.Question(purpose="sales", customer=customer)
        gate.decide(ask, by=gate.Actor("key:dialer"), at=START + timedelta(hours=1))
    conduct.judge(at=LATE)
    assert (numbers(client)["broken"], numbers(client)["unasked"]) == (6, 6)
    for rows, before in few.items():
        expected = before + 1 if rows == "avoided" else before  # customers only when there are any
        assert queries(client, f"/board/?rows={rows}") == expected


def in_spite(cast: Cast) -> None:
    """Bram, of another supplier, calls Mme Dupont while she waits for her offer."""
    call_and_promise(cast.amina, cast.dupont, call={"decision_id": None})
    facts = {"at": START + timedelta(hours=6), "source": "dialer-north", "number": DUPONT_HOME}
    call = call_of(cast.bram, cast.dupont, campaign=cast.sales, **facts)
    calls.log(call=call, by=SYSTEM, at=START + timedelta(hours=6))
    conduct.judge(at=START + timedelta(hours=6))


def test_a_call_made_in_spite_stands_on_the_board_of_who_made_it(
    monday: Cast, enter: Enter
) -> None:
    in_spite(monday)
    set_clock(START + timedelta(hours=7))
    assert numbers(enter(monday.chloe))["in_spite"] == 0
    operations = enter(monday.dirk)
    assert numbers(operations, "?team=liege")["in_spite"] == 0
    page = operations.get("/board/?rows=in_spite&team=gent")
    assert numbers(operations, "?team=gent")["in_spite"] == 1
    (row,) = page.context["rows"]
    assert row.conduct.in_spite == ["open_promise"]
    (supplier,) = page.context["made"].suppliers
    assert (supplier.source, supplier.team, supplier.in_spite) == ("dialer-north", "Gent", 1)
    shown = page.content.decode()
    assert "a document was promised" in shown and "Bram" in shown
    assert monday.dupont.reference in shown and "Dupont" not in shown


def test_the_calls_before_which_nobody_asked_are_counted_by_supplier(
    monday: Cast, enter: Enter
) -> None:
    in_spite(monday)
    set_clock(START + timedelta(hours=7))
    client = enter(monday.dirk)
    assert numbers(client)["unasked"] == 2
    page = client.get("/board/?rows=unasked")
    found = [(s.source, s.in_spite, s.unasked) for s in page.context["made"].suppliers]
    assert found == [("dialer-north", 1, 1), ("desk", 0, 1)]
    set_clock(START + timedelta(days=31))
    assert numbers(client)["unasked"] == 0
    assert (
        "Before every call somebody had asked"
        in client.get("/board/?rows=unasked").content.decode()
    )


def test_a_supervisor_opens_the_customer_from_the_list(monday: Cast, enter: Enter) -> None:
    in_spite(monday)
    set_clock(START + timedelta(hours=7))
    shown = enter(monday.chloe).get("/board/?rows=unasked").content.decode()
    assert f'href="/customers/{monday.dupont.reference}/"' in shown


def test_calls_of_no_team_are_shown_to_operations(monday: Cast, enter: Enter) -> None:
    call = call_of(None, None, at=START, number="+32470999998")  # type: ignore[arg-type]
    calls.log(call=call, by=SYSTEM, at=START)
    conduct.judge(at=START)
    set_clock(START + timedelta(hours=7))
    assert numbers(enter(monday.dirk))["unasked"] == 1
    assert numbers(enter(monday.dirk), "?team=liege")["unasked"] == 0
    assert numbers(enter(monday.chloe))["unasked"] == 0


def test_a_silent_dialer_is_named_on_the_board_of_its_team(monday: Cast, enter: Enter) -> None:
    source = dialer("plain", team=monday.liege).source
    call_sources.heard(source=source, at=START)
    set_clock(START + timedelta(hours=3))
    warning = "The dialer plain tells nothing any more"
    assert warning in enter(monday.chloe).get("/board/").content.decode()
    assert warning in enter(monday.dirk).get("/board/").content.decode()
    assert warning not in enter(monday.dirk).get("/board/?team=gent").content.decode()
