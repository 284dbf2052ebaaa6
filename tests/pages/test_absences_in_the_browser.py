"""An absence written down and a hand-over in a real browser, also on a narrow screen."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Page, expect

from config import clock
from crm import instants
from crm.models import Absence
from followups.models import HandOver
from tests.cast import assemble, call_and_promise
from tests.crm.test_absences import colleague
from tests.live import LiveSystem
from tests.pages.test_in_the_browser import log_in, watched
from tests.pages.test_policies_in_the_browser import looks_well

__all__ = ["watched"]


def test_an_absence_and_a_hand_over_by_a_supervisor(live_system: LiveSystem, watched: Page) -> None:
    cast, page = assemble(), watched
    noor = colleague(cast, "noor")
    call_and_promise(cast.amina, cast.dupont, at=clock.now())
    log_in(page, "chloe")
    page.locator("summary", has_text="More").click()
    page.get_by_role("link", name="Absences").click()
    page.get_by_label("Who is away").select_option(label="Amina")
    page.get_by_label("Who stands in").select_option(label="Noor")
    today = instants.house(clock.now()).date()
    page.get_by_label("From").fill(today.isoformat())
    page.get_by_label("Until the end of").fill((today + timedelta(days=4)).isoformat())
    page.get_by_role("button", name="Write it down").click()
    expect(page.get_by_text("Noor stands in")).to_be_visible()
    assert Absence.objects.get().deputy == noor
    looks_well(page)
    page.get_by_role("button", name="Back already").click()
    expect(page.get_by_text("Amina is here again")).to_be_visible()
    page.get_by_role("link", name="hand everything over").click()
    looks_well(page)
    page.get_by_label("From").select_option(label="Amina")
    page.locator("#id_handover-to").select_option(label="Noor")
    page.get_by_label("In your words").fill("She leaves us at the end of the week.")
    page.get_by_role("button", name="Hand everything over").click()
    expect(page.get_by_text("Noor has taken over: promises 1")).to_be_visible()
    assert HandOver.objects.get().to == noor
