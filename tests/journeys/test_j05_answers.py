"""J5: the customer answers on the page, and each button takes effect at the gate at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from crm.models import Customer
from followups.models import Item, Promise
from offers.models import Answer, Evidence
from offers.wording import say
from tests import cast
from tests.journeys.scene import Scene
from tests.live import until


@dataclass(frozen=True)
class Reader:
    """Somebody with a mail of ours in front of them, in their own language."""

    scene: Scene
    page: Page
    customer: Customer
    number: str
    address: str
    language: str

    def said(self, key: str, **values: object) -> str:
        return say("page_texts", key, self.language, **values)

    def codes(self) -> set[str]:
        """Why selling to them is denied just now, beside the call that was made a moment ago."""
        answer = self.scene.gate(self.number)
        return {block["code"] for block in answer["blocks"]} - {"min_gap"}

    def link(self) -> str:
        """The address of the page, as it stands in the newest mail."""
        body = self.scene.mail(self.address).get_body(("plain",))
        assert body
        found = re.search(r"http\S+/o/\S+", body.get_content())
        assert found
        return found[0]

    def press(self, key: str) -> None:
        """Presses the button of this name, and waits for the page that answers."""
        self.page.get_by_role("button", name=self.said(key), exact=True).click()
        self.page.wait_for_load_state()

    def told(self, key: str) -> None:
        """The page says what happened; of the text, what stands before its first value."""
        text = self.said(key, **dict.fromkeys(VALUES, "{}")).partition("{}")[0].strip()
        expect(self.page.get_by_role("status")).to_contain_text(text)

    def back(self) -> None:
        self.press("back_to_offer")
        expect(self.page.locator("h1")).to_have_text(self.said("offer_title"))


VALUES = ("owner", "date", "days", "moment", "reference", "most")


@pytest.fixture(params=["fr", "nl"])
def reader(request: pytest.FixtureRequest, scene: Scene, page: Page) -> Reader:
    """Mme Dupont or Dhr. Peeters, to whom the offer was promised and sent."""
    scene.to_working_morning()
    if request.param == "fr":
        who, number, address = scene.cast.dupont, cast.DUPONT_MOBILE, cast.DUPONT_MAIL
    else:
        who, number, address = scene.cast.peeters, cast.PEETERS_MOBILE, cast.PEETERS_MAIL
    promise = scene.promise(who, address=address)
    scene.accepted(promise)
    scene.system.mailbox.wait_for(to=address)
    page.set_viewport_size({"width": 390, "height": 844})
    return Reader(scene, page, who, number, address, request.param)


def promise_of(reader: Reader, kind: str = "send_offer") -> Promise:
    return Promise.objects.filter(customer=reader.customer, kind=kind).latest("pk")


def test_the_customer_compares_asks_and_decides_and_the_gate_follows(reader: Reader) -> None:
    page = reader.page
    page.goto(reader.link())
    expect(page.locator("main button")).to_have_count(1)
    assert reader.codes() == {"open_promise"}

    # "Show my offer": proven, so from now on there is time to read.
    reader.press("show_offer")
    expect(page.locator(".sentence")).to_contain_text("24")
    expect(page.locator("figure .bar")).to_have_count(2)
    assert promise_of(reader).status == "kept"
    assert reader.codes() == {"reading_time"}

    # "No call until I answer", and then a question, which is an answer.
    reader.press("pause")
    reader.told("said_paused")
    assert "customer_pause" in reader.codes()
    reader.back()
    page.get_by_label(reader.said("ask_label")).fill("Et la vitesse ? Hoe snel?")
    reader.press("ask")
    reader.told("said_asked")
    assert "open_promise" in reader.codes()
    assert "customer_pause" not in reader.codes()
    item = Item.objects.get(kind="answer_to_write")
    assert (item.owner, item.customer) == (reader.scene.cast.amina, reader.customer)

    # "Call me on …": nobody else calls before that.
    reader.back()
    assert "callback_pending" not in reader.codes()
    page.get_by_label(reader.said("call_me_label")).select_option(index=2)
    reader.press("call_me")
    reader.told("said_call_me")
    assert "callback_pending" in reader.codes()

    # No: quiet for a while. And yes, after all: the owner has it, and a confirmation comes.
    reader.back()
    reader.press("decline")
    reader.told("said_declined")
    assert "refusal_cooloff" in reader.codes()
    reader.back()
    reader.press("accept")
    reader.told("said_accepted")
    assert Item.objects.filter(kind="accepted", closed_at=None).count() == 1
    mails = reader.scene.system.mailbox.wait_for(to=reader.address, count=2)
    assert mails[-1]["Subject"] != mails[0]["Subject"]
    kinds = list(Answer.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["paused", "asked", "call_me", "declined", "accepted"]


def test_i_never_received_it_shuts_the_gate_again(reader: Reader) -> None:
    page = reader.page
    page.goto(reader.link())
    reader.press("show_offer")
    assert reader.codes() == {"reading_time"}
    reader.press("to_promises")
    promise = promise_of(reader)
    expect(page.locator(".promises li")).to_have_count(1)
    name = reader.said("never_received_of", reference=promise.reference)
    page.get_by_role("button", name=name).click()
    reader.told("said_never_received")
    promise.refresh_from_db()
    assert (promise.status, reader.codes()) == ("open", {"open_promise"})
    # No channel was left in this plan: a named person has to act.
    assert Item.objects.filter(promise=promise, closed_at=None).exists()
    reader.press("to_promises")
    expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_never_call_me_shuts_the_gate_for_good_and_only_the_customer_opens_it(
    reader: Reader,
) -> None:
    page = reader.page
    page.goto(reader.link())
    reader.press("show_offer")
    assert "dnc_company" not in reader.codes()
    reader.press("never_call")
    reader.told("said_never_call")
    assert "dnc_company" in reader.codes()
    reader.press("to_wishes")
    calls = page.get_by_label(reader.said("wish_calls"))
    expect(calls).not_to_be_checked()
    calls.check()
    reader.press("save_wishes")
    reader.told("said_wishes_kept")
    assert "dnc_company" not in reader.codes()


def test_a_double_click_on_a_slow_line_accepts_once(reader: Reader) -> None:
    page = reader.page
    page.goto(reader.link())
    reader.press("show_offer")
    button = page.get_by_role("button", name=reader.said("accept"), exact=True)
    button.dblclick(no_wait_after=True)
    expect(page.get_by_role("status")).to_be_visible()
    until(lambda: Answer.objects.filter(kind="accepted").exists(), what="the answer")
    assert Answer.objects.count() == 1
    assert Evidence.objects.filter(kind="answered").count() == 1
