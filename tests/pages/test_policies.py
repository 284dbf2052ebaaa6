"""The screens of policies: reading for those who answer for calls, writing for operations."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config import clock
from crm import instants
from crm.models import AuditEntry, Campaign, NationalList, PolicyVersion
from followups import gate
from followups.gate import Question
from tests.cast import DAY, DUPONT_HOME, PEETERS_MOBILE, START, SYSTEM, Cast, sweeps_alive
from tests.crm.drafts import activated, draft_of
from tests.pages.conftest import Enter, set_clock

READS = ("policies", "policy", "policy_difference", "policy_dry_run")
WRITES = ("copy_policy", "edit_policy", "drop_policy", "compare_policy", "activate_policy")


def address(name: str, label: str = "be@ours") -> str:
    return reverse(name, args=[] if name == "policies" else label.split("@"))


def text(client: Client, name: str, label: str = "be@ours", **query: str) -> str:
    answer = client.get(address(name, label), query)
    assert answer.status_code == 200, answer
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def rows() -> list[dict[str, Any]]:
    return list(PolicyVersion.objects.values())


def sent(client: Client, **more: str) -> dict[str, str]:
    """What the editor's page sends when only `more` is typed."""
    page = client.get(address("edit_policy")).context["form"]
    values = {name: page[name].value() for name in page.fields}
    data = {name: str(value) for name, value in values.items() if value not in (None, False)}
    return {**data, **{name.replace("__", "-"): value for name, value in more.items()}}


@pytest.mark.parametrize(
    ("who", "reads", "writes"),
    [("amina", 403, 403), ("chloe", 200, 403), ("dirk", 200, None), ("eva", 200, 403)],
)
def test_who_reads_and_who_writes(
    monday: Cast, enter: Enter, who: str, reads: int, writes: int | None
) -> None:
    draft_of(monday)
    client = enter(getattr(monday, who))
    query = {"with": "be@2015-07-11"}
    assert {client.get(address(name), query).status_code for name in READS} == {reads}
    if writes is None:
        return
    before, told = rows(), AuditEntry.objects.count()
    assert {client.post(address(name)).status_code for name in WRITES} == {writes}
    assert {client.get(address(name)).status_code for name in WRITES[:2]} == {writes}
    assert rows() == before
    assert AuditEntry.objects.count() == told


def test_who_may_not_write_is_shown_no_button(monday: Cast, enter: Enter) -> None:
    draft_of(monday)
    for name in ("policy", "policy_dry_run"):
        shown = enter(monday.chloe).get(address(name)).content.decode()
        assert "Edit</a>" not in shown and "Let it run" not in shown
        assert "drop/" not in shown and "/activate/" not in shown


def test_the_list_says_what_is_in_force_what_comes_and_who_calls_by_it(
    monday: Cast, enter: Enter
) -> None:
    Campaign.objects.create(slug="fibre", name="Fibre for all", policy="be")
    Campaign.objects.create(slug="old", name="Closed one", policy="be", active=False)
    draft_of(monday, version="try")
    shown = text(enter(monday.chloe), "policies")
    assert "no legal advice" in shown
    assert "Fibre for all" in shown and "Closed one" not in shown
    assert "2023-03-01" in shown and "from 11 Aug 2026" in shown  # France: in force, coming
    assert " try " in shown and "still to be read" in shown


def test_every_figure_stands_with_its_source_and_its_kind(monday: Cast, enter: Enter) -> None:
    shown = text(enter(monday.eva), "policy", "nl@2021-07-01")
    for words in (
        "09:00-22:00",
        "05-04 18:30",
        "a customer relation, in force or ended at most three years ago",
        "meldpunt-telemarketing.nl",
        "a law",
        "the trade&#x27;s own code",
        "no legal advice",
        "have to be read again",  # what to watch
    ):
        assert words in shown, words


