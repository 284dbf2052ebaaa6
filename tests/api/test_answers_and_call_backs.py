"""Written answers and call-backs promised in a call that another system logs."""

from __future__ import annotations

import pytest

from followups.api import calls
from followups.models import Item, Promise
from tests.api.conftest import Machine
from tests.api.test_calls import call
from tests.cast import DAY, DUPONT_MAIL, HOUR, START, Cast

SLOT = START + 5 * HOUR


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "nudge", lambda name: None)


def test_a_call_back_names_its_slot_and_no_channel(scene: Cast, dialer: Machine) -> None:
    line = {"kind": "callback", "words": "I call you.", "due_at": SLOT.isoformat()}
    body = call(customer=scene.dupont.reference, promises=[line])
    answer = dialer.post("/calls", body)
    assert answer.status_code == 201, answer.content
    (made,) = answer.json()["promises"]
    assert (made["kind"], made["channel"], made["status"]) == ("callback", "", "open")
    promise = Promise.objects.get()
    assert (promise.due_at, promise.plan) == (SLOT, [])
    story = dialer.get(f"/promises/{promise.reference}")
    assert story.status_code == 200, story.content
    assert dialer.post("/calls", body).status_code == 200
    assert Promise.objects.count() == 1


@pytest.mark.parametrize("due", [None, START - HOUR, START + 400 * DAY])
def test_a_call_back_at_no_time_is_refused_by_field(
    scene: Cast, dialer: Machine, due: object
) -> None:
    line = {"kind": "callback", "words": "I call you."}
    if due is not None:
        line["due_at"] = str(due)
    answer = dialer.post("/calls", call(customer=scene.dupont.reference, promises=[line]))
    assert answer.status_code == 422
    assert "promises.0.due_at" in answer.content.decode()
    assert not Promise.objects.exists()


def test_a_written_answer_is_promised_without_a_document(scene: Cast, dialer: Machine) -> None:
    line = {"kind": "written_answer", "words": "In writing.", "address": DUPONT_MAIL}
    answer = dialer.post("/calls", call(customer=scene.dupont.reference, promises=[line]))
    assert answer.status_code == 201, answer.content
    promise = Promise.objects.get()
    assert (promise.kind, promise.document, promise.plan) == ("written_answer", None, ["email"])
    assert Item.objects.get(promise=promise).kind == "answer_to_write"


def test_a_call_back_takes_the_place_of_the_one_that_stands(scene: Cast, dialer: Machine) -> None:
    line = {"kind": "callback", "words": "I call you.", "due_at": SLOT.isoformat()}
    first = call(customer=scene.dupont.reference, promises=[line], external_id="1")
    assert dialer.post("/calls", first).status_code == 201
    later = line | {"due_at": (SLOT + DAY).isoformat()}
    body = call(customer=scene.dupont.reference, promises=[later], external_id="2")
    answer = dialer.post("/calls", body)
    assert answer.status_code == 422 and "promises.0.move" in answer.content.decode()
    body["promises"] = [later | {"move": True}]
    assert dialer.post("/calls", body).status_code == 201
    moved, stands = Promise.objects.order_by("pk")
    assert (moved.status, stands.replaces, stands.due_at) == ("replaced", moved, SLOT + DAY)


def test_a_call_back_waits_for_the_document_of_the_same_call_or_for_a_promise(
    scene: Cast, dialer: Machine
) -> None:
    answer = {"kind": "written_answer", "words": "In writing.", "address": DUPONT_MAIL}
    line = {"kind": "callback", "words": "I call you.", "after": "this", "after_days": 2}
    body = call(customer=scene.dupont.reference, promises=[answer, line], external_id="1")
    assert dialer.post("/calls", body).status_code == 201
    written, callback = Promise.objects.order_by("pk")
    assert (callback.after, callback.after_days, callback.waits) == (written, 2, True)
    line |= {"after": written.reference, "move": True}
    body = call(customer=scene.dupont.reference, promises=[line], external_id="2")
    assert dialer.post("/calls", body).status_code == 201
    assert Promise.objects.latest("pk").after == written
    body["promises"], body["external_id"] = [line | {"after": "P-222222"}], "3"
    refused = dialer.post("/calls", body)
    assert refused.status_code == 422 and "promises.0.after" in refused.content.decode()
