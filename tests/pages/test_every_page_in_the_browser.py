"""Every address of the product, opened in a real browser by somebody who may, and examined.

The addresses are read from the tables of addresses, so a new page is walked from its first day; an
address that leads to no page stands below, with what it leads to.
"""

from __future__ import annotations

import json
import re
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.http import HttpRequest
from django.template import loader
from django.test import RequestFactory
from django.urls import resolve
from playwright.sync_api import Browser, Page
from playwright.sync_api import Route as Answered

from crm.models import User
from followups.models import Promise
from offers import catalogue, links
from offers.wording import say
from tests.access.routes import Route, routes
from tests.access.scene import Places, places
from tests.access.table import READERS
from tests.access.test_access_matrix import OF_PEOPLE, address
from tests.cast import (
    DUPONT_MAIL,
    PASSWORD,
    PEETERS_MAIL,
    START,
    SYSTEM,
    Cast,
    assemble,
    call_and_promise,
    delivery_of,
)
from tests.followups.drawn import in_the_house
from tests.live import LiveSystem
from tests.pages.conftest import set_clock
from tests.pages.examined import DESKTOP, PHONE, WIDER, Watch, examine
from tests.pages.test_account import FACTOR
from tests.pages.test_desk import neighbour
from tests.sources import ROOT

# Browsers bind security keys to a host's name; 127.0.0.1 is none.
HOUSE = settings.BASE_URL.replace("127.0.0.1", "localhost")
# An address is walked by the first of them who gets its page.
WALKERS = ("nobody", "amina", "chloe", "dirk", "eva")
LETS_IN = {"200", "401", "confirm"}
# What the scene of the matrix has not, and this one has: second factors, a mail, two versions.
FACTORS_OF = "eva"
HERE = {
    "/account/confirm/": FACTORS_OF,
    "/account/second-factor/": FACTORS_OF,
    "/demo/mail/<number>/": "dirk",
    "/policies/<name>/<version>/difference/": "dirk",
}
ASKED = {
    "/customers/": "?q=neighbour",
    "/policies/<name>/<version>/difference/": "?with=be@2015-07-11",
    "/pop": "?phone=%2B32499000000",
}
BROWSER_KEY = {
    "protocol": "ctap2",
    "transport": "usb",
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
# What leads to no page of its own, when it is opened.
ELSEWHERE = {
    "/account/second-factor/app/": "to the second factors, once there is an app: walked below",
    "/account/second-factor/keys/": "to the second factors",
    "/api/v1/hooks/email/<esp>/": "takes what a mail provider sends",
    "/api/v1/unsubscribe/<token>": "takes the one click of a mail program",
    "/audit/export.csv": "a file",
    "/bill-runs/<pk>/manifest.csv": "a file",
    "/bill-runs/<pk>/volumes/<number>.pdf": "a file",
    "/board/export.<form>": "a file",
    "/calendars/regions/": "a part of a page",
    "/campaigns/<slug>/blocked/": "a part of a page",
    "/customers/<reference>/dossier/<kind>/": "a file",
    "/customers/<reference>/live/": "a part of a page",
    "/customers/<reference>/offers/<offer>/v<number>.pdf": "a file",
    "/dead-letters/reports/<pk>.eml": "a file",
    "/demo/mail/<number>/<place>/": "a file",
    "/demo/tour/<number>/": "to the page of the step",
    "/documents/<pk>/": "a file",
    "/favicon.ico": "to the icon",
    "/health/live": "for machines",
    "/health/ready": "for machines",
    "/imports/<pk>/bad-lines.csv": "a file",
    "/language/": "back to where one was",
    "/login/code/": "walked in the midst of a log-in, below",
    "/login/password/<uidb36>-<key>/": "to its form, walked below",
    "/login/sso/<provider_id>/": "to an identity provider; there is none",
    "/login/sso/<provider_id>/back/": "from an identity provider; there is none",
    "/robots.txt": "for machines",
}


@dataclass(frozen=True)
class House:
    """A house in which each address leads to something."""

    cast: Cast
    promise: Promise
    known: dict[str, Places]


@pytest.fixture
def house(live_system: LiveSystem) -> House:
    live_system.sleep()  # its sweeps would go on with what stands in the scene
    cast = assemble()
    in_the_house()
    set_clock(START)
    catalogue.load(by=SYSTEM, at=START)
    known = places(cast)
    neighbour(cast, 2)
    _mail(live_system)
    promise = call_and_promise(cast.amina, cast.peeters, address=PEETERS_MAIL)
    reset = default_token_generator.make_token(cast.amina)
    known |= {
        "/demo/mail/": {"number": live_system.mailbox.listed()[-1].number, "place": 0},
        "/o/": {"token": links.token(delivery_of(promise)), "name": "promises"},
        "/login/password/": {"uidb36": user_pk_to_url_str(cast.amina), "key": reset},
    }
    return House(cast, promise, known)


def _mail(live_system: LiveSystem) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@kept.example", DUPONT_MAIL, "Offer"
    message.set_content("The offer is attached.")
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="a.pdf")
    with smtplib.SMTP("127.0.0.1", live_system.smtp_port) as smtp:
        smtp.send_message(message)
    live_system.mailbox.wait_for(to=DUPONT_MAIL)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """In English, as wide as a desk's screen."""
    context = browser.new_context(base_url=HOUSE, locale="en-GB", viewport=DESKTOP)
    yield context.new_page()
    context.close()


