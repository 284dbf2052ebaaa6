"""A ladder from drawing to activation in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from followups.models import LadderVersion
from tests.cast import assemble
from tests.followups.drawn import WHY, in_the_house
from tests.live import LiveSystem
from tests.pages.test_in_the_browser import log_in, watched
from tests.pages.test_policies_in_the_browser import looks_well

__all__ = ["watched"]


def test_a_ladder_is_drawn_activated_and_given_to_a_team(
    live_system: LiveSystem, watched: Page
) -> None:
    assemble()
    in_the_house()
    page = watched
    log_in(page, "dirk")
    page.locator("summary", has_text="More").click()
    page.get_by_role("link", name="Ladders").click()
    looks_well(page)
    page.get_by_role("link", name="version 1").click()
    looks_well(page)
    page.get_by_role("link", name="New version from this one").click()
    page.get_by_role("button", name="Another rung").first.click()
    page.get_by_role("group", name="Rung 7").get_by_label("How much").fill("2")
    page.get_by_label("Name").fill("swift")
    page.get_by_label("Name").press("Enter")
    expect(page.get_by_text("Say who is told.")).to_be_visible()
    looks_well(page)
    page.get_by_role("group", name="Rung 7").get_by_label("Who is told").select_option("operations")
    page.get_by_role("button", name="Save the new version").click()
    expect(page.get_by_text("swift@1 is made")).to_be_visible()
    looks_well(page)
    page.get_by_label("Why").fill(WHY)
    page.get_by_label("I have read").check()
    page.get_by_role("button", name="Activate swift@1").click()
    expect(page.get_by_text("promises made from")).to_be_visible()
    page.get_by_role("link", name="Ladders").last.click()
    page.get_by_role("combobox", name="Team").select_option("Liège")
    page.get_by_role("combobox", name="Ladder").select_option("swift")
    page.get_by_label("Why").fill(WHY)
    page.get_by_role("button", name="Choose").click()
    expect(page.get_by_text("Liège climbs swift from now on")).to_be_visible()
    looks_well(page)
    assert LadderVersion.objects.filter(name="swift", activated_by__startswith="user:").count() == 1
