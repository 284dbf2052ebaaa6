"""The demo's tour as a newcomer follows it: the strip goes along, and the steps get done."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests import cast
from tests.journeys.scene import Scene
from tests.journeys.test_j01_browser import days_later, log_in, promise_the_offer, report


def test_an_agent_follows_the_tour_to_a_kept_promise(scene: Scene, page: Page) -> None:
    scene.to_working_morning()
    dupont = scene.cast.dupont
    cast.offer_for(dupont, at=scene.now())
    log_in(page, "amina")
    page.get_by_role("link", name="Five-minute tour").click()
    done = page.locator(".tour .done")
    expect(done).to_have_count(0)
    page.get_by_role("link", name="Show me Whom to call next").click()
    strip = page.locator(".tour-strip")
    expect(strip).to_contain_text("1/6")
    strip.get_by_role("link", name="Next step").click()
    expect(strip).to_contain_text("2/6")

    promise_the_offer(page, dupont)
    strip.get_by_role("link", name="Next step").click()
    page.wait_for_url("**/demo/mail/")
    expect(page.locator("main")).to_contain_text(cast.DUPONT_MAIL)
    strip.get_by_role("link", name="Next step").click()
    page.wait_for_url(f"**/customers/{dupont.reference}/")
    expect(page.locator(".lamp")).to_contain_text("no proof")
    strip.get_by_role("link", name="All steps").click()
    expect(done).to_have_count(4)

    report(page, "delivered")
    days_later(page, 1)
    scene.run_sweeps()
    page.goto("/demo/tour/")
    expect(done).to_have_count(5)
    strip.get_by_role("button", name="Leave the tour").click()
    page.wait_for_url("**/desk/")
    expect(strip).to_have_count(0)
