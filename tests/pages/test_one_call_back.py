"""A second call-back at the desk: the standing one is shown, and moved when that is meant."""

from __future__ import annotations

from followups.models import Promise
from tests.cast import DUPONT_MAIL, HOUR, START, Cast, call_and_promise
from tests.followups.scenes import fresh
from tests.followups.test_callbacks import asked
from tests.pages.conftest import Enter, set_clock

FORM = {
    "direction": "outbound",
    "number": "",
    "result": "answered",
    "disposition": "callback_set",
    "promises-TOTAL_FORMS": 1,
    "promises-INITIAL_FORMS": 0,
    "promises-0-kind": "callback",
    "promises-0-day": "2026-03-04",
    "promises-0-time": "11:00",
}


def test_the_desk_shows_the_standing_one_and_offers_to_move_it(monday: Cast, enter: Enter) -> None:
    set_clock(START)
    promise = asked(monday)
    set_clock(START + HOUR)
    client = enter(monday.amina)
    sheet = f"/customers/{monday.dupont.reference}/"
    page = client.get(sheet)
    shown = page.content.decode()
    assert "Move the call-back that is promised already" in shown
    assert f"{promise.reference}, Tuesday 14:00, Amina" in shown
    form = {**FORM, "form_id": page.context["form"].initial["form_id"]}
    refused = client.post(f"{sheet}calls/", form)
    assert refused.status_code == 422
    assert "A call-back is promised already" in refused.content.decode()
    assert Promise.objects.count() == 1
    assert client.post(f"{sheet}calls/", {**form, "promises-0-move": "on"}).status_code == 302
    assert fresh(promise).status == "replaced"
    assert Promise.objects.open().get().replaces == promise


def test_nobody_who_waits_for_no_call_is_offered_to_move_one(monday: Cast, enter: Enter) -> None:
    set_clock(START)
    page = enter(monday.amina).get(f"/customers/{monday.dupont.reference}/").content.decode()
    assert "Move the call-back that is promised already" not in page


def test_a_call_is_promised_for_after_the_offer_has_come(monday: Cast, enter: Enter) -> None:
    offer = call_and_promise(monday.amina, monday.dupont)
    set_clock(START + HOUR)
    client = enter(monday.amina)
    sheet = f"/customers/{monday.dupont.reference}/"
    page = client.get(sheet)
    assert f"after {offer.reference} has come" in page.content.decode()
    waits = {"promises-0-day": "", "promises-0-time": "", "promises-0-after": offer.reference}
    form = {**FORM, **waits, "form_id": page.context["form"].initial["form_id"]}
    refused = client.post(f"{sheet}calls/", form)
    assert refused.status_code == 422
    assert "Say how many days after." in refused.content.decode()
    assert client.post(f"{sheet}calls/", {**form, "promises-0-after_days": 2}).status_code == 302
    promise = Promise.objects.get(kind="callback")
    assert (promise.after, promise.after_days, promise.waits) == (offer, 2, True)
    assert promise.text.words == "Nous vous rappelons une fois que vous l’aurez reçu."
    desk = client.get("/desk/").content.decode()
    assert f"We call back 2 days after {offer.reference} has come." in desk
    assert "no hour yet" in desk


def test_the_offer_and_the_call_that_waits_for_it_are_promised_in_one_go(
    monday: Cast, enter: Enter
) -> None:
    client = enter(monday.amina)
    sheet = f"/customers/{monday.dupont.reference}/"
    page = client.get(sheet)
    choices = page.context["lines"][0].fields["offer"].choices
    plan = choices[-1][1][0][0]
    form = {
        **FORM,
        "form_id": page.context["form"].initial["form_id"],
        "promises-TOTAL_FORMS": 2,
        "promises-0-after": "this",
        "promises-0-after_days": 3,
        "promises-1-kind": "send_offer",
        "promises-1-offer": plan,
        "promises-1-channel": "email",
        "promises-1-words": "I send it.",
        "promises-1-address": DUPONT_MAIL,
    }
    alone = {**form, "promises-1-kind": ""}
    refused = client.post(f"{sheet}calls/", alone)
    assert refused.status_code == 422
    assert "Nothing else is promised in this call" in refused.content.decode()
    assert not Promise.objects.exists()
    assert client.post(f"{sheet}calls/", form).status_code == 302
    call = Promise.objects.get(kind="callback")
    assert call.after and call.after.kind == "send_offer" and call.waits
