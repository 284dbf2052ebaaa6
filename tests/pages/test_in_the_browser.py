"""The pages in a real browser: nothing refused by the policy, nothing that axe finds serious."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from config import clock
from tests.cast import DAY, DUPONT_MAIL, PASSWORD, Cast, assemble, call_and_promise
from tests.live import LiveSystem

SERIOUS = {"serious", "critical"}


@pytest.fixture
def players(live_system: LiveSystem) -> Cast:
    """The cast, with one promise that is open and one that is broken."""
    cast = assemble()
    at = clock.now()
    call_and_promise(cast.amina, cast.dupont, at=at - 5 * DAY)
    return cast


@pytest.fixture
def watched(page: Page) -> Iterator[Page]:
    """A page that fails the test when the policy refuses something or a script breaks."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    yield page
    bad = [line for line in said if "Content Security Policy" in line or line.startswith("error")]
    assert bad == []


def log_in(page: Page, name: str) -> None:
    page.goto("/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/desk/" if name == "amina" else "**/board/")


def faults(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{row['id']}: {row['nodes'][0]['html']}" for row in found if row["impact"] in SERIOUS]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(players: Cast, watched: Page, scheme: str) -> None:
    watched.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    watched.goto("/login/")
    assert faults(watched) == []
    sheet = f"/customers/{players.dupont.reference}/"
    for name, paths in (
        ("amina", ("/desk/", sheet, "/notices/", "/customers/?q=x")),
        ("chloe", ("/board/", "/board/?rows=avoided")),
    ):
        watched.context.clear_cookies()
        log_in(watched, name)
        for path in paths:
            watched.goto(path)
            assert faults(watched) == [], path


def test_a_call_with_a_promise_is_saved_and_its_mail_is_watched_until_it_is_accepted(
    live_system: LiveSystem, watched: Page
) -> None:
    cast = assemble()
    log_in(watched, "amina")
    watched.keyboard.press("/")
    watched.keyboard.type(cast.dupont.reference)
    watched.keyboard.press("Enter")
    watched.wait_for_url(f"**/customers/{cast.dupont.reference}/")
    watched.get_by_label("Result").select_option("answered")
    watched.get_by_label("What it meant").select_option("wants_in_writing")
    plan = watched.get_by_label("Plan")
    expect(plan).to_be_hidden()
    watched.get_by_label("We promise").first.select_option("send_offer")
    plan.fill("Flex Fibre 500")
    watched.get_by_label("Euro a month").fill("48.00")
    watched.get_by_label("I read this address back").check()
    watched.get_by_role("button", name="Save the call").click()
    expect(watched.locator(".journey .now")).to_contain_text(
        "The mail server took it", timeout=20000
    )
    expect(watched.locator(".lamp")).to_contain_text("there is no proof yet that it arrived")
    assert live_system.mailbox.wait_for(to=DUPONT_MAIL)
    expect(watched.locator(".journey .step-now")).to_contain_text("delivered")


def test_what_was_being_written_survives_a_crash_and_goes_when_it_is_saved(
    live_system: LiveSystem, watched: Page
) -> None:
    cast = assemble()
    log_in(watched, "amina")
    watched.goto(f"/customers/{cast.dupont.reference}/")
    watched.get_by_label("Note").fill("Her husband decides.")
    watched.get_by_label("Result").select_option("no_answer")
    watched.reload()
    expect(watched.get_by_label("Note")).to_have_value("Her husband decides.")
    expect(watched.locator(".draft")).to_be_visible()
    watched.get_by_role("button", name="Save the call").click()
    watched.wait_for_url("**saved=**")
    expect(watched.get_by_label("Note")).to_have_value("")
    watched.goto(f"/customers/{cast.dupont.reference}/")
    expect(watched.get_by_label("Note")).to_have_value("")
    expect(watched.locator(".draft")).to_be_hidden()
