"""A picture of every screen of the demo, by day and by night: `python -m tests.pages.screenshots`.

`./kept up` must be running in the same folder. The pictures are written to docs/screens/light and
docs/screens/dark, so that they can be looked at one by one, before and after a change.
"""

from __future__ import annotations

import io
import os
import re
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import django
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from config import surroundings

HOUSE = Path(__file__).resolve().parent.parent.parent
FOLDER = HOUSE / "docs" / "screens"
SCHEMES = ("light", "dark")
WIDTH, HEIGHT = 1366, 900
TALLEST = 2600  # of a picture: what lies below repeats what is above
COLOURS = 128  # enough for text and a few bars, and a third of the bytes


@dataclass(frozen=True)
class Screen:
    """One picture. `path` is an address; from there the first link whose address matches is
    followed, for each of `links`; with `press` the page's one button is pressed. `width` is that
    of the window."""

    name: str
    path: str
    links: tuple[str, ...] = ()
    width: int = WIDTH
    press: bool = False


SHEET, PROMISE = r"^/customers/C-\d+/$", r"^/promises/P-\w+/$"


SCREENS: dict[str, tuple[Screen, ...]] = {
    "": (
        Screen("login", "/login/"),
        Screen("password", "/login/password/"),
        Screen("not-found", "/nothing/here/"),
        Screen("letter-door", "/o/"),
        Screen("customer-door", "/o/{token}/"),
        Screen("customer-offer", "/o/{token}/", press=True),
        Screen("customer-offer-phone", "/o/{token}/", width=390, press=True),
        Screen("customer-promises", "/o/{token}/promises/", press=True),
    ),
    "amina": (
        Screen("desk", "/desk/"),
        Screen("desk-phone", "/desk/", width=390),
        Screen("sheet", "/desk/", (SHEET,)),
        Screen("sheet-phone", "/desk/", (SHEET,), width=390),
        Screen("offers", "/desk/", (SHEET, r"/offers/$")),
        Screen("offer", "/desk/", (SHEET, r"/offers/$", r"/offers/[\w-]+/$")),
        Screen("wish", "/desk/", (SHEET, r"/wishes/$")),
        Screen("consent", "/desk/", (SHEET, r"/consents/$")),
        Screen("item", "/desk/", (r"^/items/\d+/$",)),
        Screen("search", "/customers/?q=de"),
        Screen("search-nobody", "/customers/?q=nobody+at+all"),
        Screen("notices", "/notices/"),
        Screen("account", "/account/"),
    ),
    "chloe": (
        Screen("board", "/board/"),
        Screen("board-phone", "/board/", width=390),
        Screen("board-kept-rate", "/board/?rows=kept_rate&days=90"),
        Screen("wall", "/board/wall/", width=1920),
        Screen("avoided", "/board/avoided/"),
        Screen("made-in-spite", "/board/avoided/?rows=in_spite"),
        Screen("promise", "/board/", (PROMISE,)),
        Screen("sheet-supervisor", "/board/", (SHEET,)),
        Screen("let-through", "/board/", (SHEET, r"/let-through/$")),
        Screen("overrides", "/board/?rows=overrides"),
        Screen("hand-over", "/hand-over/"),
        Screen("absences", "/absences/"),
    ),
    "dirk": (
        Screen("house", "/operations/"),
        Screen("dead-letters", "/dead-letters/"),
        Screen("deliveries", "/deliveries/"),
        Screen("bill-runs", "/bill-runs/"),
        Screen("bill-run", "/bill-runs/", (r"^/bill-runs/\d+/$",)),
        Screen("campaigns", "/campaigns/"),
        Screen("campaign", "/campaigns/", (r"^/campaigns/[\w-]+/$",)),
        Screen("imports", "/imports/"),
        Screen("policies", "/policies/"),
        Screen("policy", "/policies/", (r"^/policies/[\w-]+/[\w.-]+/$",)),
        Screen("calendars", "/calendars/"),
        Screen("calendar", "/calendars/", (r"^/calendars/\d+/$",)),
        Screen("ladders", "/ladders/"),
        Screen("ladder", "/ladders/", (r"^/ladders/[\w-]+/\d+/$",)),
        Screen("webhooks", "/webhooks/"),
        Screen("webhook-add", "/webhooks/add/"),
        Screen("mails", "/demo/mail/"),
        Screen("mail", "/demo/mail/", (r"^/demo/mail/\d+/$",)),
    ),
    "eva": (
        Screen("people", "/people/"),
        Screen("person", "/people/", (r"^/people/\d+/$",)),
        Screen("person-add", "/people/add/"),
        Screen("teams", "/teams/"),
        Screen("keys", "/keys/"),
        Screen("audit", "/audit/"),
    ),
}

