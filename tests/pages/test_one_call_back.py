"""A second call-back at the desk: the standing one is shown, and moved when that is meant."""

from __future__ import annotations

from followups.models import Promise
from tests.cast import HOUR, START, Cast
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
