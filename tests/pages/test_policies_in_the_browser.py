"""A policy from copy to activation in a real browser, and the gate in another process after it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from config import clock
from crm import instants, policies
from crm.models import Campaign, NationalList, PolicyVersion
from followups import checks, gate
from followups.gate import Question
from tests.cast import DUPONT_HOME, SYSTEM, Cast, assemble
from tests.live import LiveSystem
from tests.pages.test_in_the_browser import faults, log_in, watched

__all__ = ["watched"]
EVERY_MINUTE = "00:00-24:00"
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@pytest.fixture
def campaign(live_system: LiveSystem) -> Campaign:
    """A campaign under `be`; Mme Dupont was asked for yesterday at noon."""
    at = clock.now()
    NationalList.objects.create(
        name="dncm", as_of_date=at.date(), numbers=0, imported_at=at, imported_by="system"
    )
    campaign = Campaign.objects.create(slug="be", name="Fibre", policy="be")
    cast: Cast = assemble()
    assert cast.dupont
    yesterday = instants.house(at).replace(hour=12, minute=0) - timedelta(days=1)
    checks.keep_partitions(at=yesterday)
    gate.decide(Question(number=DUPONT_HOME, campaign=campaign), by=SYSTEM, at=yesterday)
    return campaign


def looks_well(page: Page) -> None:
    """Nothing that axe finds serious, by day and by night; nothing that scrolls sideways."""
    for scheme in ("light", "dark"):
        # Without transitions: a colour on its way has no contrast of its own.
        page.emulate_media(
            color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce"
        )
        assert faults(page) == [], page.url
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, page.url
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_policy_is_copied_edited_compared_and_activated_and_the_gate_follows(
    campaign: Campaign, watched: Page
) -> None:
    page = watched
    log_in(page, "dirk")
    page.locator("summary", has_text="More").click()
    page.get_by_role("link", name="Policies").click()
    looks_well(page)
    page.get_by_role("link", name="2015-07-11").click()
    looks_well(page)
    page.get_by_role("link", name="Copy as a draft").click()
    page.get_by_label("Version").fill("all-day")
    looks_well(page)
    page.get_by_role("button", name="Make a draft").click()
    for day in DAYS:
        page.get_by_label(day).fill(EVERY_MINUTE)
    page.get_by_label("Public holidays of").fill("")
    page.get_by_label("At most").first.fill("0")
    looks_well(page)
    page.get_by_label("At most").first.fill("5")
    page.get_by_label("Sunday").fill("always")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_text("“always” is not an opening")).to_be_visible()
    looks_well(page)
    page.get_by_label("Sunday").fill(EVERY_MINUTE)
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_role("link", name="What would it change?").click()
    page.get_by_role("button", name="Let it run").click()
    expect(page.get_by_text("Questions looked at")).to_be_visible()
    looks_well(page)
    page.get_by_label("I have read what it changes").check()
    page.get_by_role("button", name="Activate be@all-day").click()
    expect(page.get_by_text("be@all-day is activated")).to_be_visible()
    looks_well(page)

    assert PolicyVersion.objects.get().activated_by.startswith("user:")
    assert policies.revision() is None  # nobody has told this process
    decision = gate.decide(Question(number=DUPONT_HOME, campaign=campaign), by=SYSTEM)
    assert not {"calling_hours", "holiday"} & {block.code for block in decision.blocks}
    assert policies.get("be", at=clock.now()).label == "be@all-day"
