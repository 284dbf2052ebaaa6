"""What a page costs whoever opens it: bytes over the line, and things that jump while it loads."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from crm.models import Customer
from tests.cast import Cast
from tests.live import LiveSystem
from tests.pages.test_in_the_browser import log_in, players

__all__ = ["players"]
MOST_BYTES = 300_000
MOST_SHIFT = 0.02  # of the page, in the unit of the layout-shift metric
PAGES = {
    "amina": ("/desk/", "/customers/{dupont}/", "/customers/?q=dup", "/notices/"),
    "chloe": ("/board/", "/board/wall/", "/board/avoided/", "/board/?rows=broken&days=90"),
}
# What went over the line, head and body, as the browser counted it.
COUNTED = """() => performance.getEntriesByType("resource")
    .concat(performance.getEntriesByType("navigation"))
    .map(each => [each.name, each.transferSize])"""
SHIFTS = """window.shifted = []; new PerformanceObserver(list => {
    for (const each of list.getEntries()) if (!each.hadRecentInput) window.shifted.push([each.value,
        ...each.sources.map(one => one.node?.outerHTML?.slice(0, 60))]);
}).observe({type: "layout-shift", buffered: true})"""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_light_and_nothing_on_it_jumps(
    players: Cast, browser: Browser, live_system: LiveSystem, name: str
) -> None:
    dupont = Customer.objects.get(pk=players.dupont.pk).reference
    for path in PAGES[name]:
        # Nothing kept from the page before: what somebody new fetches.
        context = browser.new_context(base_url=live_system.base_url)
        page = context.new_page()
        log_in(page, name)
        state = context.storage_state()
        context.close()
        context = browser.new_context(base_url=live_system.base_url, storage_state=state)
        page = context.new_page()
        page.add_init_script(SHIFTS)
        page.goto(path.format(dupont=dupont), wait_until="networkidle")
        parts = dict(page.evaluate(COUNTED))
        assert sum(parts.values()) <= MOST_BYTES, parts
        assert all(parts.values()), "each part came over the line"
        shifted = page.evaluate("window.shifted")
        assert sum(value for value, *_where in shifted) <= MOST_SHIFT, (path, shifted)
        context.close()
