"""The next call taken, held, let go and logged by keyboard, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from config import clock
from crm import campaign_entries
from crm.campaign_entries import Wanted
from crm.models import CampaignEntry
from followups.models import Lease
from tests.cast import SYSTEM
from tests.crm.test_campaign_entries import neighbour
from tests.journeys.scene import Scene
from tests.live import LiveSystem, until
from tests.pages.test_in_the_browser import log_in, watched
from tests.pages.test_policies_in_the_browser import looks_well

__all__ = ["watched"]


def test_the_next_one_is_taken_by_key_and_the_saved_call_makes_room_for_another(
    live_system: LiveSystem, watched: Page
) -> None:
    cast, page = Scene(live_system).cast, watched
    people = [neighbour(cast, number, f"+3247100000{number}") for number in (1, 2)]
    wanted = [Wanted(one.pk, one.team_id) for one in people]
    campaign_entries.add(campaign=cast.sales, people=wanted, by=SYSTEM, at=clock.now())
    log_in(page, "amina")
    expect(page.get_by_text("Campaign Fibre, never called")).to_have_count(2)
    looks_well(page)
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Neighbour 1")).to_be_visible()
    expect(page.locator('a[href="tel:+32471000001"]')).to_be_visible()
    looks_well(page)
    page.keyboard.press("d")
    expect(page.get_by_text("You hold Neighbour 1")).to_be_visible()
    looks_well(page)
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Neighbour 1")).to_be_visible()
    page.get_by_role("button", name="Do not call: let go").click()
    expect(page.get_by_role("button", name="Take the next one")).to_be_visible()
    assert until(lambda: Lease.objects.get().released_at, what="the lease to end")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Neighbour 1")).to_be_visible()
    page.keyboard.press("c")
    page.get_by_label("Result").select_option("no_answer")
    page.get_by_label("Note").press("Control+Enter")
    expect(page.locator(".timeline li", has_text="no answer").first).to_be_visible()
    assert CampaignEntry.objects.get(customer=people[0]).tries == 1
    page.keyboard.press("d")
    expect(page.get_by_role("link", name="Neighbour 1")).to_have_count(0)
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Neighbour 2")).to_be_visible()