def walker(route: Route) -> str:
    if here := next((name for start, name in HERE.items() if route.path.startswith(start)), ""):
        return here
    answers = dict(zip(READERS, OF_PEOPLE["GET", route.path], strict=True))
    return next((name for name in WALKERS if answers[name] in LETS_IN), WALKERS[0])


def log_in(page: Page, name: str) -> None:
    page.goto("/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url(lambda url: not url.endswith("/login/"))


def confirm(page: Page) -> None:
    page.goto("/account/confirm/")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(lambda url: "/confirm/" not in url)


def take_factors(page: Page, user: User) -> Authenticator:
    """An app, a security key that the browser plays, and recovery codes; returns the key."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": BROWSER_KEY})
    page.goto(f"{FACTOR}keys/add/")
    page.get_by_label("Its name").fill("Blue key")
    page.get_by_role("button", name="Add it").click()
    page.wait_for_url(f"**{FACTOR}codes/")
    TOTP.activate(user, generate_totp_secret())
    return Authenticator.objects.get(user=user, type=Authenticator.Type.WEBAUTHN)


def is_page(page: Page, path: str) -> bool:
    """Whether a whole page answers at this very address."""
    answer = page.request.get(path, headers={"accept": "text/html"})
    stays = urlsplit(answer.url).path == urlsplit(path).path
    return stays and str(answer.status) in LETS_IN and b"<html" in answer.body()[:200]


def told(faults: dict[str, list[str]]) -> str:
    """Each fault on a line of its own; nothing where there are none."""
    return "\n".join(f"{path} {fault}" for path, found in faults.items() for fault in found)


@pytest.mark.parametrize("name", WALKERS)
def test_every_page_stands_its_examination(house: House, page: Page, name: str) -> None:
    watch, faults, walked = Watch(page), dict[str, list[str]](), 0
    if name != "nobody":
        log_in(page, name)
    if name == FACTORS_OF:
        confirm(page)
        house.known[f"{FACTOR}keys/"] = {"pk": take_factors(page, house.cast.eva).pk}
    for route in routes():
        if ("GET", route.path) not in OF_PEOPLE or walker(route) != name:
            continue
        path = address(route, house.known) + ASKED.get(route.path, "")
        if is_page(page, path) is (route.path in ELSEWHERE):
            faults[route.path] = [f"is {'a' if route.path in ELSEWHERE else 'no'} page"]
        elif route.path not in ELSEWHERE:
            page.goto(path)
            faults[route.path] = examine(page, watch)
            walked += 1
    assert told(faults) == ""
    assert walked


def test_the_doors_that_open_in_the_midst_of_something(house: House, page: Page) -> None:
    watch, faults = Watch(page), dict[str, list[str]]()
    [reset] = [route for route in routes() if "<uidb36>" in route.path]
    page.goto(address(reset, house.known))
    assert page.get_by_label("New password", exact=True).count()
    faults["new password"] = examine(page, watch)
    log_in(page, "amina")
    confirm(page)
    page.goto(f"{FACTOR}app/")
    assert page.locator(".qr").count()
    faults["app"] = examine(page, watch)
    TOTP.activate(house.cast.amina, generate_totp_secret())
    page.context.clear_cookies()
    log_in(page, "amina")
    assert urlsplit(page.url).path == "/login/code/"
    faults["code"] = examine(page, watch)
    assert told(faults) == ""


REFUSALS = sorted(path.name for path in (ROOT / "templates").glob("[45]*.html"))


def test_every_refusal_stands_it_too(house: House, live_system: LiveSystem, page: Page) -> None:
    """Each page of an error, as the server sends it to somebody at work."""
    log_in(page, "amina")
    policy = page.request.get("/login/").headers["content-security-policy"]
    collected = Path(live_system.env["STATIC_ROOT"]) / "staticfiles.json"
    names = json.loads(collected.read_text(encoding="utf-8"))["paths"]
    watch, faults = Watch(page), dict[str, list[str]]()
    for name in REFUSALS:
        for slow in (False, True):
            body = loader.render_to_string(name, {"slow": slow}, _asked_by(house.cast.amina))
            body = re.sub(r"(?<=/static/)[\w./-]+", lambda found: names[found[0]], body)
            headers = {"content-security-policy": policy, "content-type": "text/html"}
            page.route(
                f"**/refused/{name}",
                partial(_answer, body=body, status=int(name[:3]), headers=headers),
            )
            page.goto(f"/refused/{name}")
            assert page.get_by_role("heading", level=1).count() == 1
            faults[name] = examine(page, watch)
    assert {int(name[:3]) for name in REFUSALS} == {400, 403, 404, 405, 409, 413, 429, 500, 503}
    assert told(faults) == ""


def _asked_by(user: User) -> HttpRequest:
    request = RequestFactory().get("/somewhere/")
    request.user = user
    request.resolver_match = resolve("/desk/")
    return request


def _answer(route: Answered, *, body: str, status: int, headers: dict[str, str]) -> None:
    route.fulfill(status=status, body=body, headers=headers)


def test_the_head_of_a_long_table_stays_in_sight(house: House, page: Page) -> None:
    log_in(page, "eva")
    page.set_viewport_size({"width": 1280, "height": 400})
    page.goto("/audit/")
    page.mouse.wheel(0, 500)
    page.wait_for_function("window.scrollY > 300")
    box = page.locator("table.rows thead th").first.bounding_box()
    assert box and abs(box["y"]) < 1


def test_the_menu_opens_within_a_phone_in_every_language(house: House, page: Page) -> None:
    log_in(page, "dirk")
    page.set_viewport_size(PHONE)
    for language in ("en", "fr", "nl"):
        page.goto("/campaigns/")
        page.locator(f"footer [value={language}]").click()
        page.wait_for_selector(f"html[lang={language}]")
        page.locator(".more summary").click()
        assert page.locator(".more a").first.is_visible()
        assert page.evaluate(WIDER) == [], language


def test_every_page_of_a_customer_stands_it_too(house: House, page: Page) -> None:
    def press(key: str) -> None:
        page.get_by_role("button", name=say("page_texts", key, "nl"), exact=True).click()
        page.wait_for_load_state()
        faults[key] = examine(page, watch)

    watch, faults = Watch(page), dict[str, list[str]]()
    page.goto(f"/o/{house.known['/o/']['token']}/?lang=nl")
    for key in ("show_offer", "pause", "to_promises", "to_wishes", "save_wishes"):
        press(key)
    page.goto("/o/nobody/")
    faults["no such link"] = examine(page, watch)
    assert told(faults) == ""
