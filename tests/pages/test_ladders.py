"""The screens of ladders: read by those who answer for calls, written by operations and
administrators."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config import clock
from crm.models import AuditEntry, Team, User
from followups import daily_digest, ladder_books, ladders
from followups.models import LadderChoice, LadderVersion
from tests.cast import DAY, START, Cast, person
from tests.followups.drawn import SWIFT, TODAY, WHY, activated, drawn, in_the_house
from tests.pages.conftest import Enter, set_clock

FIRST = "/ladders/default/1/"
READS = ("/ladders/", FIRST)
WRITES = (
    "/ladders/default/2/activate/",
    "/ladders/default/2/drop/",
    "/ladders/teams/",
    "/ladders/management/",
    f"{FIRST}new/",
)


@pytest.fixture(autouse=True)
def seeded(db: None) -> None:
    in_the_house()


def text(client: Client, path: str, **query: str) -> str:
    answer = client.get(path, query)
    assert answer.status_code == 200, answer
    return plain(answer)


def plain(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def typed(client: Client, path: str = f"{FIRST}new/", **more: str) -> dict[str, str]:
    """What the editor's page sends when only `more` is typed (a__b stands for a-b)."""
    editor = client.get(path).context["editor"]
    forms = [editor.name, editor.item, *editor.lateness.forms, *editor.proof.forms]
    forms += [editor.lateness.management_form, editor.proof.management_form]
    found = {form.add_prefix(name): form[name].value() for form in forms for name in form.fields}
    data = {name: str(value) for name, value in found.items() if value not in (None, False, "")}
    return {**data, **{name.replace("__", "-"): value for name, value in more.items()}}


def state() -> tuple[Any, ...]:
    return (
        list(LadderVersion.objects.order_by("pk").values()),
        LadderChoice.objects.count(),
        list(User.objects.filter(gets_management_digest=True)),
        AuditEntry.objects.count(),
    )


@pytest.mark.parametrize(
    ("who", "reads", "writes"),
    [("amina", 403, 403), ("chloe", 200, 403), ("dirk", 200, None), ("eva", 200, None)],
)
def test_who_reads_and_who_writes(
    monday: Cast, enter: Enter, who: str, reads: int, writes: int | None
) -> None:
    drawn(monday)
    client, before = enter(getattr(monday, who)), state()
    assert {client.get(path).status_code for path in READS} == {reads}
    if writes is None:
        assert client.get(WRITES[-1]).status_code == 200
        return
    assert {client.post(path, {"users": "1"}).status_code for path in WRITES} == {writes}
    assert client.get(WRITES[-1]).status_code == writes
    assert state() == before


def test_who_may_not_write_is_shown_no_button(monday: Cast, enter: Enter) -> None:
    drawn(monday)
    for path in (*READS, "/ladders/default/2/"):
        shown = enter(monday.chloe).get(path).content.decode()
        main = shown.split("<main")[1].split("</main")[0]
        assert "<form method=" not in main and "New version" not in main


def test_nobody_is_asked_to_log_in_for_nothing(monday: Cast) -> None:
    for path in READS:
        assert Client().get(path).status_code == 302


def test_a_ladder_is_told_in_words_with_the_instants_of_a_promise_made_now(
    monday: Cast, enter: Enter
) -> None:
    shown = text(enter(monday.chloe), FIRST)
    for words in (
        "When three quarters of the time is used the owner",
        "4 working hours after it is due the supervisor",
        "management, in the daily digest it also goes with the next bill",
        "came with Kept",
        "Liège makes now, due at the end of the next working day: Tue 3 Mar, 17:30",
        "Wed 4 Mar, 13:00",
    ):
        assert words in shown, words


def test_the_instants_are_those_of_the_team_that_is_chosen(monday: Cast, enter: Enter) -> None:
    night = {**monday.gent.calendar, "hours": {"1": [["18:00", "22:00"]]}}
    Team.objects.filter(pk=monday.gent.pk).update(calendar=night)
    shown = text(enter(monday.dirk), FIRST, team="gent")
    assert "Gent makes now" in shown and "Tue 3 Mar, 22:00" in shown
    assert "makes now" in text(enter(monday.chloe), FIRST, team="nowhere")


def test_two_versions_stand_side_by_side(monday: Cast, enter: Enter) -> None:
    activated(monday)
    activated(monday, name="swift")
    chloe = enter(monday.chloe)
    assert "What differs from default@1 5" in text(chloe, "/ladders/default/2/")
    assert "What differs from default@1" in text(chloe, "/ladders/swift/1/")
    assert "Not a rung differs" in text(chloe, "/ladders/default/2/", **{"with": "2"})
    for odd in ("9", "x", "9" * 30, "²"):
        assert chloe.get("/ladders/default/2/", {"with": odd}).status_code == 200