def test_two_versions_differ_figure_by_figure(monday: Cast, enter: Enter) -> None:
    draft_of(monday, watch="Another", caps=[])
    shown = text(enter(monday.chloe), "policy_difference", **{"with": "be@2015-07-11"})
    assert "at most 3 in 30 days" in shown and "Another" in shown
    assert "National lists" not in shown
    assert enter(monday.chloe).get(address("policy_difference")).status_code == 404


def test_a_version_that_never_was_is_not_there(monday: Cast, enter: Enter) -> None:
    dirk = enter(monday.dirk)
    for name in ("policy", "copy_policy", "edit_policy", "policy_dry_run"):
        assert dirk.get(address(name, "be@1999-01-01")).status_code == 404
    # A preset is no draft.
    for name in ("edit_policy", "policy_dry_run"):
        assert dirk.get(address(name, "be@2015-07-11")).status_code == 404


def test_operations_copy_edit_compare_and_activate(monday: Cast, enter: Enter) -> None:
    dirk, at = enter(monday.dirk), clock.now()
    today = instants.house(at).date()
    NationalList.objects.create(
        name="dncm", as_of_date=today, numbers=0, imported_at=at, imported_by="system"
    )
    campaign = Campaign.objects.create(slug="be", name="BE", policy="be")
    set_clock(START + DAY)  # Tuesday: the questions of Monday
    assert monday.dupont and monday.peeters
    sweeps_alive(START)
    for number in (DUPONT_HOME, PEETERS_MOBILE):
        gate.decide(Question(number=number, campaign=campaign), by=SYSTEM, at=START)

    proposed = {"name": "be", "version": "shorter", "title": "Belgium: from ten o'clock"}
    answer = dirk.post(address("copy_policy", "be@2015-07-11"), proposed)
    assert answer["Location"] == address("edit_policy", "be@shorter")
    form = dirk.get(answer["Location"]).context["form"]
    data = {n: str(form[n].value()) for n in form.fields if form[n].value() not in (None, False)}
    data["hours-week-mon"] = "10:00 - 20:00"
    answer = dirk.post(address("edit_policy", "be@shorter"), data)
    assert answer["Location"] == address("policy", "be@shorter")

    shown = text(dirk, "policy_dry_run", "be@shorter")
    assert "09:00-20:00" in shown and "10:00-20:00" in shown
    assert "It has not run since" in shown and "In force from" not in shown
    assert dirk.post(address("compare_policy", "be@shorter")).status_code == 302
    page = dirk.get(address("policy_dry_run", "be@shorter"))
    assert page.context["run"]["denied"] == [("outside the calling hours", 2)]
    assert monday.dupont.reference in page.content.decode()

    seen = page.context["form"]["seen"].value()
    wanted = {"seen": seen, "effective_from": today.isoformat(), "read": "on"}
    refused = dirk.post(address("activate_policy", "be@shorter"), wanted)
    assert refused.status_code == 422 and "This day is over" in refused.content.decode()
    tomorrow = instants.house(clock.now()).date().isoformat()
    unread = dirk.post(address("activate_policy", "be@shorter"), {**wanted, "read": ""})
    assert unread.status_code == 422
    answer = dirk.post(
        address("activate_policy", "be@shorter"), {**wanted, "effective_from": tomorrow}
    )
    assert answer["Location"] == address("policy", "be@shorter")
    assert "in force" in text(dirk, "policy", "be@shorter")
    assert PolicyVersion.objects.get().activated_by == f"user:{monday.dirk.pk}"
    # From now on it is no draft any more; what the run showed stays to be read.
    shown = dirk.get(address("policy_dry_run", "be@shorter")).content.decode()
    assert "beside be@2015-07-11" in shown and "Let it run" not in shown
    assert dirk.get(address("edit_policy", "be@shorter")).status_code == 404


