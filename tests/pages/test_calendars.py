"""The screens of calendars: read, copied, changed, given to teams, and what would move by them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm import calendars
from crm.models import AuditEntry, CalendarVersion, Team, WorkCalendar
from crm.workdays import DEFAULT
from followups import recomputing
from followups.models import Promise, Recomputation
from tests.cast import DAY, START, SYSTEM, Cast, brussels
from tests.crm.test_calendars import LATE, calendar_of, changed
from tests.followups.scenes import fresh, promised
from tests.followups.test_callbacks import asked
from tests.followups.test_recomputing import TUESDAY_OFF, WEDNESDAY, WHY
from tests.pages.conftest import Enter, set_clock

READS = ("calendar",)
WRITES = ("add_calendar", "copy_calendar", "edit_calendar", "recompute_calendar")


@pytest.fixture
def own(monday: Cast) -> WorkCalendar:
    """The calendar of Liège."""
    return calendar_of(monday.liege)


def address(name: str, calendar: WorkCalendar) -> str:
    return reverse(name, args=[] if name == "add_calendar" else [calendar.pk])


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def sent(client: Client, path: str, **more: str) -> dict[str, str]:
    """What the editor's page sends when only `more` is typed."""
    form = client.get(path).context["form"]
    values = {name: form[name].value() for name in form.fields}
    data = {name: str(value) for name, value in values.items() if value not in (None, "")}
    return {**data, **{name.replace("day_", "day-"): value for name, value in more.items()}}


def rows() -> list[Any]:
    teams = Team.objects.order_by("pk").values()
    return [*WorkCalendar.objects.values(), *CalendarVersion.objects.values(), *teams]


@pytest.mark.parametrize(
    ("who", "lists", "reads", "writes"),
    [
        ("amina", 403, 403, 403),
        ("chloe", 200, 200, 403),
        ("bram", 403, 403, 403),
        ("dirk", 200, 200, 200),
        ("eva", 200, 200, 200),
    ],
)
def test_who_reads_and_who_writes(
    monday: Cast, own: WorkCalendar, enter: Enter, who: str, lists: int, reads: int, writes: int
) -> None:
    client = enter(getattr(monday, who))
    assert client.get("/calendars/").status_code == lists
    assert {client.get(address(name, own)).status_code for name in READS} == {reads}
    assert {client.get(address(name, own)).status_code for name in WRITES} == {writes}
    assert client.get("/calendars/regions/?country=DE").status_code == writes
    if writes == 403:
        before, told = rows(), AuditEntry.objects.count()
        posts = {client.post(address(name, own)).status_code for name in WRITES}
        posts.add(client.post(address("give_calendar", own), {"team": monday.gent.pk}).status_code)
        assert posts == {403}
        assert rows() == before and AuditEntry.objects.count() == told
        assert not Recomputation.objects.exists()


def test_a_supervisor_sees_the_teams_own_calendar_and_no_button(
    monday: Cast, own: WorkCalendar, enter: Enter
) -> None:
    other = calendars.add(name="Gent", hours=LATE, by=SYSTEM, at=START)
    client = enter(monday.chloe)
    assert client.get(f"/calendars/{other.pk}/").status_code == 404
    listed = text(client, "/calendars/")
    assert "Liège" in listed and "Gent" not in listed and "Add a calendar" not in listed
    page = text(client, f"/calendars/{own.pk}/")
    assert "Make a new version" not in page and "Copy" not in page and "Another team" not in page


def test_a_team_whose_hours_have_no_name_is_told_of_where_it_helps(
    monday: Cast, enter: Enter
) -> None:
    assert "hours that have no name yet" in text(enter(monday.chloe), "/calendars/")
    dirk = text(enter(monday.dirk), "/calendars/")
    assert "No calendar has a name yet" in dirk and "Gent, Liège" in dirk


def test_the_list_says_hours_holidays_teams_and_what_comes(
    monday: Cast, own: WorkCalendar, enter: Enter
) -> None:
    changed(own, LATE, "2026-06-01")
    page = text(enter(monday.dirk), "/calendars/")
    for words in ("Mon–Fri 09:00–17:30", "Europe/Brussels", "Belgium", "Liège", "version 2",
                  "from 1 Jun 2026"):  # fmt: skip
        assert words in page, words


