"""A calendar from copy to the moved promise in a real browser."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from config import clock
from crm import calendars
from crm.models import Team, WorkCalendar
from crm.workdays import DEFAULT
from followups import conversations
from followups.models import Promise, Recomputation
from followups.terms import Terms
from offers import catalogue
from tests.cast import DUPONT_MAIL, SYSTEM, Cast, assemble, call_of, person
from tests.followups.scenes import fresh
from tests.live import LiveSystem
from tests.pages.test_in_the_browser import log_in, watched
from tests.pages.test_policies_in_the_browser import looks_well

__all__ = ["watched"]


@pytest.fixture
def promise(live_system: LiveSystem) -> Promise:
    """An open promise of Liège by the default calendar."""
    at = clock.now()
    cast: Cast = assemble()
    catalogue.load(by=SYSTEM, at=at)
    own = calendars.add(name="Wallonia", hours=DEFAULT, by=SYSTEM, at=at)
    calendars.give(calendar=own, team=cast.liege, by=SYSTEM, at=at)
    cast.amina.team = Team.objects.get(pk=cast.liege.pk)
    terms = Terms(kind="written_answer", words="I ask and write.", address=DUPONT_MAIL)
    call, by = call_of(cast.amina, cast.dupont, at=at), person(cast.amina)
    return conversations.record(call=call, terms=[terms], by=by, at=at).promises[0]


def test_a_calendar_is_copied_changed_and_followed_by_what_is_open(
    promise: Promise, watched: Page
) -> None:
    page = watched
    log_in(page, "dirk")
    page.locator("summary", has_text="More").click()
    page.get_by_role("link", name="Calendars").click()
    looks_well(page)
    page.get_by_role("link", name="Wallonia").click()
    expect(page.get_by_role("cell", name="Christmas Day")).to_be_visible()
    looks_well(page)
    page.get_by_role("link", name="Copy").click()
    page.get_by_label("Name").fill("Eupen")
    page.get_by_label("Public holidays of").select_option("DE")
    page.get_by_label("Region").select_option("NW")  # its regions have come by themselves
    page.get_by_role("button", name="Make the calendar").click()
    expect(page.get_by_text("Germany, Nordrhein-Westfalen (NW)")).to_be_visible()
    assert WorkCalendar.objects.count() == 2

    page.goto("/calendars/")
    page.get_by_role("link", name="Wallonia").click()
    page.get_by_role("link", name="Make a new version").click()
    page.get_by_label("Monday").fill("09:00-12:00, 11:00-17:00")
    page.get_by_role("button", name="Make this version").click()
    expect(page.get_by_text("11:00-17:00 is empty, or overlaps the one before it.")).to_be_visible()
    looks_well(page)
    page.get_by_label("Monday").fill("09:00-17:30")
    due = promise.due_at
    page.get_by_label("Further days off").fill(due.date().isoformat())
    page.get_by_role("button", name="Make this version").click()
    expect(page.get_by_role("cell", name=promise.reference)).to_be_visible()
    looks_well(page)
    page.get_by_label("Why").fill("A bridge holiday that was forgotten.")
    page.get_by_role("button", name="Move 1 promise").click()
    expect(page.get_by_text("1 promise was moved.")).to_be_visible()
    looks_well(page)
    assert fresh(promise).due_at >= due + timedelta(hours=20)


def test_a_run_that_was_left_goes_on_by_itself_when_its_page_is_opened(
    promise: Promise, watched: Page
) -> None:
    at, own = clock.now(), WorkCalendar.objects.get()
    version = own.versions.get()
    run = Recomputation.objects.create(version=version, words="Left", at=at, by="user:1")
    log_in(watched, "dirk")
    watched.goto(f"/calendars/{own.pk}/recompute/")
    expect(watched.get_by_text("Last time")).to_be_visible()
    run.refresh_from_db()
    assert run.ended_at