def test_a_version_that_never_was_is_not_there(monday: Cast, enter: Enter) -> None:
    dirk = enter(monday.dirk)
    ladders.drop(version=drawn(monday), by=person(monday.dirk), at=START)
    for path in ("/ladders/default/9/", "/ladders/nowhere/1/", "/ladders/default/2/"):
        assert dirk.get(path).status_code == 404
        assert dirk.get(f"{path}new/").status_code == 404
        assert dirk.post(f"{path}activate/").status_code == 404


def test_a_new_version_is_drawn_activated_and_climbed(monday: Cast, enter: Enter) -> None:
    dirk = enter(monday.dirk)
    data = typed(
        dirk, lateness__2__amount="6", lateness__4__DELETE="on", proof__0__role="operations"
    )
    answer = dirk.post(f"{FIRST}new/", data)
    assert answer.status_code == 302, plain(answer)
    assert answer["Location"] == "/ladders/default/2/"
    shown = text(dirk, "/ladders/default/2/")
    assert "not activated" in shown and "What differs from default@1" in shown
    assert "6 working hours after it is due" in shown
    form = {"seen": "default@1", "effective_from": "2026-03-02", "reason": WHY, "read": "on"}
    answer = dirk.post("/ladders/default/2/activate/", form)
    assert answer.status_code == 302, plain(answer)
    now = ladders.for_team(monday.liege, at=clock.now())
    assert (now.version, len(now.lateness), now.lateness[2].hours) == (2, 4, 6)
    assert now.proof[0].role == "operations"
    shown = text(enter(monday.chloe), "/ladders/default/2/")
    assert WHY in shown and "Dirk" in shown and "in force" in shown
    again = dirk.post("/ladders/default/2/activate/", form)
    assert (
        again.status_code == 302
        and AuditEntry.objects.filter(action="ladder_activated").count() == 1
    )


def test_the_empty_lines_of_the_page_are_no_rungs(monday: Cast, enter: Enter) -> None:
    dirk = enter(monday.dirk)
    page = dirk.get(f"{FIRST}new/").content.decode()
    # What a browser sends of an empty line: no amount, nobody, and the measure that is shown.
    assert '<option value="hours" selected>' in page.split('name="lateness-5-measure"')[1][:400]
    data = typed(dirk, name="others") | {"lateness-5-role": "", "lateness-5-amount": ""}
    assert data["lateness-5-measure"] == "hours"
    assert dirk.post(f"{FIRST}new/", data).status_code == 302
    assert len(LadderVersion.objects.get(name="others").ladder["lateness"]) == 5


def test_rungs_are_put_in_the_order_in_which_they_come(monday: Cast, enter: Enter) -> None:
    more = {"amount": "50", "measure": "share", "role": "supervisor"}
    dirk = enter(monday.dirk)
    data = typed(dirk, **{f"lateness__5__{name}": value for name, value in more.items()})
    assert dirk.post(f"{FIRST}new/", data).status_code == 302
    row = LadderVersion.objects.get(version=2)
    assert [rung.get("share") for rung in row.ladder["lateness"][:3]] == [0.5, 0.75, None]


def test_another_line_is_added_without_saving_what_is_typed(monday: Cast, enter: Enter) -> None:
    dirk = enter(monday.dirk)
    before = state()
    data = typed(dirk, lateness__0__amount="33", add="lateness")
    answer = dirk.post(f"{FIRST}new/", data)
    assert answer.status_code == 200 and state() == before
    editor = answer.context["editor"]
    assert (len(editor.lateness.forms), len(editor.proof.forms)) == (7, 3)
    assert editor.lateness.forms[0]["amount"].value() == "33"
    assert "said-error" not in answer.content.decode()
    for odd in ("item", "lateness-0", ""):
        assert dirk.post(f"{FIRST}new/", data | {"add": odd}).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"lateness__1__amount": "4", "lateness__1__measure": "hours"}, "at this moment already"),
        ({"lateness__0__amount": "120"}, "at most 100 percent"),
        ({"lateness__0__amount": "0"}, "More than 0 and at most 100 percent"),
        ({"lateness__3__amount": "1.5"}, "Whole working days"),
        ({"lateness__3__amount": "-1"}, "greater than or equal to 0"),
        ({"lateness__3__amount": "9999"}, "less than or equal to 2000"),
        ({"lateness__3__amount": "soon"}, "A number, please"),
        ({"lateness__3__amount": ""}, "Say how much."),
        ({"lateness__5__amount": "7"}, "Say who is told."),
        ({"proof__0__measure": "share"}, "Select a valid choice"),
        ({"item__amount": ""}, "Say how much."),
        ({"name": "Not A Name"}, "2 to 20 small letters"),
        ({"proof__0__DELETE": "on", "proof__1__DELETE": "on"}, "1 to 12 rungs"),
        ({}, "Nothing differs from default@1 yet."),
    ],
)
def test_what_cannot_be_climbed_is_said_beside_its_rung(
    monday: Cast, enter: Enter, wrong: dict[str, str], words: str
) -> None:
    dirk = enter(monday.dirk)
    data, before = typed(dirk, **wrong), state()
    answer = dirk.post(f"{FIRST}new/", data)
    assert answer.status_code == 422
    assert words in plain(answer)
    assert state() == before