def test_the_list_takes_as_many_queries_for_one_as_for_ten(monday: Cast, enter: Enter) -> None:
    client, counts = enter(monday.dirk), []
    for first, last in ((0, 1), (1, 10)):
        for n in range(first, last):
            team = Team.objects.create(slug=f"t{n}", name=f"T{n}", calendar=DEFAULT.to_dict())
            changed(calendar_of(team), LATE, "2026-06-01")
        client.get("/calendars/")
        with CaptureQueriesContext(connection) as queries:
            page = client.get("/calendars/")
        assert len(page.context["rows"]) == last
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_year_names_its_holidays_in_the_readers_language(
    monday: Cast, own: WorkCalendar, enter: Enter
) -> None:
    client = enter(monday.dirk)
    page = text(client, f"/calendars/{own.pk}/")
    assert "Christmas Day" in page and "Fri 25 Dec" in page and "253 working days" in page
    client.cookies["django_language"] = "fr"
    assert "Noël" in text(client, f"/calendars/{own.pk}/")
    client.cookies["django_language"] = "nl"
    assert "Kerstmis" in text(client, f"/calendars/{own.pk}/?year=2030")


def test_a_year_says_of_each_day_what_it_is(monday: Cast, own: WorkCalendar, enter: Enter) -> None:
    dirk, path = enter(monday.dirk), f"/calendars/{own.pk}/edit/"
    half = "2026-12-24 12:00\n2026-12-26 12:00"
    typed = sent(dirk, path, extra="2026-12-28, 29.12.2026", half=half)
    assert dirk.post(path, typed).status_code == 302
    year = enter(monday.chloe).get(f"/calendars/{own.pk}/").context["year"]
    (december,) = [month for month in year.months if month.name == "December"]
    days = {day.on.day: (day.kind, day.words) for week in december.weeks for day in week if day}
    assert days[23] == ("worked", "")
    assert days[24] == ("short", "until 12:00")
    assert days[25] == ("holiday", "Christmas Day")
    assert days[26] == ("rest", "")  # a Saturday: nothing to end early
    assert days[28] == days[29] == ("holiday", "a day off of our own")
    assert year.working_days == 251 and year.hours == 251 * 8.5 - 5.5


@pytest.mark.parametrize("year", ["1999", "2100", "x", "²026", "99999", ""])
def test_a_year_out_of_reach_is_this_year(
    monday: Cast, own: WorkCalendar, enter: Enter, year: str
) -> None:
    answer = enter(monday.dirk).get(f"/calendars/{own.pk}/", {"year": year})
    assert answer.context["year"].number == 2026


def test_a_new_version_holds_from_its_day_and_the_old_one_is_still_there_to_read(
    monday: Cast, own: WorkCalendar, enter: Enter
) -> None:
    dirk, path = enter(monday.dirk), f"/calendars/{own.pk}/edit/"
    week = {f"day_{day}": "08:00-12:00, 13:00-16:30" for day in range(5)}
    answer = dirk.post(path, sent(dirk, path, **week, day_5="10:00-24:00", valid_from="2026-06-01"))
    assert answer["Location"] == f"/calendars/{own.pk}/"
    page = text(dirk, answer["Location"])
    assert "comes into force by itself on 1 Jun 2026" in page
    assert "Mon" in page and "09:00–17:30" in page  # what holds is shown first
    second = text(dirk, f"/calendars/{own.pk}/?version=2")
    assert "08:00–12:00, 13:00–16:30" in second and "10:00–24:00" in second
    assert "coming from 1 Jun 2026" in second
    row = own.versions.get(number=2)
    assert row.made_by == f"user:{monday.dirk.pk}"
    set_clock(brussels("2026-06-01 08:30"))
    assert "since 1 Jun 2026" in text(enter(monday.chloe), f"/calendars/{own.pk}/")
    warned = text(enter(monday.dirk), path)
    assert "version 2 holds" not in warned


