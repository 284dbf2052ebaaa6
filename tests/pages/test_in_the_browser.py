"""The pages in a real browser: nothing refused by the policy, nothing that axe finds serious."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from config import clock
from crm.models import Customer
from followups import conduct, conversations
from followups.board import rollups
from followups.models import Promise
from followups.terms import Terms
from followups.webhooks import endpoints, events, outbox
from offers import catalogue
from offers.models import Offer
from tests.cast import (
    DAY,
    DUPONT_MAIL,
    PASSWORD,
    SYSTEM,
    Cast,
    assemble,
    call_and_promise,
    call_of,
)
from tests.live import LiveSystem

SERIOUS = {"serious", "critical"}


@pytest.fixture
def players(live_system: LiveSystem) -> Cast:
    """The cast, with one promise that is open and one that is broken."""
    cast = assemble()
    at = clock.now()
    catalogue.load(by=SYSTEM, at=at)
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
    conduct.judge(at=clock.now())
    rollups.roll(at=clock.now())
    watched.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    watched.goto("/login/")
    assert faults(watched) == []
    sheet = f"/customers/{players.dupont.reference}/"
    hook = endpoints.add(
        name="crm",
        url="https://crm.example/",
        types=[*events.TYPES],
        by=SYSTEM,
        at=clock.now(),
    ).endpoint
    endpoints.switch_off(endpoint=hook, by=SYSTEM, at=clock.now())
    outbox.test(endpoint=hook, by=SYSTEM, at=clock.now())
    offers = (f"{sheet}offers/", f"{sheet}offers/{Offer.objects.get().reference}/")
    for name, paths in (
        ("amina", ("/desk/", sheet, *offers, "/notices/", "/customers/?q=x")),
        ("dirk", ("/webhooks/", "/webhooks/add/", f"/webhooks/{hook.pk}/")),
        (
            "chloe",
            (
                "/board/",
                *(f"/board/?rows={rows}" for rows in ("overrides", "kept_rate", "proof", "due")),
                "/board/wall/",
                *(f"/board/avoided/?rows={rows}" for rows in ("", "in_spite", "unasked")),
                f"{sheet}let-through/",
                f"/promises/{Promise.objects.get().reference}/",
            ),
        ),
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
    catalogue.load(by=SYSTEM, at=clock.now())
    log_in(watched, "amina")
    watched.keyboard.press("/")
    watched.keyboard.type(cast.dupont.reference)
    watched.keyboard.press("Enter")
    watched.wait_for_url(f"**/customers/{cast.dupont.reference}/")
    watched.get_by_label("Result").select_option("answered")
    watched.get_by_label("What it meant").select_option("wants_in_writing")
    plan = watched.get_by_label("Which offer")
    expect(plan).to_be_hidden()
    watched.get_by_label("We promise").first.select_option("send_offer")
    plan.select_option("plan:fibre-500")
    watched.get_by_label("I read this address back").check()
    watched.get_by_role("button", name="Save the call").click()
    expect(watched.locator(".journey .now")).to_contain_text(
        "The mail server took it", timeout=20000
    )
    expect(watched.locator(".lamp")).to_contain_text("there is no proof yet that it arrived")
    assert live_system.mailbox.wait_for(to=DUPONT_MAIL)
    expect(watched.locator(".journey .step-now")).to_contain_text("delivered")


def open_sheet(page: Page, cast: Cast) -> None:
    catalogue.load(by=SYSTEM, at=clock.now())
    Customer.objects.filter(pk=cast.dupont.pk).update(bill_day=clock.now().day % 28 + 1)
    log_in(page, "amina")
    page.goto(f"/customers/{cast.dupont.reference}/")
    page.get_by_label("Result").select_option("answered")
    page.get_by_label("What it meant").select_option("wants_in_writing")


def test_an_offer_of_the_catalogue_is_promised_in_three_moves_by_keyboard(
    live_system: LiveSystem, watched: Page
) -> None:
    cast = assemble()
    open_sheet(watched, cast)
    watched.locator("h1").click()
    watched.keyboard.press("p")
    expect(watched.get_by_label("We promise")).to_be_focused()
    watched.keyboard.press("s")
    watched.get_by_label("Which offer").focus()
    watched.keyboard.type("Trio")
    expect(watched.locator(".line .sentence")).to_contain_text("plus chère que votre contrat")
    watched.keyboard.press("Control+Enter")
    watched.wait_for_url("**saved=**")
    promise = Promise.objects.get()
    assert promise.version is not None
    assert promise.version.plan == "Trio TV"


WAYS = [
    ("email", "Nous vous envoyons l’offre par e-mail.", "It goes by e-mail; if that fails, with"),
    ("portal", "Nous mettons l’offre sur votre page", "It goes on the customer's page; if that"),
    ("post", "Nous vous envoyons l’offre par courrier", "It goes by letter; if that fails, by e-"),
    ("bill_insert", "Vous trouverez l’offre avec votre", "It goes with the next bill; if that"),
]


def test_words_address_and_due_follow_the_chosen_way(
    live_system: LiveSystem, watched: Page
) -> None:
    open_sheet(watched, assemble())
    watched.get_by_label("We promise").select_option("send_offer")
    for channel, words, outcome in WAYS:
        watched.get_by_label("It goes").select_option(channel)
        expect(watched.get_by_label("In the words you used")).to_have_value(re.compile(words))
        expect(watched.locator(".outcome")).to_contain_text(outcome)
        paper = channel in {"post", "bill_insert"}
        expect(watched.get_by_label("Street and number")).to_be_visible(visible=paper)
        expect(watched.get_by_label("Mail address")).to_be_visible(visible=not paper)


KINDS = {
    "send_offer": {"Which offer", "It goes", "In the words you used", "Mail address"},
    "send_document": {"Document (PDF)", "It goes", "In the words you used", "Mail address"},
    "written_answer": {"The question, in the customer's words", "It goes", "Mail address"},
    "callback": {"On", "At", "In the words you used"},
    "": set(),
}


def test_each_kind_shows_its_own_fields_and_no_others(
    live_system: LiveSystem, watched: Page
) -> None:
    open_sheet(watched, assemble())
    for kind, wanted in KINDS.items():
        watched.get_by_label("We promise").select_option(kind)
        for label in set().union(*KINDS.values()):
            field = watched.get_by_label(label, exact=True)
            expect(field).to_be_visible(visible=label in wanted)


def test_a_way_that_cannot_be_promised_says_so_at_once(
    live_system: LiveSystem, watched: Page
) -> None:
    cast = assemble()
    open_sheet(watched, cast)
    Customer.objects.filter(pk=cast.dupont.pk).update(bill_day=None)
    watched.reload()
    watched.get_by_label("We promise").select_option("send_offer")
    watched.get_by_label("It goes").select_option("bill_insert")
    expect(watched.locator(".outcome.refused")).to_have_text("This customer gets no paper bill.")


def test_own_words_stay_when_the_way_changes(live_system: LiveSystem, watched: Page) -> None:
    open_sheet(watched, assemble())
    watched.get_by_label("We promise").select_option("send_offer")
    watched.get_by_label("In the words you used").fill("Je vous l'envoie demain.")
    watched.get_by_label("It goes").select_option("post")
    expect(watched.get_by_label("In the words you used")).to_have_value("Je vous l'envoie demain.")


@pytest.mark.parametrize("kind", ["send_offer", "written_answer", "callback"])
def test_an_open_form_is_usable_at_320_pixels_and_axe_finds_nothing(
    live_system: LiveSystem, watched: Page, kind: str
) -> None:
    watched.set_viewport_size({"width": 320, "height": 640})
    open_sheet(watched, assemble())
    watched.get_by_label("We promise").select_option(kind)
    assert watched.evaluate("document.documentElement.scrollWidth") == 320
    assert faults(watched) == []


def test_what_can_become_of_a_promise_is_usable_at_320_pixels_and_axe_finds_nothing(
    players: Cast, watched: Page
) -> None:
    mailed, ago = Promise.objects.get(), clock.now() - 5 * DAY
    # Nobody calls back by itself: it stays broken whatever the live system sends meanwhile.
    conversations.record(
        call=call_of(players.amina, players.dupont, at=ago),
        terms=[Terms(kind="callback", words="I call you.", plan=(), due_at=ago + DAY)],
        by=SYSTEM,
        at=ago,
    )
    log_in(watched, "chloe")
    watched.set_viewport_size({"width": 320, "height": 800})
    for path in (f"/promises/{mailed.reference}/", "/board/"):
        watched.goto(path)
        for closed in watched.locator("details.change > summary").all():
            closed.click()
        assert watched.locator("details.change form, form details.change").count()
        assert faults(watched) == [], path
        wide = watched.evaluate("document.documentElement.scrollWidth")
        assert wide <= 320, path


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