def test_a_form_that_was_tampered_with_changes_nothing(monday: Cast, enter: Enter) -> None:
    dirk, before = enter(monday.dirk), state()
    for data in ({}, {"lateness-TOTAL_FORMS": "x"}, {"lateness-TOTAL_FORMS": "99999"}):
        assert dirk.post(f"{FIRST}new/", {"name": "default", **data}).status_code == 422
        assert dirk.post(f"{FIRST}new/", {"add": "proof", **data}).status_code == 200
    assert state() == before


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"reason": ""}, "This field is required"),
        ({"reason": "so"}, "at least 10 characters"),
        ({"effective_from": "2026-03-01"}, "This day is over"),
        ({"read": ""}, "This field is required"),
        ({"seen": "default@7"}, "Another version is in force by now"),
    ],
)
def test_an_activation_is_refused_beside_its_field(
    monday: Cast, enter: Enter, wrong: dict[str, str], words: str
) -> None:
    drawn(monday)
    form = {"seen": "default@1", "effective_from": "2026-03-02", "reason": WHY, "read": "on"}
    before = state()
    answer = enter(monday.eva).post("/ladders/default/2/activate/", form | wrong)
    assert answer.status_code == 422 and words in plain(answer)
    assert state() == before


def test_a_team_is_given_a_ladder_and_the_list_says_who_climbs_which(
    monday: Cast, enter: Enter
) -> None:
    dirk = enter(monday.dirk)
    assert "every team climbs it" in text(dirk, "/ladders/")
    activated(monday, name="swift")
    form = {"choice-team": monday.liege.pk, "choice-name": "swift", "choice-reason": WHY}
    assert dirk.post("/ladders/teams/", form).status_code == 302
    assert ladders.for_team(monday.liege, at=clock.now()).name == "swift"
    shown = text(enter(monday.chloe), "/ladders/")
    assert "Liège climbs swift Dirk: The owner has to hear of it sooner." in shown
    before = state()
    for wrong, words in (
        ({}, "This team climbs it already."),
        ({"choice-reason": "no"}, "at least 10 characters"),
        ({"choice-name": "nowhere"}, "Select a valid choice"),
        ({"choice-team": ""}, "This field is required"),
    ):
        answer = dirk.post("/ladders/teams/", form | wrong)
        assert answer.status_code == 422 and words in plain(answer)
    assert state() == before


def test_who_is_management_is_said_and_saved(monday: Cast, enter: Enter) -> None:
    dirk = enter(monday.dirk)
    form = {"management-users": [monday.eva.pk, monday.chloe.pk]}
    assert dirk.post("/ladders/management/", form).status_code == 302
    assert set(daily_digest.people()) == {monday.eva, monday.chloe}
    shown = text(enter(monday.chloe), "/ladders/")
    assert "Chloé, Eva" in shown or "Eva, Chloé" in shown
    answer = dirk.post("/ladders/management/", {"management-users": monday.amina.pk})
    assert answer.status_code == 422
    assert set(daily_digest.people()) == {monday.eva, monday.chloe}
    assert dirk.post("/ladders/management/", {}).status_code == 302
    assert daily_digest.people() == []
    assert "Nobody gets it." in text(enter(monday.chloe), "/ladders/")


def test_versions_are_in_force_coming_past_or_not_activated(monday: Cast) -> None:
    activated(monday)
    activated(monday, effective_from=TODAY + 3 * DAY, proof=SWIFT["proof"][:1])
    drawn(monday, lateness=SWIFT["lateness"][:1])
    (shelf,) = ladder_books.shelves(at=START)
    states = [(book.version, book.state) for book in shelf.books]
    assert states == [(4, "draft"), (3, "coming"), (2, "in_force"), (1, "past")]
    assert shelf.teams == [monday.gent, monday.liege]
    (later,) = ladder_books.shelves(at=START + 3 * DAY)
    assert later.in_force and later.in_force.version == 3


def test_the_list_costs_the_same_for_one_ladder_and_for_thirty(monday: Cast, enter: Enter) -> None:
    dirk = enter(monday.dirk)

    def cost(path: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert dirk.get(path).status_code == 200
        return len(found)

    activated(monday, name="swift")
    by = person(monday.dirk)
    ladders.choose(team=monday.liege, name="swift", reason=WHY, by=by, at=START)
    few = [cost(path) for path in READS]
    for number in range(30):
        name = f"swift-{number}"
        activated(monday, name=name)
        ladders.choose(team=monday.liege, name=name, reason=WHY, by=by, at=START)
    set_clock(START + DAY)
    assert [cost(path) for path in READS] == few
    assert "Ladders 32" in text(dirk, "/ladders/")
