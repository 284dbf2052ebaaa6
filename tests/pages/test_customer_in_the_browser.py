"""The customer's page in a real browser: small, without scripts, for axe, printed, for scanners."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from config import clock
from crm.models import Attempt, Suppression
from followups.models import Promise
from offers import links
from offers.models import Answer, Evidence
from offers.wording import LANGUAGES, say
from tests.cast import DUPONT_MAIL, SYSTEM, Cast, assemble, call_and_promise, delivery_of
from tests.live import LiveSystem, until


@pytest.fixture
def promise(live_system: LiveSystem) -> Promise:
    """An offer that was really mailed to Mme Dupont."""
    cast: Cast = assemble()
    promise = call_and_promise(cast.amina, cast.dupont, at=clock.now())
    live_system.mailbox.wait_for(to=DUPONT_MAIL, limit=40)
    until(lambda: delivery_of(promise).status == "sent", what="the mail to be sent")
    return promise


@pytest.fixture
def watched(page: Page) -> Iterator[Page]:
    """A page that fails the test when the policy refuses something or a script breaks."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    yield page
    assert [line for line in said if "Content Security" in line or line.startswith("error")] == []


def root(promise: Promise) -> str:
    return f"/o/{links.token(delivery_of(promise))}/"


def faults(page: Page) -> list[str]:
    """Everything that axe finds, however small."""
    found = Axe().run(page).response["violations"]
    return [f"{row['id']}: {row['nodes'][0]['html']}" for row in found]


def fits(page: Page) -> bool:
    """Nothing is wider than the screen."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def press(page: Page, key: str, language: str) -> None:
    page.get_by_role("button", name=say("page_texts", key, language), exact=True).click()
    page.wait_for_load_state()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_and_everything_fits_320_pixels(
    promise: Promise, watched: Page, language: str, scheme: str
) -> None:
    watched.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    watched.set_viewport_size({"width": 320, "height": 640})

    def sound() -> None:
        assert faults(watched) == [], watched.title()
        assert fits(watched), watched.title()

    watched.goto(f"{root(promise)}?lang={language}")
    sound()
    press(watched, "show_offer", language)
    expect(watched.locator("html")).to_have_attribute("lang", language)
    sound()
    press(watched, "pause", language)
    sound()
    press(watched, "to_promises", language)
    sound()
    press(watched, "to_wishes", language)
    sound()
    press(watched, "save_wishes", language)
    sound()
    watched.goto(f"/o/?lang={language}")
    sound()
    watched.get_by_label(say("page_texts", "paper_code", language)).fill("AAAAA CCCCC")
    watched.get_by_label(say("page_texts", "paper_postcode", language)).fill("4000")
    press(watched, "paper_open", language)
    expect(watched.get_by_role("alert")).to_be_visible()
    sound()
    watched.goto("/o/nobody/")
    sound()


def test_it_works_without_scripts_and_without_cookies(
    promise: Promise, browser: Browser, base_url: str
) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=base_url)
    page = context.new_page()
    page.goto(root(promise))
    press(page, "show_offer", "fr")
    page.get_by_role("button", name="Nederlands").click()
    expect(page.locator("h1")).to_have_text(say("page_texts", "offer_title", "nl"))
    page.get_by_label(say("page_texts", "ask_label", "nl")).fill("Hoe snel?")
    press(page, "ask", "nl")
    expect(page.get_by_role("status")).to_contain_text("We hebben uw vraag ontvangen")
    press(page, "to_promises", "nl")
    expect(page.locator(".promises li")).to_have_count(2)
    press(page, "back_to_offer", "nl")
    with page.expect_download() as download:
        press(page, "download", "nl")
    assert download.value.suggested_filename == f"{promise.reference}.pdf"
    assert context.cookies() == []
    context.close()


def test_a_letters_code_leads_to_the_door(promise: Promise, watched: Page) -> None:
    delivery = delivery_of(promise)
    links.keep_codes([delivery], by=SYSTEM, at=clock.now())
    watched.goto("/o/?lang=de")
    watched.get_by_label("Code aus dem Brief").fill(links.spaced(links.paper_code(delivery)))
    watched.get_by_label("Ihre Postleitzahl").fill("4000")
    press(watched, "paper_open", "de")
    press(watched, "show_offer", "de")
    expect(watched.locator("h1")).to_have_text(say("page_texts", "offer_title", "de"))


def test_on_paper_stands_the_offer_and_no_button(promise: Promise, watched: Page) -> None:
    watched.goto(root(promise))
    press(watched, "show_offer", "fr")
    watched.emulate_media(media="print")
    expect(watched.locator(".sentence")).to_be_visible()
    expect(watched.locator("#section-price, .full section").first).to_be_visible()
    assert watched.locator("button:visible").count() == 0


def test_a_mail_scanner_leaves_nothing_but_its_footsteps(
    promise: Promise, live_system: LiveSystem, watched: Page, browser: Browser, base_url: str
) -> None:
    """HEAD and GET on every link of the mail and of every page that those show; then a browser
    that runs scripts and presses nothing."""

    def left() -> tuple[int, ...]:
        notes = Evidence.objects.filter(delivery__customer=promise.customer, grade__gt=0)
        return (
            notes.exclude(source__in=("smtp", "quiet")).count(),
            Attempt.objects.filter(source="page").count(),
            Answer.objects.count(),
            Suppression.objects.count(),
            promise.customer.preferences.count(),
            Promise.objects.count(),
        )

    before = left()
    mail = live_system.mailbox.mails(to=DUPONT_MAIL)[-1]
    raw = f"{mail['List-Unsubscribe']} " + "".join(
        part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"
    )
    seen: set[str] = set()
    todo = set(re.findall(r"https?://[^\s\"'<>,]+", raw))
    assert any("/o/" in url for url in todo) and any("/unsubscribe/" in url for url in todo)
    while todo:
        url = todo.pop()
        seen.add(url)
        for method in ("HEAD", "GET"):
            asked = urllib.request.Request(url, method=method)  # noqa: S310 (our own links)
            with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310
                assert answer.headers.get("Set-Cookie") is None
                body = answer.read().decode(errors="replace")
        if "html" in answer.headers["Content-Type"]:
            found = re.findall(r'(?:href|src|action)="([^"]+)"', body)
            todo |= {urljoin(url, link) for link in found} - seen
        todo = {link for link in todo if urlsplit(link).netloc == urlsplit(base_url).netloc}
    assert len(seen) >= 6
    context = browser.new_context(base_url=base_url)
    for url in sorted(seen):
        if "/static/" not in url:
            page = context.new_page()
            page.goto(url, wait_until="networkidle")
            page.close()
    assert context.cookies() == []
    context.close()
    assert left() == before
    promise.refresh_from_db()
    assert promise.status == "open"
