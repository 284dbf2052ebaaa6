"""Each kind of promise over each channel, as the form sends it: what is refused, and in words."""

from __future__ import annotations

from typing import Any

import pytest

from crm.models import Attempt, Customer
from followups.models import Promise
from offers.models import Delivery
from tests.cast import Cast, brussels
from tests.pages.conftest import Enter, set_clock
from tests.pages.forms import call_form, with_promise

PAPER = {
    "promises-0-address": "",
    "promises-0-street": "rue du Pont 1",
    "promises-0-postcode": "4000",
    "promises-0-city": "Liège",
}


def send(cast: Cast, enter: Enter, **changes: Any) -> str:
    """The page's answer to a form, when something is wrong with it; else nothing."""
    form = with_promise(**{f"promises-0-{name}": value for name, value in changes.items()})
    return posted(cast, enter, form)


def posted(cast: Cast, enter: Enter, form: dict[str, Any]) -> str:
    answer = enter(cast.amina).post(f"/customers/{cast.dupont.reference}/calls/", form)
    return "" if answer.status_code == 302 else answer.content.decode()


def callback(**changes: str) -> dict[str, Any]:
    slot = {"kind": "callback", "day": "2026-03-04", "time": "10:15", **changes}
    return call_form(**{f"promises-0-{name}": value for name, value in slot.items()})


def bill_day(customer: Customer, day: int | None) -> None:
    Customer.objects.filter(pk=customer.pk).update(bill_day=day)


@pytest.mark.parametrize("channel", ["email", "portal", "post", "bill_insert"])
def test_an_offer_leaves_over_the_channel_that_was_chosen(
    monday: Cast, enter: Enter, channel: str
) -> None:
    bill_day(monday.dupont, 20)
    paper = channel in {"post", "bill_insert"}
    more = {name.removeprefix("promises-0-"): value for name, value in PAPER.items()}
    assert send(monday, enter, channel=channel, **(more if paper else {})) == ""
    promise = Promise.objects.get()
    assert promise.plan[0] == channel
    assert Delivery.objects.get().channel == channel
    assert promise.text.address.startswith("rue du Pont" if paper else "dupont@")


def test_the_plan_goes_on_with_what_is_on_file(monday: Cast, enter: Enter) -> None:
    bill_day(monday.dupont, 20)
    send(monday, enter)
    assert Promise.objects.get().plan == ["email", "bill_insert", "post"]


def test_without_a_paper_bill_the_plan_skips_it_and_choosing_it_is_refused(
    monday: Cast, enter: Enter
) -> None:
    bill_day(monday.dupont, None)
    text = send(monday, enter, channel="bill_insert")
    assert text.count("This customer gets no paper bill.") > 1
    assert not Attempt.objects.exists()
    send(monday, enter)
    assert Promise.objects.get().plan == ["email", "post"]


def test_paper_needs_the_whole_address(monday: Cast, enter: Enter) -> None:
    text = send(monday, enter, channel="post", street="rue du Pont 1", postcode="", city="Liège")
    assert "Paper needs the whole address." in text
    assert not Attempt.objects.exists()


def test_the_form_says_when_each_way_is_due_and_what_follows(monday: Cast, enter: Enter) -> None:
    bill_day(monday.dupont, 20)
    page = enter(monday.amina).get(f"/customers/{monday.dupont.reference}/").content.decode()
    assert "Due by Tuesday 17:30. It goes by e-mail; if that fails, with the next bill, " in page
    assert "Due by Monday 9 March, 17:30. It goes by letter; if that fails, by e-mail" in page


def test_the_price_of_a_plan_stands_beside_what_is_paid_today(monday: Cast, enter: Enter) -> None:
    page = enter(monday.amina).get(f"/customers/{monday.dupont.reference}/").content.decode()
    assert "From the catalogue (pays €54.95 a month today)" in page
    assert "Fibre 150 · €32.00 a month · €22.95 less" in page
    assert "Fibre 500 · €35.00 a month, later €45.00 · €19.95 less, later €9.95 less" in page


def test_a_question_is_promised_an_answer_in_the_customers_words(
    monday: Cast, enter: Enter
) -> None:
    assert send(monday, enter, kind="written_answer", question="") != ""
    assert send(monday, enter, kind="written_answer", question="La ligne est comprise ?") == ""
    promise = Promise.objects.get()
    assert "La ligne est comprise ?" in promise.text.words
    assert promise.due_at == brussels("2026-03-09 17:30")
    assert not Delivery.objects.exists()


def test_the_owner_writes_the_answer_and_it_leaves(monday: Cast, enter: Enter) -> None:
    send(monday, enter, kind="written_answer", question="La ligne ?")
    item, client = monday.amina.items.get(), enter(monday.amina)
    assert "La ligne ?" in client.get(f"/items/{item.pk}/").content.decode()
    assert client.post(f"/items/{item.pk}/", {"text": " "}).status_code == 422
    assert client.post(f"/items/{item.pk}/", {"text": "Oui, elle l'est."}).status_code == 302
    item.refresh_from_db()
    assert item.closed_cause == "answered"
    assert Delivery.objects.get().document is not None


def test_a_call_back_is_agreed_for_a_moment_at_which_somebody_works(
    monday: Cast, enter: Enter
) -> None:
    assert posted(monday, enter, callback()) == ""
    promise = Promise.objects.get()
    assert (promise.kind, promise.due_at) == ("callback", brussels("2026-03-04 10:15"))
    assert promise.text.words == "Nous vous rappelons à l’heure convenue."


@pytest.mark.parametrize(
    ("slot", "why"),
    [
        ({"time": "20:00"}, "Nobody works then. Your team works Mon–Fri 09:00–17:30."),
        ({"day": "2026-03-08"}, "Nobody works then."),
        ({"day": "2026-03-01"}, "That moment has passed."),
        ({"time": ""}, "Say when we call back."),
    ],
)
def test_a_call_back_at_an_impossible_moment_is_refused_in_words(
    monday: Cast, enter: Enter, slot: dict[str, str], why: str
) -> None:
    assert why in posted(monday, enter, callback(**slot))
    assert not Attempt.objects.exists()


def test_a_call_back_comes_first_on_the_desk_when_its_moment_has_come(
    monday: Cast, enter: Enter
) -> None:
    posted(monday, enter, callback())
    client = enter(monday.amina)
    assert client.get("/desk/").context["next"].calls == ()
    set_clock(brussels("2026-03-04 10:10"))
    (call,) = client.get("/desk/").context["next"].calls
    assert call.promise == Promise.objects.get()
    taken = client.post(f"/customers/{monday.dupont.reference}/take/")
    assert "?decision=" in taken["Location"]
    client.post(f"/customers/{monday.dupont.reference}/calls/", call_form())
    assert Promise.objects.get().status == Promise.Status.KEPT
    assert Attempt.objects.latest("pk").purpose == "callback"