def test_sheets_are_linked_for_those_who_may_open_them(monday: Cast, enter: Enter) -> None:
    draft = draft_of(monday)
    example = {"at": START.isoformat(), "before": "", "after": "cap_attempts", "decision": ""}
    people = [[monday.dupont.pk], [monday.peeters.pk]]
    activated_like = {
        "day": "2026-03-01", "name": "be", "against": "be@2015-07-11", "total": 2, "looked": 2,
        "strangers": 0, "excused": 0, "unclear": 0, "same_allow": 0, "same_deny": 0, "fixed": 0,
        "otherwise": 0, "denied": {"cap_attempts": 2}, "allowed": {},
        "examples": [{**example, "people": ids} for ids in people],
    }  # fmt: skip
    PolicyVersion.objects.filter(pk=draft.pk).update(
        compared=activated_like, compared_at=clock.now(), compared_by=f"user:{monday.dirk.pk}"
    )
    own, other = (f"/customers/{c.reference}/" for c in (monday.dupont, monday.peeters))
    chloe = enter(monday.chloe).get(address("policy_dry_run")).content.decode()
    assert own in chloe and other not in chloe and monday.peeters.reference in chloe
    dirk = enter(monday.dirk).get(address("policy_dry_run")).content.decode()
    assert own not in dirk and monday.dupont.reference in dirk


def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_saved(
    monday: Cast, enter: Enter
) -> None:
    draft_of(monday)
    dirk, before = enter(monday.dirk), rows()
    typed = sent(
        dirk, caps__0__most="0", hours__week__tue="13:00-09:00", hours__source="", country="BEL"
    )
    answer = dirk.post(address("edit_policy"), typed)
    assert answer.status_code == 422
    typed = sent(dirk, hours__week__tue="13:00-09:00", caps__1__unit="attempt", watch="mine")
    answer = dirk.post(address("edit_policy"), typed)
    errors = answer.context["form"].errors
    assert answer.status_code == 422
    assert errors["hours-week-tue"] == ["13:00-09:00 is empty, or overlaps the one before it."]
    assert "This has to be filled in." in errors["caps-1-most"]
    assert "Say where it comes from" in errors["caps-1-source"][0]
    assert "mine" in answer.content.decode()
    assert rows() == before


def test_an_editor_who_is_late_is_told_and_overwrites_nothing(monday: Cast, enter: Enter) -> None:
    draft_of(monday)
    dirk = enter(monday.dirk)
    late = sent(dirk, watch="the second")
    assert dirk.post(address("edit_policy"), sent(dirk, watch="the first")).status_code == 302
    answer = dirk.post(address("edit_policy"), late)
    assert answer.status_code == 422
    assert "Somebody else has changed this draft" in answer.content.decode()
    assert PolicyVersion.objects.get().rules["watch"] == "the first"


def test_a_draft_is_dropped(monday: Cast, enter: Enter) -> None:
    draft_of(monday)
    dirk = enter(monday.dirk)
    assert dirk.get(address("drop_policy")).status_code == 405
    assert dirk.post(address("drop_policy")).status_code == 302
    assert dirk.get(address("policy")).status_code == 404


def test_the_list_asks_the_same_number_of_questions_for_one_version_and_for_many(
    monday: Cast, enter: Enter
) -> None:
    dirk = enter(monday.dirk)
    text(dirk, "policies")
    with CaptureQueriesContext(connection) as one:
        text(dirk, "policies")
    for n in range(8):
        draft_of(monday, version=f"v{n}")
        Campaign.objects.create(slug=f"c{n}", name=f"C{n}", policy="be")
    with CaptureQueriesContext(connection) as many:
        text(dirk, "policies")
    assert len(one) == len(many)


def test_the_commands_know_what_the_house_activated(
    monday: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    activated(draft_of(monday, name="be-ours"), monday)
    call_command("policies")
    assert "be-ours@ours: As we do it" in capsys.readouterr().out
    call_command("campaign", "fibre", policy="be-ours")
    assert Campaign.objects.get(slug="fibre").policy == "be-ours"
