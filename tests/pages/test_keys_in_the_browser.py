"""Everything by keyboard, in a real browser: every action has a key, and no two share one."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from config import clock
from crm import campaign_entries
from crm.campaign_entries import Wanted
from crm.models import Attempt
from followups.board import rollups
from followups.models import Promise
from offers import catalogue
from tests.cast import SYSTEM, Cast
from tests.crm.test_campaign_entries import neighbour
from tests.journeys.scene import Scene
from tests.live import LiveSystem
from tests.pages.test_in_the_browser import log_in, players, watched

__all__ = ["players", "watched"]
# Buttons and links that look like one, and the first field of what can be opened: each has a key of
# its own, stands in a list that j and k walk through, or sends a form in which something is
# written (Ctrl Enter). What only unfolds a formula or a table to read is no action.
WITHOUT = """
() => {
  const seen = (node) => node.checkVisibility() && !node.disabled;
  const written = "input:not([type=hidden], [type=submit]), textarea, select";
  const sends = (node) => node.form
    && [...node.form.elements].some((one) => one.matches(written) && seen(one));
  return [...document.querySelectorAll("main .btn, main button, main summary, main [type=submit]")]
    .filter(seen)
    .filter((node) => !node.dataset.key && !node.closest("[data-rows]") && !sends(node))
    .filter((node) => !node.matches(".six summary, .plots summary"))
    .map((node) => node.outerHTML.slice(0, 120));
}
"""
KEYS = """
() => [...document.querySelectorAll("[data-key]")]
  .filter((node) => node.checkVisibility() && !node.disabled).map((node) => node.dataset.key)
"""


def lined_up(cast: Cast, number: int) -> None:
    people = [neighbour(cast, one, f"+3247100000{one}") for one in range(1, number + 1)]
    wanted = [Wanted(one.pk, one.team_id) for one in people]
    campaign_entries.add(campaign=cast.sales, people=wanted, by=SYSTEM, at=clock.now())


@pytest.mark.parametrize("name", ["amina", "chloe"])
def test_every_action_has_a_key_and_no_key_stands_for_two(
    players: Cast, watched: Page, name: str
) -> None:
    lined_up(players, 2)
    rollups.roll(at=clock.now())
    log_in(watched, name)
    sheet = f"/customers/{players.dupont.reference}/"
    paths = ["/desk/", sheet, "/pop?phone=0477112233", "/calls/unknown/"]
    for path in paths + (["/board/"] if name == "chloe" else []):
        watched.goto(path)
        assert watched.evaluate(WITHOUT) == [], path
        keys = watched.evaluate(KEYS)
        assert len(keys) == len(set(keys)), (path, keys)
        assert not {"j", "k"} & set(keys), "the lists have them"
        watched.keyboard.press("Escape")  # out of the field that has the focus at once, if any
        watched.keyboard.press("?")
        told = watched.locator("#keys dt kbd").all_inner_texts()
        assert set(keys) <= set(told), path
        lines = watched.locator("#keys dl > div").all_inner_texts()
        assert [line for line in lines if len(line.split("\n")) < 2] == [], path
        watched.keyboard.press("Escape")


def test_a_call_with_a_promise_from_the_desk_and_back_without_a_mouse(
    live_system: LiveSystem, watched: Page
) -> None:
    cast, page = Scene(live_system).cast, watched
    catalogue.load(by=SYSTEM, at=clock.now())
    lined_up(cast, 2)
    log_in(page, "amina")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Neighbour 1")).to_be_visible()
    page.keyboard.press("c")
    expect(page.get_by_label("Result")).to_be_focused()
    page.keyboard.type("answ")
    page.keyboard.press("Tab")
    page.keyboard.type("wants it in")
    page.keyboard.press("Tab")
    page.keyboard.type("Only on paper: no, she says.")
    expect(page.get_by_label("Note")).to_have_value("Only on paper: no, she says.")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(page.get_by_label("We promise")).to_be_focused()
    page.keyboard.type("call")
    page.get_by_label("On", exact=True).focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#wrong, .invalid-feedback").first).to_be_visible()
    page.get_by_label("At", exact=True).fill("10:00")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**saved=**")
    assert Promise.objects.get().kind == "callback"
    assert Attempt.objects.get().disposition_id == "wants_in_writing"
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Neighbour 2")).to_be_visible()
    page.keyboard.press("l")
    page.wait_for_url("**/desk/")
    page.keyboard.press("j")
    expect(page.get_by_role("button", name="Call Neighbour 2")).to_be_focused()


def test_keys_rest_while_one_writes_and_where_they_are_turned_off(
    live_system: LiveSystem, watched: Page
) -> None:
    cast, page = Scene(live_system).cast, watched
    log_in(page, "amina")
    sheet = f"/customers/{cast.dupont.reference}/"
    page.goto(sheet)
    page.get_by_label("Note").focus()
    page.keyboard.type("dbn?/jk")
    expect(page.get_by_label("Note")).to_have_value("dbn?/jk")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+d")
    assert page.url.endswith(sheet), "the browser's own keys stay the browser's"
    page.keyboard.press("?")
    page.get_by_label("No single keys in this browser").check()
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_hidden()
    assert page.url.endswith(sheet)
    assert page.locator("[aria-keyshortcuts]").count() == 0
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("No single keys in this browser").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    page.wait_for_url("**/desk/")


def test_the_focus_stays_where_it_was_when_the_journeys_move(players: Cast, watched: Page) -> None:
    log_in(watched, "amina")
    watched.goto(f"/customers/{players.dupont.reference}/")
    change = watched.locator(f"#change-{Promise.objects.get().reference}")
    change.focus()
    watched.evaluate("htmx.ajax('GET', location.pathname + 'live/', '#live')")
    watched.wait_for_selector("#live.changed")
    expect(watched.locator(f"#change-{Promise.objects.get().reference}")).to_be_focused()
    watched.evaluate(
        "document.getElementById('live').addEventListener('htmx:beforeSwap', (event) => {"
        " event.detail.serverResponse = '<div id=\"live\">nothing</div>'; })"
    )
    watched.evaluate(
        "htmx.ajax('GET', location.pathname + 'live/', {target: '#live', swap: 'outerHTML'})"
    )
    expect(watched.locator("#promises")).to_be_focused()
