"""What is being written survives the page, and nobody else reads it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error, Page, expect

from tests.cast import PASSWORD, Cast, assemble
from tests.live import LiveSystem
from tests.pages.test_in_the_browser import log_in, watched

__all__ = ["watched"]
WORDS = "Her husband decides."
STORED = "() => Object.keys(localStorage).filter((name) => name.startsWith('kept.call.'))"


def write(page: Page, cast: Cast) -> str:
    sheet = f"/customers/{cast.dupont.reference}/"
    page.goto(sheet)
    page.get_by_label("Note").fill(WORDS)
    page.get_by_label("Result").select_option("answered")
    return sheet


def test_a_page_that_is_killed_gives_the_words_back(live_system: LiveSystem, page: Page) -> None:
    cast = assemble()
    log_in(page, "amina")
    sheet = write(page, cast)
    with page.expect_event("crash"), pytest.raises(Error, match="crash"):
        page.goto("chrome://crash", timeout=10_000)
    again = page.context.new_page()
    again.goto(sheet)
    expect(again.get_by_label("Note")).to_have_value(WORDS)
    expect(again.get_by_label("Result")).to_have_value("answered")
    expect(again.locator(".draft")).to_be_visible()
    again.get_by_role("button", name="Forget it").click()
    expect(again.get_by_label("Note")).to_have_value("")


def test_nobody_else_in_the_same_browser_sees_them(live_system: LiveSystem, watched: Page) -> None:
    cast = assemble()
    log_in(watched, "amina")
    sheet = write(watched, cast)
    watched.context.clear_cookies()
    log_in(watched, "chloe")
    watched.goto(sheet)
    expect(watched.get_by_label("Note")).to_have_value("")
    expect(watched.locator(".draft")).to_be_hidden()
    watched.context.clear_cookies()
    log_in(watched, "amina")
    watched.goto(sheet)
    expect(watched.get_by_label("Note")).to_have_value(WORDS)


def test_logging_out_and_twelve_hours_forget_them(live_system: LiveSystem, watched: Page) -> None:
    cast = assemble()
    log_in(watched, "amina")
    sheet = write(watched, cast)
    assert len(watched.evaluate(STORED)) == 1
    watched.get_by_role("button", name="Log out").click()
    watched.wait_for_url("**/login/**")
    assert watched.evaluate(STORED) == []
    watched.goto("/login/")
    watched.get_by_label("Username").fill("amina")
    watched.get_by_label("Password").fill(PASSWORD)
    watched.get_by_role("button", name="Log in").click()
    watched.wait_for_url("**/desk/")
    write(watched, cast)
    watched.evaluate(
        "() => { for (const [name, text] of Object.entries(localStorage)) {"
        " if (!name.startsWith('kept.call.')) continue;"
        " const draft = JSON.parse(text); draft.at -= 13 * 3600 * 1000;"
        " localStorage.setItem(name, JSON.stringify(draft)); } }"
    )
    watched.goto(sheet)
    expect(watched.get_by_label("Note")).to_have_value("")
    assert watched.evaluate(STORED) == []
