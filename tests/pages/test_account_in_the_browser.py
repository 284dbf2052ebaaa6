"""Second factors in a real browser: the app's code, and a security key that the browser plays."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Page

from crm.models import User
from tests.cast import PASSWORD, assemble
from tests.live import LiveSystem
from tests.pages.test_account import FACTOR, code_of
from tests.pages.test_in_the_browser import faults

# Browsers bind security keys to a host's name; 127.0.0.1 is none.
HOUSE = settings.BASE_URL.replace("127.0.0.1", "localhost")


@pytest.fixture
def watched(live_system: LiveSystem, page: Page) -> Iterator[Page]:
    """A page that fails the test when the policy refuses something or a script breaks."""
    assemble()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    yield page
    bad = [line for line in said if "Content Security Policy" in line or line.startswith("error")]
    assert bad == []


def log_in(page: Page, name: str = "amina") -> None:
    page.goto(f"{HOUSE}/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login/**")


def confirm(page: Page) -> None:
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def test_an_app_is_set_up_and_its_code_asked_at_the_next_log_in(watched: Page) -> None:
    log_in(watched)
    watched.goto(f"{HOUSE}{FACTOR}")
    watched.get_by_role("link", name="Set up App with codes").click()
    confirm(watched)
    secret = watched.locator("code.secret").inner_text()
    watched.get_by_label("Code of your app").fill(code_of(secret))
    watched.get_by_role("button", name="Set up").click()
    assert watched.locator(".secrets code").count() == 10
    log_out(watched)
    log_in(watched)
    watched.get_by_label(re.compile("Code of your app")).fill(code_of(secret, after=1))
    watched.get_by_role("button", name="Log in", exact=True).click()
    watched.wait_for_url("**/desk/")


def test_a_security_key_is_added_and_opens_the_door(watched: Page) -> None:
    devtools = watched.context.new_cdp_session(watched)
    devtools.send("WebAuthn.enable")
    key = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": key})
    log_in(watched)
    watched.goto(f"{HOUSE}{FACTOR}")
    watched.get_by_role("link", name="Add one Security key").click()
    confirm(watched)
    watched.get_by_label("Its name").fill("Blue key")
    watched.get_by_role("button", name="Add it").click()
    watched.wait_for_url(f"**{FACTOR}codes/")
    watched.goto(f"{HOUSE}{FACTOR}")
    assert "Blue key" in watched.locator("main").inner_text()
    log_out(watched)
    log_in(watched)
    watched.get_by_role("button", name="Use the security key").click()
    watched.wait_for_url("**/desk/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_administrators_pages(watched: Page, scheme: str) -> None:
    watched.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    found = {}
    for path in ("/login/", "/login/password/"):
        watched.goto(f"{HOUSE}{path}")
        found[path] = faults(watched)
    log_in(watched, "eva")
    watched.goto(f"{HOUSE}/people/add/")
    found["/account/confirm/"] = faults(watched)
    confirm(watched)
    amina = f"/people/{User.objects.get(username='amina').pk}/"
    pages = ["/people/", "/people/add/", amina, "/teams/", "/teams/add/", "/keys/", "/keys/add/"]
    pages += ["/audit/", "/account/", "/account/password/", FACTOR, f"{FACTOR}app/"]
    for path in [*pages, f"{FACTOR}keys/add/"]:
        watched.goto(f"{HOUSE}{path}")
        found[path] = faults(watched)
    assert {path: bad for path, bad in found.items() if bad} == {}