def test_who_changes_what_holds_is_told_of_what_comes(
    monday: Cast, own: WorkCalendar, enter: Enter
) -> None:
    changed(own, LATE, "2026-06-01")
    page = text(enter(monday.dirk), f"/calendars/{own.pk}/edit/")
    assert "From 1 Jun 2026 version 2 holds" in page


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"day_1": "09:00-12:00, 11:30-17:00"}, "day-1", "11:30-17:00 is empty, or overlaps"),
        ({"day_1": "12:00-09:00"}, "day-1", "12:00-09:00 is empty, or overlaps"),
        ({"day_1": "20:00-24:00, 22:00-23:00"}, "day-1", "overlaps the one before it"),
        ({"day_2": "always"}, "day-2", "“always” is not an opening"),
        ({"day_2": "09:00-25:00"}, "day-2", "There is no such time: 25:00"),
        ({"zone": "Europe/Liege"}, "zone", "no such time zone"),
        ({"country": "XX"}, "country", "No public holidays are known"),
        ({"country": "DE", "region": "VLG"}, "region", "Choose a region of this country."),
        ({"extra": "24 December"}, "extra", "“24 December” is not a day"),
        ({"extra": "2026-02-30"}, "extra", "“2026-02-30” is not a day"),
        ({"extra": "1026-12-24"}, "extra", "not between 2000 and 2099"),
        ({"half": "2026-12-24"}, "half", "not a day and a time"),
        ({"half": "2026-12-24 24:00"}, "half", "There is no such time"),
        ({"half": "2026-12-24 00:00"}, "half", "ends before it begins"),
        ({f"day_{day}": "" for day in range(7)}, "day-0", "Nobody ever works"),
        ({"valid_from": "2026-03-01"}, "valid_from", "This day is over"),
        ({"valid_from": "soon"}, "valid_from", "Enter a valid date."),
        ({}, "__all__", "Nothing differs from what holds on that day."),
        ({"seen": "7", "day_5": "09:00-12:00"}, "__all__", "Somebody else has made a version"),
        ({"seen": "", "day_5": "09:00-12:00"}, "__all__", "Somebody else has made a version"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_saved(
    monday: Cast, own: WorkCalendar, enter: Enter, typed: dict[str, str], field: str, words: str
) -> None:
    dirk, path, before = enter(monday.dirk), f"/calendars/{own.pk}/edit/", rows()
    answer = dirk.post(path, sent(dirk, path, **typed))
    assert answer.status_code == 422
    assert words in " ".join(answer.context["form"].errors[field])
    assert words in answer.content.decode()
    assert set(answer.context["form"].errors) == {field}
    assert rows() == before


def test_a_copy_begins_as_its_source_and_is_given_to_a_team(
    monday: Cast, own: WorkCalendar, enter: Enter
) -> None:
    dirk, path = enter(monday.dirk), f"/calendars/{own.pk}/copy/"
    taken = dirk.post(path, sent(dirk, path, name="liege"))
    assert taken.status_code == 422 and "of that name already" in taken.content.decode()
    typed = sent(dirk, path, name="Portugal", zone="Europe/Lisbon", country="PT")
    made = dirk.post(path, typed, follow=True)
    row = WorkCalendar.objects.get(name="Portugal")
    assert made.redirect_chain == [(f"/calendars/{row.pk}/", 302)]
    hours = calendars.hours_of(row.versions.get())
    assert (hours.zone, hours.country, hours.hours) == ("Europe/Lisbon", "PT", DEFAULT.hours)
    assert "Portugal" in made.content.decode()
    answer = dirk.post(f"/calendars/{row.pk}/teams/", {"team": monday.gent.pk})
    assert answer["Location"] == f"/calendars/{row.pk}/recompute/"
    assert Team.objects.get(pk=monday.gent.pk).works_by == row
    again = dirk.post(f"/calendars/{row.pk}/teams/", {"team": monday.gent.pk}, follow=True)
    assert "works by this calendar already" in again.content.decode()
    odd = dirk.post(f"/calendars/{row.pk}/teams/", {"team": "99999"})
    assert odd.status_code == 422 and "Select a valid choice" in odd.content.decode()


def test_a_calendar_is_added_from_the_beginning(monday: Cast, enter: Enter) -> None:
    eva = enter(monday.eva)
    typed = sent(eva, "/calendars/add/", name="Nights", day_6="00:00-06:00, 22:00-24:00")
    assert eva.post("/calendars/add/", typed).status_code == 302
    hours = calendars.hours_of(CalendarVersion.objects.get())
    assert len(hours.hours[6]) == 2
    assert "00:00–06:00, 22:00–24:00" in text(eva, f"/calendars/{WorkCalendar.objects.get().pk}/")


def test_regions_of_a_country_by_their_names(monday: Cast, enter: Enter) -> None:
    dirk = enter(monday.dirk)
    found = dirk.get("/calendars/regions/?country=DE").content.decode()
    assert "Bayern (BY)" in found and "the whole country" in found
    assert dirk.get("/calendars/regions/?country=XX").content.decode().count("<option") == 1


def test_what_would_move_is_shown_and_moved_with_a_reason(
    monday: Cast, own: WorkCalendar, enter: Enter
) -> None:
    monday.amina.team = Team.objects.get(pk=monday.liege.pk)
    promise = promised(monday)
    dirk, path = enter(monday.dirk), f"/calendars/{own.pk}/edit/"
    answer = dirk.post(path, sent(dirk, path, extra="2026-03-03"))
    page = f"/calendars/{own.pk}/recompute/"
    assert answer["Location"] == page
    shown = text(dirk, page)
    assert promise.reference in shown and "Due later: 1 " in shown
    assert "Move 1 promise" in dirk.get(page).content.decode()
    assert "Dupont" not in shown
    assert fresh(promise).due_at != WEDNESDAY
    short = dirk.post(page, {"seen": "2", "words": "so"})
    assert short.status_code == 422 and "Say in 15 to 500 characters why." in short.content.decode()
    old = dirk.post(page, {"seen": "1", "words": WHY})
    assert old.status_code == 422 and "Another version is in force by now" in old.content.decode()
    done = dirk.post(page, {"seen": "2", "words": WHY}, follow=True).content.decode()
    assert "1 promise was moved." in done and WHY in done and "No open promise would move" in done
    assert fresh(promise).due_at == WEDNESDAY
    assert promise.events.get(cause="recomputed").by == f"user:{monday.dirk.pk}"


def test_call_backs_on_a_day_off_are_listed_for_somebody_to_mend(
    monday: Cast, own: WorkCalendar, enter: Enter
) -> None:
    monday.amina.team = Team.objects.get(pk=monday.liege.pk)
    slot = asked(monday)
    page = f"/calendars/{own.pk}/recompute/"
    assert "nobody works" not in text(enter(monday.dirk), page)
    changed(own, TUESDAY_OFF, "2026-03-02")
    shown = text(enter(monday.dirk), page)
    assert "nobody works 1" in shown and slot.reference in shown


def test_a_long_run_is_left_and_let_go_on(
    monday: Cast, own: WorkCalendar, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("BATCH", 1), ("MOST", 1)):
        monkeypatch.setattr(recomputing, name, value)
    monkeypatch.setitem(recomputing.go_on.__kwdefaults__, "most", 1)
    monday.amina.team = Team.objects.get(pk=monday.liege.pk)
    for _n in range(2):
        promised(monday)
    changed(own, TUESDAY_OFF, "2026-03-02")
    dirk, page = enter(monday.dirk), f"/calendars/{own.pk}/recompute/"
    dirk.post(page, {"seen": "2", "words": WHY})
    assert "1 promise is moved so far." in text(dirk, page)
    eva = enter(monday.eva)
    for _n in range(2):
        eva.post(page)
    assert "2 promises moved" in text(eva, page) and "No open promise" in text(eva, page)
    assert Promise.objects.filter(due_at=WEDNESDAY).count() == 2
    assert Recomputation.objects.get().ended_by == f"user:{monday.eva.pk}"


def test_before_a_version_holds_nothing_would_move_by_it(
    monday: Cast, own: WorkCalendar, enter: Enter
) -> None:
    monday.amina.team = Team.objects.get(pk=monday.liege.pk)
    promised(monday)
    changed(own, TUESDAY_OFF, "2026-03-03")
    page = text(enter(monday.dirk), f"/calendars/{own.pk}/recompute/")
    assert "No open promise would move" in page and "comes on 3 Mar 2026" in page
    set_clock(START + DAY)
    assert "No open promise would move" not in text(
        enter(monday.dirk), f"/calendars/{own.pk}/recompute/"
    )
