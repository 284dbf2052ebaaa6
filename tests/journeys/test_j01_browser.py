"""J1 and its broken twin as a newcomer plays them: everything by hand, in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from crm.models import Customer
from tests import cast
from tests.journeys.scene import Scene


def log_in(page: Page, name: str) -> None:
    page.goto("/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(cast.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/desk/" if name == "amina" else "**/board/")


def promise_the_offer(page: Page, customer: Customer) -> None:
    page.goto(f"/customers/{customer.reference}/")
    page.get_by_label("Result").select_option("answered")
    page.get_by_label("What it meant").select_option("wants_in_writing")
    page.get_by_label("We promise").first.select_option("send_offer")
    page.get_by_label("I read this address back").check()
    page.get_by_role("button", name="Save the call").click()
    expect(page.locator(".journey .now")).to_contain_text("The mail server took it", timeout=20000)


def report(page: Page, kind: str) -> None:
    """The newest mail in the sink is reported on, from the demo's own page."""
    page.goto("/demo/mail/")
    page.get_by_role("link", name=cast.DUPONT_MAIL).or_(
        page.locator("tr", has_text=cast.DUPONT_MAIL).get_by_role("link")
    ).first.click()
    # Answered before the clock is moved: what is reported a day later ripens a day later.
    with page.expect_navigation():
        page.get_by_role("button", name=kind).first.click()


def days_later(page: Page, days: int) -> None:
    for _ in range(days):
        with page.expect_navigation():
            page.get_by_role("button", name="+1 day").click()


def test_an_agent_keeps_a_promise_from_the_call_to_the_follow_up(scene: Scene, page: Page) -> None:
    scene.to_working_morning()
    dupont = scene.cast.dupont
    cast.offer_for(dupont, at=scene.now())
    sheet = f"/customers/{dupont.reference}/"
    log_in(page, "amina")
    promise_the_offer(page, dupont)
    answer = scene.gate(cast.DUPONT_HOME)
    assert (answer["decision"], answer["code"]) == ("deny", "open_promise")
    assert "no proof" in answer["reason"]

    report(page, "delivered")
    page.goto(sheet)
    expect(page.locator("main")).to_contain_text("Delivered to the mailbox", timeout=30000)
    days_later(page, 1)
    # The page tells it by itself; a lost nudge costs one turn of the settle sweep.
    expect(page.locator(".lamp")).to_contain_text("is reading what we sent", timeout=60000)
    assert scene.gate(cast.DUPONT_HOME)["code"] == "reading_time"

    days_later(page, 3)
    scene.run_sweeps()
    page.goto(sheet)
    expect(page.locator(".lamp")).to_contain_text("May be called", timeout=30000)
    page.goto("/desk/")
    expect(page.locator("main")).to_contain_text("Éléonore Dupont")
    page.get_by_role("button", name="Call").first.click()
    page.wait_for_url(f"**{sheet}**")
    expect(page.locator("a[href^='tel:']").first).to_be_visible()


def test_a_bounce_brings_the_item_the_board_and_a_shut_gate(scene: Scene, page: Page) -> None:
    scene.to_working_morning()
    dupont = scene.cast.dupont
    cast.offer_for(dupont, at=scene.now())
    log_in(page, "amina")
    promise_the_offer(page, dupont)
    report(page, "bounce")
    page.goto("/desk/")
    expect(page.locator("main")).to_contain_text("address to fix")
    days_later(page, 4)
    scene.run_sweeps()
    assert scene.gate(cast.DUPONT_MOBILE)["code"] == "open_promise"
    page.context.clear_cookies()
    log_in(page, "chloe")
    expect(page.locator("main")).to_contain_text("Éléonore Dupont")
    expect(page.locator("main")).to_contain_text("the mail came back")
