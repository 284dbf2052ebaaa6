"""The board: its numbers with their rows, each team its own; what is done with the chosen rows."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import openpyxl
import pytest
from django.db import connection
from django.test import Client

from crm import call_sources, calls
from crm.models import AuditEntry, Campaign, Team
from followups import conduct, escalation, gate
from followups.board import counts, rollups
from followups.models import Promise
from followups.views import boards
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
    person,
)
from tests.pages.conftest import Enter, set_clock
from tests.pages.test_desk import bounced, neighbour, queries

LATE = START + timedelta(days=3)
FILTERS = "agent={}&campaign=fibre&channel=email&kind=send_offer&cause=bounced&days=90"


def at_clock(at: datetime) -> None:
    """The clock stands there, and the sweeps that the board waits for have run."""
    set_clock(at)
    escalation.climb(at=at)
    rollups.roll(at=at + timedelta(seconds=20))


def numbers(client: Client, query: str = "") -> dict[str, str]:
    shown = client.get(f"/board/{query}").context["numbers"]
    return {number.code: number.value for number in shown}


def test_a_broken_promise_stands_on_the_board_with_its_cause_and_whose_lateness_it_is(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    bounced(monday, relay)
    at_clock(LATE)
    page = enter(monday.chloe).get("/board/")
    (row,) = page.context["rows"]
    assert (row.cause, row.blamed, row.lateness) == ("bounced", "the customer", "1 d 15 h")
    assert "the address does not exist" in page.content.decode()
    assert numbers(enter(monday.chloe))["broken"] == "1"


def test_the_one_that_is_late_longest_stands_first(monday: Cast, enter: Enter) -> None:
    second = call_and_promise(monday.amina, monday.dupont, at=START + timedelta(days=1))
    first = call_and_promise(monday.amina, neighbour(monday, 1), address="n1@mail.example")
    at_clock(LATE)
    rows = enter(monday.chloe).get("/board/").context["rows"]
    assert [row.promise for row in rows] == [first, second]


def test_due_today_counts_what_is_due_before_midnight(monday: Cast, enter: Enter) -> None:
    call_and_promise(monday.amina, monday.dupont)
    client = enter(monday.chloe)
    assert numbers(client)["due"] == "0"
    set_clock(START + timedelta(days=1))
    assert numbers(client)["due"] == "1"
    set_clock(START + timedelta(days=1, hours=9))
    assert (numbers(client)["broken"], numbers(client)["due"]) == ("1", "0")


@pytest.mark.parametrize("code", ["broken", "due", "at_risk", "kept_rate", "proof"])
def test_each_list_says_as_many_as_it_has_or_why_it_is_empty(
    monday: Cast, enter: Enter, code: str
) -> None:
    call_and_promise(monday.amina, monday.dupont)
    for at in (START, START + timedelta(days=1), LATE):
        at_clock(at)
        context = enter(monday.chloe).get(f"/board/?rows={code}").context
        assert len(context["rows"]) == context["total"]
        assert code not in numbers(enter(monday.chloe)) or context["empty"]


def test_a_rate_of_fewer_than_ten_promises_is_hidden_and_says_why(
    monday: Cast, enter: Enter
) -> None:
    call_and_promise(monday.amina, monday.dupont)
    at_clock(LATE)
    page = enter(monday.chloe).get("/board/").content.decode()
    assert numbers(enter(monday.chloe))["kept_rate"] == ""
    assert "hidden: fewer than 10 (1)" in page


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
    at_clock(START + timedelta(hours=5))
    client = enter(monday.chloe)
    assert numbers(client)["avoided"] == "1"
    found = client.get("/board/avoided/").context["found"]
    assert [(row.customer, row.requests) for row in found.rows] == [(monday.dupont, 3)]
    assert [(g.name, g.calls, g.requests) for g in found.codes] == [
        ("a document was promised", 1, 3)
    ]
    assert (found.saved.calls, found.saved.minutes, found.saved.measured) == (1, 3, 0)
    gate.decide(ask, by=gate.Actor("key:dialer"), at=START + timedelta(days=1))
    at_clock(START + timedelta(days=1, hours=1))
    assert numbers(client)["avoided"] == "2"


def test_a_supervisor_sees_the_own_team_and_operations_all_of_them(
    monday: Cast, enter: Enter
) -> None:
    call_and_promise(monday.bram, monday.peeters)
    call_and_promise(monday.amina, monday.dupont)
    at_clock(LATE)
    assert numbers(enter(monday.chloe), "?team=gent")["broken"] == "1"
    stranger = f"?agent={monday.bram.pk}"
    assert numbers(enter(monday.chloe), stranger)["broken"] == "1"
    operations = enter(monday.dirk)
    assert numbers(operations)["broken"] == "2"
    assert numbers(operations, "?team=gent")["broken"] == "1"
    assert numbers(operations, stranger)["broken"] == "1"
    for path in ("/board/", "/board/wall/", "/board/avoided/"):
        assert "Dupont" not in operations.get(path).content.decode()
    assert monday.dupont.reference in operations.get("/board/").content.decode()


@pytest.mark.parametrize("path", ["/board/wall/", "/board/avoided/", "/board/export.csv"])
def test_the_board_is_for_supervisors_and_operations(monday: Cast, enter: Enter, path: str) -> None:
    assert [
        enter(user).get(path).status_code
        for user in (monday.amina, monday.eva, monday.chloe, monday.dirk)
    ] == [403, 403, 200, 200]


def test_every_filter_narrows_the_rows_and_stays_in_the_address(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    bounced(monday, relay)
    other = call_and_promise(monday.chloe, neighbour(monday, 1), address="n1@mail.example")
    at_clock(LATE)
    client = enter(monday.chloe)
    for query, left in (
        (f"agent={monday.chloe.pk}", [other]),
        ("channel=post", []),
        ("kind=callback", []),
        ("cause=waiting", [other]),
        ("campaign=none", None),
        ("channel=nonsense&kind=&days=1&agent=x&cause=1", None),
    ):
        context = client.get(f"/board/?{query}").context
        rows = [row.promise for row in context["rows"]]
        assert len(rows) == 2 if left is None else rows == left, query
    monday.sales.pk  # noqa: B018  (it exists from here on)
    page = client.get(f"/board/?{FILTERS.format(monday.amina.pk)}")
    shown = page.content.decode()
    assert FILTERS.format(monday.amina.pk).replace("&", "&amp;") in shown
    assert page.context["rows"] == ()


def test_the_board_asks_the_same_number_of_questions_for_one_row_and_for_many(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    bounced(monday, relay)
    conduct.judge(at=LATE)
    at_clock(LATE)
    client = enter(monday.chloe)
    client.get("/board/")
    paths = [f"/board/?rows={name}" for name in ("broken", "due", "at_risk", "kept_rate", "proof")]
    paths += ["/board/wall/", "/board/avoided/?rows=in_spite", "/board/avoided/?rows=unasked"]
    few = {path: queries(client, path) for path in paths}
    set_clock(START)
    for number in range(12):
        relay.script = [NO_SUCH_USER]
        customer = neighbour(monday, number)
        call_and_promise(monday.amina, customer, address=f"n{number}@mail.example")
        ask = gate.Question(purpose="sales", customer=customer)
        gate.decide(ask, by=gate.Actor("key:dialer"), at=START + timedelta(hours=1))
    conduct.judge(at=LATE)
    at_clock(LATE)
    assert numbers(client)["broken"] == "13"
    assert {path: queries(client, path) for path in paths} == few


def in_spite(cast: Cast) -> None:
    """Bram, of another supplier, calls Mme Dupont while she waits for her offer."""
    call_and_promise(cast.amina, cast.dupont, call={"decision_id": None})
    facts = {"at": START + timedelta(hours=6), "source": "dialer-north", "number": DUPONT_HOME}
    call = call_of(cast.bram, cast.dupont, campaign=cast.sales, **facts)
    calls.log(call=call, by=SYSTEM, at=START + timedelta(hours=6))
    conduct.judge(at=START + timedelta(hours=6))


def aside(client: Client, query: str = "") -> dict[str, int]:
    found: dict[str, int] = client.get(f"/board/{query}").context["aside"]
    return found


def test_a_call_made_in_spite_stands_on_the_board_of_who_made_it(
    monday: Cast, enter: Enter
) -> None:
    in_spite(monday)
    set_clock(START + timedelta(hours=7))
    assert aside(enter(monday.chloe))["in_spite"] == 0
    operations = enter(monday.dirk)
    assert aside(operations, "?team=liege")["in_spite"] == 0
    page = operations.get("/board/avoided/?rows=in_spite&team=gent")
    assert aside(operations, "?team=gent")["in_spite"] == page.context["in_spite"] == 1
    (row,) = page.context["made"].rows
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
    assert aside(client)["unasked"] == 2
    page = client.get("/board/avoided/?rows=unasked")
    found = [(s.source, s.in_spite, s.unasked) for s in page.context["made"].suppliers]
    assert found == [("dialer-north", 1, 1), ("desk", 0, 1)]
    set_clock(START + timedelta(days=31))
    assert aside(client)["unasked"] == 0
    shown = client.get("/board/avoided/?rows=unasked").content.decode()
    assert "Before every call somebody had asked" in shown


def test_a_supervisor_opens_the_customer_from_the_list(monday: Cast, enter: Enter) -> None:
    in_spite(monday)
    set_clock(START + timedelta(hours=7))
    shown = enter(monday.chloe).get("/board/avoided/?rows=unasked").content.decode()
    assert f'href="/customers/{monday.dupont.reference}/"' in shown


def test_calls_of_no_team_are_shown_to_operations(monday: Cast, enter: Enter) -> None:
    call = call_of(None, None, at=START, number="+32470999998")  # type: ignore[arg-type]
    calls.log(call=call, by=SYSTEM, at=START)
    conduct.judge(at=START)
    set_clock(START + timedelta(hours=7))
    assert aside(enter(monday.dirk))["unasked"] == 1
    assert aside(enter(monday.dirk), "?team=liege")["unasked"] == 0
    assert aside(enter(monday.chloe))["unasked"] == 0


def test_a_silent_dialer_is_named_on_the_board_of_its_team(monday: Cast, enter: Enter) -> None:
    source = dialer("plain", team=monday.liege).source
    call_sources.heard(source=source, at=START)
    set_clock(START + timedelta(hours=3))
    warning = "The dialer plain tells nothing any more"
    assert warning in enter(monday.chloe).get("/board/").content.decode()
    assert warning in enter(monday.dirk).get("/board/").content.decode()
    assert warning not in enter(monday.dirk).get("/board/?team=gent").content.decode()


def test_the_wall_asks_again_by_itself_and_names_nobody(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    bounced(monday, relay)
    at_clock(LATE)
    client = enter(monday.chloe)
    whole = client.get("/board/wall/?team=liege").content.decode()
    part = client.get("/board/wall/", headers={"HX-Request": "true"}).content.decode()
    promise = Promise.objects.get()
    assert 'hx-get="/board/wall/?team=liege" hx-trigger="every 30s"' in whole
    assert "<html" in whole and "<html" not in part
    for shown in (whole, part):
        assert promise.reference in shown
        for name in ("Dupont", "Amina", promise.customer.reference):
            assert name not in shown


def test_old_figures_say_so(monday: Cast, enter: Enter) -> None:
    at_clock(START)
    client = enter(monday.chloe)
    assert "s ago; what is open, of now" in client.get("/board/").content.decode()
    set_clock(START + timedelta(minutes=5))
    assert "the sweep that counts them is late" in client.get("/board/").content.decode()


# --- what is done with the chosen rows ----------------------------------------------------------


def act(client: Client, path: str, chosen: list[Promise], **fields: str) -> str:
    """Sends a form of the board; returns what is said afterwards."""
    data: dict[str, object] = {"promise": [row.reference for row in chosen], **fields}
    answer = client.post(path, data, follow=True)
    return " ".join(str(message) for message in answer.context["messages"])


def test_the_next_way_is_taken_and_what_has_none_is_told_apart(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    set_clock(START)
    both = call_and_promise(monday.amina, monday.dupont, plan=("email", "post"))
    alone = call_and_promise(monday.amina, neighbour(monday, 1), address="n1@mail.example")
    at_clock(LATE)
    client = enter(monday.chloe)
    fields = {"send-reason": "too_slow"}
    told = act(client, "/board/send-on/?days=7", [both, alone], **fields)
    assert f"Done for 1: by letter ({both.reference})" in told
    assert f"Not done for 1: No other way is left. {alone.reference}" in told
    both.refresh_from_db()
    assert both.plan_step == 1
    channels = both.attached.order_by("pk").values_list("delivery__channel", "delivery__status")
    assert list(channels) == [("email", "cancelled"), ("post", "queued")]
    event = both.events.get(cause="sent_on")
    assert (event.data, event.by) == ({"reason": "too_slow"}, person(monday.chloe).code)
    assert alone.attached.get().delivery.status == "queued"
    again = act(client, "/board/send-on/", [both], **fields)
    assert "Not done for 1: No other way is left." in again


def test_another_day_is_agreed_for_those_who_answered_a_call(monday: Cast, enter: Enter) -> None:
    spoken = call_and_promise(monday.amina, monday.dupont)
    silent = call_and_promise(monday.amina, neighbour(monday, 1), address="n1@mail.example")
    later = START + timedelta(days=1)
    call = calls.log(call=call_of(monday.amina, monday.dupont, at=later), by=SYSTEM, at=later)
    at_clock(LATE)
    client = enter(monday.chloe)
    fields = {"agree-day": "2026-03-09", "agree-reason": "later"}
    sunday = {**fields, "agree-day": "2026-03-08"}
    assert "Nobody works on that day." in act(client, "/board/agree/", [spoken], **sunday)
    told = act(client, "/board/agree/", [spoken, silent], **fields)
    made = Promise.objects.get(replaces=spoken)
    assert f"Done for 1: {made.reference} ({spoken.reference})" in told
    assert f"The customer has answered no call since. {silent.reference}" in told
    spoken.refresh_from_db()
    assert (spoken.status, spoken.broken_at is not None) == ("replaced", True)
    assert (made.attempt, made.due_at.date().isoformat()) == (call.attempt, "2026-03-09")


@pytest.mark.parametrize("path", ["/board/hand-out/", "/board/send-on/", "/board/agree/"])
def test_an_empty_form_and_another_team_change_nothing(
    monday: Cast, enter: Enter, path: str
) -> None:
    mine = call_and_promise(monday.amina, monday.dupont)
    theirs = call_and_promise(monday.bram, monday.peeters)
    at_clock(LATE)
    client, before = enter(monday.chloe), [*Promise.objects.order_by("pk").values()]
    answer = client.post(path, {"promise": mine.reference})
    assert answer.status_code == 422
    assert f'value="{mine.reference}"' in answer.content.decode()
    fields = {
        "pass-owner": str(monday.chloe.pk),
        "pass-reason": "left",
        "send-reason": "other",
        "agree-day": "2026-03-09",
        "agree-reason": "later",
    }
    assert "1 are not your team's." in act(client, path, [theirs], **fields)
    assert client.post(path, fields).status_code == 422  # nothing was chosen
    for user in (monday.amina, monday.dirk, monday.eva):
        assert enter(user).post(path, {**fields, "promise": mine.reference}).status_code == 403
    assert [*Promise.objects.order_by("pk").values()] == before


# --- files ---------------------------------------------------------------------------------------


def test_the_rows_leave_as_csv_and_as_a_spreadsheet_and_it_is_written_down(
    monday: Cast, enter: Enter
) -> None:
    monday.amina.first_name = "=HYPERLINK(1)"
    monday.amina.save()
    promise = call_and_promise(monday.amina, monday.dupont)
    call_and_promise(monday.bram, monday.peeters)
    at_clock(LATE)
    client = enter(monday.chloe)
    answer = client.get("/board/export.csv?kind=send_offer")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    head, row, *rest = text.removeprefix("\ufeff").splitlines()
    assert head.startswith("Promise,Kind,State,Cause,Lateness of")
    assert row.startswith(f"{promise.reference},send the offer,broken,") and rest == []
    assert "'=HYPERLINK(1)" in row and "Dupont" not in text
    answer = client.get("/board/export.xlsx")
    file = io.BytesIO(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    sheet = openpyxl.load_workbook(file).active
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row]
    assert cells[0].value == promise.reference and sheet.max_row == 2
    assert "f" not in {cell.data_type for cell in cells}
    assert "'=HYPERLINK(1)" in {cell.value for cell in cells}
    taken = AuditEntry.objects.filter(action="board_exported").order_by("pk")
    assert [(entry.data["form"], entry.data["filters"]) for entry in taken] == [
        ("csv", {"kind": "send_offer"}),
        ("xlsx", {}),
    ]
    assert client.get("/board/export.csv?rows=overrides").status_code == 404
    assert client.get("/board/export.pdf").status_code == 404


def test_a_supervisor_chooses_among_the_campaigns_of_the_own_team(
    monday: Cast, enter: Enter
) -> None:
    ghent = Team.objects.create(slug="ghent", name="Ghent", calendar=monday.liege.calendar)
    Campaign.objects.create(slug="secret", name="Project of Ghent", team=ghent)
    page = enter(monday.chloe).get("/board/?campaign=secret")
    assert "Project of Ghent" not in page.content.decode()
    assert page.context["asked"].campaign is None
    assert "Project of Ghent" in enter(monday.dirk).get("/board/").content.decode()


def test_a_board_that_takes_too_long_says_so_and_not_that_the_database_is_away(
    monday: Cast, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = enter(monday.chloe)
    client.raise_request_exception = False
    monkeypatch.setattr(counts, "PATIENCE", "SET LOCAL statement_timeout = '1ms'")
    monkeypatch.setattr(boards, "_figures", lambda *_: slow())
    answer = client.get("/board/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert "This takes too long just now" in answer.content.decode()


def slow() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
