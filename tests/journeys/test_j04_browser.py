"""J4 by hand: the agent's sheet, then operations' screens, in French and in Dutch."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils.translation import gettext, override
from playwright.sync_api import Page, expect

from config import clock
from crm.models import Customer, User
from followups.models import Promise
from offers import postal
from offers.models import PrintRun
from tests import cast
from tests.journeys.scene import Scene
from tests.journeys.test_j04_bill import NUMBER, billed, filled_in


class Hands:
    """Somebody at a screen in their own language; words are given as the code has them."""

    def __init__(self, page: Page, language: str) -> None:
        self.page, self.language = page, language

    def word(self, english: str) -> str:
        with override(self.language):
            return gettext(english)

    def log_in(self, user: User) -> None:
        User.objects.filter(pk=user.pk).update(language=self.language)
        self.page.context.clear_cookies()
        self.page.goto("/login/")
        self.page.locator("#id_username").fill(user.username)
        self.page.locator("#id_password").fill(cast.PASSWORD)
        self.page.locator("#id_password").press("Enter")
        self.page.wait_for_url(lambda url: "login" not in url)
        expect(self.page.locator("html")).to_have_attribute("lang", self.language)

    def press(self, english: str) -> None:
        self.page.get_by_role("button", name=self.word(english)).click()

    def downloaded(self, name: str) -> bytes:
        with self.page.expect_download() as waiting:
            self.page.get_by_role("link", name=name).click()
        return Path(waiting.value.path()).read_bytes()


@pytest.fixture(params=["fr", "nl"])
def hands(request: pytest.FixtureRequest, page: Page) -> Hands:
    return Hands(page, request.param)


def promise_with_the_bill(hands: Hands, customer: Customer) -> Promise:
    """The agent logs the call, and promises the offer with the next bill."""
    page = hands.page
    page.goto(f"/customers/{customer.reference}/")
    page.get_by_label(hands.word("Result")).first.select_option("answered")
    page.get_by_label(hands.word("What it meant")).select_option("wants_in_writing")
    page.get_by_label(hands.word("We promise")).first.select_option("send_offer")
    page.locator("select[name$='-channel']").first.select_option("bill_insert")
    hands.press("Save the call")
    page.wait_for_url("**saved=**")
    return Promise.objects.get()


def test_the_offer_is_promised_printed_confirmed_and_kept_on_the_screens(
    scene: Scene, hands: Hands, tmp_path: Path
) -> None:
    page, team = hands.page, scene.cast
    scene.to_working_morning()
    customer = billed(scene, hands.language)
    cast.offer_for(customer, at=scene.now())
    hands.log_in(team.amina if hands.language == "fr" else team.bram)
    promise = promise_with_the_bill(hands, customer)
    run = PrintRun.objects.get(lines__delivery__attached__promise=promise)
    assert scene.gate(NUMBER)["code"] == "open_promise"

    # The list closes by itself, and the worker builds while the screen is watched.
    scene.forward(run.cut_off_at - clock.now() + timedelta(minutes=1))
    hands.log_in(team.dirk)
    page.goto("/bill-runs/")
    page.locator("table").get_by_role("link").filter(has_text=str(run.pk)).first.click()
    printed = page.get_by_role("button", name=hands.word("It is printed"))
    expect(printed).to_be_visible(timeout=60000)
    volume = hands.downloaded(hands.word("Volume %(n)s") % {"n": 1})
    assert volume.startswith(b"%PDF-")
    manifest = hands.downloaded(hands.word("Manifest (CSV)")).decode()
    assert promise.reference in manifest
    printed.click()
    expect(page.get_by_role("button", name=hands.word("It left as a whole"))).to_be_visible()

    # On the mailing day the mail room returns the manifest, filled in.
    leaves = postal.noon(run.mailing_date, postal.mail_days())
    scene.forward(leaves - clock.now() + timedelta(hours=1))
    page.reload()
    page.locator("#id_file").set_input_files(filled_in(manifest, tmp_path, leaves))
    hands.press("Take it in")
    expect(page.locator("main")).to_contain_text(hands.word("Return files"))
    scene.run_sweeps()
    assert scene.gate(NUMBER)["code"] == "open_promise", "five working days without a return"

    quiet = postal.quiet_until("bill_insert", leaves, postal.mail_days())
    scene.forward(quiet - clock.now() + timedelta(minutes=5))
    promise = scene.status(promise, "kept")
    hands.log_in(team.amina if hands.language == "fr" else team.bram)
    page.goto(f"/customers/{customer.reference}/")
    expect(page.locator(".journey").first).to_contain_text(promise.reference)
    expect(page.locator("main")).to_contain_text(hands.word("kept"))
