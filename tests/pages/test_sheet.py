"""The sheet: one save for a call and its promises, the lamp, the journey in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from crm import customers
from crm.models import Attempt, AuditEntry, Customer
from followups import gate
from followups.models import GateCheck, Lease, Promise
from offers import evidence, sending
from offers.channels.smtp import Outcome
from offers.models import Delivery, Document, Evidence, Offer
from offers.rendering import render_pdf
from tests.cast import (
    BUSY,
    DUPONT_MOBILE,
    HOUR,
    NO_SUCH_USER,
    START,
    Cast,
    Clock,
    Relay,
    call_and_promise,
)
from tests.followups import scenes
from tests.followups.scenes import proven
from tests.offers import sample
from tests.pages.conftest import Enter, set_clock
from tests.pages.forms import call_form, with_promise

Kind = Evidence.Kind
NO_ANSWER = Outcome("retry", None, None, "connection refused", "connect")


def address(customer: Customer, tail: str = "") -> str:
    return f"/customers/{customer.reference}/{tail}"


def page(client: Client, customer: Customer) -> str:
    return client.get(address(customer)).content.decode()


def counts() -> list[int]:
    return [
        model.objects.count()
        for model in (Attempt, Promise, Offer, Document, Delivery, Lease, AuditEntry, GateCheck)
    ]


def test_one_save_writes_the_call_the_offer_the_promise_and_the_queued_mail(
    monday: Cast, enter: Enter
) -> None:
    dupont = monday.dupont
    answer = enter(monday.amina).post(address(dupont, "calls/"), with_promise())
    assert answer.status_code == 302
    promise = Promise.objects.get()
    assert promise.attempt.source == "desk"
    assert promise.owner == monday.amina
    assert promise.version is not None
    assert promise.version.plan == "Fibre 500"
    assert promise.address_accepted_at is not None
    assert Delivery.objects.get().status == "queued"


def test_the_same_form_sent_twice_saves_nothing_twice(monday: Cast, enter: Enter) -> None:
    client, form = enter(monday.amina), with_promise()
    client.post(address(monday.dupont, "calls/"), form)
    before = counts()
    client.post(address(monday.dupont, "calls/"), form)
    assert counts() == before


def test_what_was_typed_is_kept_when_something_is_wrong_and_nothing_is_saved(
    monday: Cast, enter: Enter
) -> None:
    dupont = monday.dupont
    before = counts()
    form = with_promise(**{"disposition": "", "promises-0-words": ""})
    answer = enter(monday.amina).post(address(dupont, "calls/"), form)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Say what the call meant." in text
    assert "Write what was promised." in text
    assert "Wants to compare at home." in text
    assert '<option value="plan:fibre-500" selected' in text
    assert counts() == before


def test_nothing_can_be_promised_to_somebody_who_did_not_answer(monday: Cast, enter: Enter) -> None:
    form = with_promise(result="no_answer")
    answer = enter(monday.amina).post(address(monday.dupont, "calls/"), form)
    assert "nothing can have been promised" in answer.content.decode()
    assert not Attempt.objects.exists()


def test_an_uploaded_document_is_promised_and_sent(monday: Cast, enter: Enter) -> None:
    pdf = SimpleUploadedFile("answer.pdf", render_pdf(sample.document()), "application/pdf")
    form = with_promise(**{"promises-0-kind": "send_document", "promises-0-pdf": pdf})
    enter(monday.amina).post(address(monday.dupont, "calls/"), form)
    promise = Promise.objects.get()
    assert promise.document is not None
    assert promise.document.title == "answer.pdf"
    assert not Offer.objects.exists()


def test_a_file_that_is_no_pdf_is_refused_beside_its_field(monday: Cast, enter: Enter) -> None:
    file = SimpleUploadedFile("answer.pdf", b"GIF89a", "application/pdf")
    form = with_promise(**{"promises-0-kind": "send_document", "promises-0-pdf": file})
    answer = enter(monday.amina).post(address(monday.dupont, "calls/"), form)
    assert "The file is not a PDF." in answer.content.decode()
    assert not Attempt.objects.exists()


def test_the_call_began_when_its_form_was_opened(monday: Cast, enter: Enter) -> None:
    client = enter(monday.amina)
    opened = client.get(address(monday.dupont)).context["form"].initial["opened"]
    set_clock(START + timedelta(minutes=7))
    client.post(address(monday.dupont, "calls/"), call_form(opened=opened))
    call = Attempt.objects.get()
    assert START <= call.started_at < START + timedelta(minutes=1)
    assert call.ended_at is not None
    assert call.ended_at >= START + timedelta(minutes=7)


def test_another_teams_customer_is_not_found_and_nothing_changes(
    monday: Cast, enter: Enter
) -> None:
    peeters, client = monday.peeters, enter(monday.amina)
    before = counts()
    assert client.get(address(peeters)).status_code == 404
    assert client.get(address(peeters, "live/")).status_code == 404
    for tail, form in (("take/", {}), ("calls/", with_promise())):
        assert client.post(address(peeters, tail), form).status_code == 404
    assert counts() == before


def test_an_exact_number_opens_another_teams_customer_and_is_audited(
    monday: Cast, enter: Enter
) -> None:
    client, peeters = enter(monday.amina), monday.peeters
    answer = client.get("/pop", {"phone": " 32475998877"})
    assert answer["Location"] == address(peeters)
    assert client.get(address(peeters)).status_code == 200
    assert AuditEntry.objects.filter(action="other_team_opened").count() == 1


def test_a_shared_number_asks_who_is_calling(monday: Cast, enter: Enter) -> None:
    customers.add_number(customer=monday.peeters, e164=DUPONT_MOBILE, position=2, at=START)
    both = [monday.dupont.reference, monday.peeters.reference]
    text = enter(monday.amina).get("/pop", {"phone": DUPONT_MOBILE}).content.decode()
    assert [reference in text for reference in both] == [True, True]


def test_a_phone_link_stands_there_only_after_the_gate_allowed_it(
    monday: Cast, enter: Enter
) -> None:
    client = enter(monday.amina)
    assert "tel:" not in page(client, monday.dupont)
    taken = client.post(address(monday.dupont, "take/"), {"number": DUPONT_MOBILE})
    allowed = client.get(taken["Location"]).content.decode()
    assert allowed.count("tel:") == 1
    assert f"tel:{DUPONT_MOBILE}" in allowed
    assert "tel:" not in enter(monday.chloe).get(taken["Location"]).content.decode()


def test_a_promise_shuts_the_lamp_and_takes_the_phone_link_away(monday: Cast, enter: Enter) -> None:
    client = enter(monday.amina)
    taken = client.post(address(monday.dupont, "take/"))
    call_and_promise(monday.chloe, monday.dupont)
    text = client.get(taken["Location"]).content.decode()
    assert "Waiting for proof of delivery" in text
    assert "tel:" not in text


def test_a_number_is_shut_while_somebody_who_shares_it_waits_for_us(
    monday: Cast, enter: Enter
) -> None:
    customers.add_number(customer=monday.peeters, e164=DUPONT_MOBILE, position=2, at=START)
    call_and_promise(monday.bram, monday.peeters, call={"number": ""})
    text = page(enter(monday.amina), monday.dupont)
    assert text.count("Ask to call") == 1
    assert "shared with somebody else" in text
    assert monday.peeters.reference not in text


def test_the_lamp_says_until_when_the_customer_reads(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    promise = proven(monday, relay, at=START)
    set_clock(START + timedelta(days=2))
    text = page(enter(monday.amina), monday.dupont)
    assert promise.status == Promise.Status.KEPT
    assert "Not before Thursday 09:00" in text


def test_a_mail_server_that_does_not_answer_is_said_in_words(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    relay.script = [NO_ANSWER]
    call_and_promise(monday.amina, monday.dupont)
    sending.send_due(clock=Clock(START))
    text = page(enter(monday.amina), monday.dupont)
    assert "The mail server does not answer; next try at 09:01. Nothing is lost." in text
    assert Promise.objects.get().status == Promise.Status.OPEN


def test_a_mail_server_that_asks_us_to_wait_is_said_with_its_code(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    relay.script = [BUSY]
    call_and_promise(monday.amina, monday.dupont)
    sending.send_due(clock=Clock(START))
    assert "asked us to wait (451)" in page(enter(monday.amina), monday.dupont)


def test_the_live_part_answers_nothing_while_nothing_changed(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    call_and_promise(monday.amina, monday.dupont)
    client = enter(monday.amina)
    seen = client.get(address(monday.dupont)).context["live"]["seen"]
    live = address(monday.dupont, "live/")
    assert client.get(live, {"seen": seen}).status_code == 204
    sending.send_due(clock=Clock(START))
    moved = client.get(live, {"seen": seen})
    assert moved.status_code == 200
    assert "accepted by the mail server" in moved.content.decode()


def test_the_page_stops_looking_when_the_promise_is_settled(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    proven(monday, relay, at=START)
    set_clock(START + timedelta(days=2))
    assert 'hx-trigger="every' not in page(enter(monday.amina), monday.dupont)


def test_the_page_looks_again_when_the_promise_is_settled_while_it_is_read(
    monday: Cast, enter: Enter, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise = scenes.accepted(monday, relay)
    scenes.report(promise, Kind.DELIVERED, at=START)
    set_clock(START + timedelta(days=1))
    judge = gate.blocks

    def judged_just_before_it_settled(*given: Any, **more: Any) -> Any:
        answer = judge(*given, **more)
        evidence.ripen(at=START + timedelta(days=1))
        return answer

    monkeypatch.setattr(gate, "blocks", judged_just_before_it_settled)
    read = page(enter(monday.amina), monday.dupont)
    assert scenes.fresh(promise).status == "kept"
    assert "Waiting for proof of delivery" in read
    assert 'hx-trigger="every' in read


def test_a_lease_is_renewed_while_the_form_is_open_and_for_an_hour_at_most(
    monday: Cast, enter: Enter
) -> None:
    client = enter(monday.amina)
    client.post(address(monday.dupont, "take/"))
    lease = Lease.objects.get()
    renew = f"/leases/{lease.decision_id}/renew/"
    set_clock(START + timedelta(minutes=1))
    assert client.post(renew).status_code == 204
    longer = Lease.objects.get().until_at
    assert longer > lease.until_at
    assert enter(monday.chloe).post(renew).status_code == 204
    assert Lease.objects.get().until_at == longer
    Lease.objects.update(taken_at=START - HOUR)
    client.post(renew)
    assert Lease.objects.get().until_at == longer


def test_saving_the_call_gives_the_lease_back(monday: Cast, enter: Enter) -> None:
    client = enter(monday.amina)
    client.post(address(monday.dupont, "take/"))
    decision = str(Lease.objects.get().decision_id)
    client.post(address(monday.dupont, "calls/"), call_form(decision=decision))
    assert Lease.objects.get().released_at is not None
    assert str(Attempt.objects.get().decision_id) == decision


def test_a_refused_mail_says_so_at_the_station_where_it_stopped(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    relay.script = [NO_SUCH_USER]
    call_and_promise(monday.amina, monday.dupont)
    sending.send_due(clock=Clock(START))
    client = enter(monday.amina)
    text = page(client, monday.dupont)
    assert "The mail bounced at 09:00: the address does not exist." in text
    assert "refused" in text
    item = monday.amina.items.get()
    assert f"/items/{item.pk}/" in text