WHO = {
    "": "Whoever is not logged in, and the customer",
    "amina": "Amina, agent",
    "chloe": "Chloé, supervisor",
    "dirk": "Dirk, operations",
    "eva": "Eva, administrator",
}
HEAD = """# Every screen of the demo

Taken with `python -m tests.pages.screenshots` while `./kept up` runs; it writes this page too.
What the customer gets on paper is in [documents](../documents.md)."""


def main() -> int:
    """Takes all pictures; returns how many screens could not be reached."""
    os.environ.update(surroundings.around(surroundings.remembered()))
    django.setup()
    token, missing = _token(), 0
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        for who, screens in SCREENS.items():
            state = _log_in(browser, who) if who else None
            for scheme in SCHEMES:
                context = browser.new_context(
                    base_url=os.environ["BASE_URL"],
                    storage_state=state,
                    color_scheme="dark" if scheme == "dark" else "light",
                    locale="en-GB",
                )
                # The fonts are there before the first picture: a page does not wait for them.
                context.new_page().goto("/login/", wait_until="networkidle")
                missing += sum(not _take(context, screen, scheme, token) for screen in screens)
                context.close()
        browser.close()
    (FOLDER / "README.md").write_text(_index(), encoding="utf-8")
    return missing


def _index() -> str:
    """The page that shows them, in the order of who works with them."""
    lines = [HEAD]
    for who, screens in SCREENS.items():
        lines += [f"\n## {WHO[who]}\n\n| screen | by day | by night |\n| --- | --- | --- |"]
        lines += [
            f"| {screen.name} | ![{screen.name}, light](light/{screen.name}.png)"
            f" | ![{screen.name}, dark](dark/{screen.name}.png) |"
            for screen in screens
            if all((FOLDER / scheme / f"{screen.name}.png").exists() for scheme in SCHEMES)
        ]
    return "\n".join(lines) + "\n"


def _log_in(browser: Browser, who: str) -> object:
    password_of = import_module("followups.demo").password_of  # after django.setup()
    context = browser.new_context(base_url=os.environ["BASE_URL"])
    page = context.new_page()
    page.goto("/login/")
    page.fill("[name=username]", who)
    page.fill("[name=password]", password_of(who))
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    page.click("footer [value=en]")
    page.wait_for_load_state("networkidle")
    # People and teams are opened by who has just confirmed who they are.
    page.goto("/account/confirm/")
    page.fill("[name=password]", password_of(who))
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda url: "/confirm/" not in url)
    state = context.storage_state()
    context.close()
    return state


def _take(context: BrowserContext, screen: Screen, scheme: str, token: str) -> bool:
    page = context.new_page()
    page.set_viewport_size({"width": screen.width, "height": HEIGHT})
    page.goto(screen.path.format(token=token), wait_until="networkidle")
    if screen.press:
        page.locator("main button").click()
        page.wait_for_load_state("networkidle")
    if not all(_follow(page, link) for link in screen.links):
        sys.stderr.write(f"{screen.name}: nothing on {screen.path} leads there\n")
        page.close()
        return False
    tall = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": screen.width, "height": min(max(tall, HEIGHT), TALLEST)})
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS)
    folder = FOLDER / scheme
    folder.mkdir(parents=True, exist_ok=True)
    picture.save(folder / f"{screen.name}.png", optimize=True)
    page.close()
    return True


def _token() -> str:
    """That of the link to an offer that has arrived."""
    links, models = import_module("offers.links"), import_module("offers.models")
    arrived = models.Delivery.objects.filter(channel="email", version__isnull=False, status="sent")
    return str(links.token(arrived.earliest("pk")))


def _follow(page: Page, link: str) -> bool:
    for address in page.eval_on_selector_all("main a[href]", "all => all.map(one => one.href)"):
        path = urlsplit(address).path
        if re.search(link, path):
            page.goto(path, wait_until="networkidle")
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
