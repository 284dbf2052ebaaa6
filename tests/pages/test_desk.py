"""The desk: whom to call next, my promises, things to settle, the bell."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm import calls, customers
from crm.customers import Facts
from crm.models import Customer, Heartbeat, PostalAddress
from followups import notices
from followups.models import Item, Lease, Promise
from offers import sending
from offers.models import Delivery
from tests.cast import NO_SUCH_USER, START, Cast, Clock, Relay, call_and_promise, call_of, person
from tests.followups.scenes import accepted, proven, report
from tests.followups.test_conflicts import refused
from tests.pages.conftest import Enter, set_clock

READ = START + timedelta(days=5)


def names(client: Client) -> list[str]:
    return [call.customer.text.name for call in client.get("/desk/").context["next"].calls]


def neighbour(cast: Cast, number: int) -> Customer:
    facts = Facts(
        name=f"Neighbour {number}",
        language="fr",
        team=cast.liege,
        phones=(f"+3247000{number:04d}",),
        emails=(f"n{number}@mail.example",),
    )
    return customers.add(facts=facts, at=START)


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_who_has_read_long_enough_is_next_to_call(monday: Cast, enter: Enter, relay: Relay) -> None:
    proven(monday, relay, at=START)
    client = enter(monday.amina)
    set_clock(START + timedelta(days=2))
    assert names(client) == []
    set_clock(READ)
    assert names(client) == [monday.dupont.text.name]


def test_who_waits_for_another_promise_never_appears(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    proven(monday, relay, at=START)
    unanswered = {"result": "voicemail", "answered_at": None}
    call_and_promise(monday.chloe, monday.dupont, at=READ - timedelta(days=1), call=unanswered)
    set_clock(READ)
    client = enter(monday.amina)
    assert names(client) == []
    assert client.get("/desk/").context["next"].held_back == 1


def test_an_answered_call_takes_the_customer_off_the_list(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    from_desk = READ - timedelta(hours=8)
    proven(monday, relay, at=START)
    calls.log(
        call=call_of(monday.amina, monday.dupont, at=from_desk),
        by=person(monday.amina),
        at=from_desk,
    )
    set_clock(READ)
    assert names(enter(monday.amina)) == []


def test_taking_the_next_one_leases_the_customer_and_the_second_agent_is_told_why(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    proven(monday, relay, at=START)
    set_clock(READ)
    take = f"/customers/{monday.dupont.reference}/take/"
    taken = enter(monday.amina).post(take)
    assert "?decision=" in taken["Location"]
    assert Lease.objects.get().holder == f"user:{monday.amina.pk}"
    refused = enter(monday.chloe).post(take, follow=True)
    assert "Somebody else was just allowed to call" in refused.content.decode()
    assert Lease.objects.count() == 1


def test_my_promises_begin_with_the_broken_one(monday: Cast, enter: Enter, relay: Relay) -> None:
    accepted(monday, relay, at=START)
    late = call_and_promise(monday.amina, neighbour(monday, 1), address="n1@mail.example")
    set_clock(START + timedelta(days=1, hours=12))
    rows = enter(monday.amina).get("/desk/").context["promises"]
    assert [row.state for row in rows] == ["broken", "in_delivery"]
    assert rows[0].promise == late


def test_the_desk_asks_the_same_number_of_questions_for_one_row_and_for_many(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    client = enter(monday.amina)
    fill(monday, relay, 0)
    client.get("/desk/")
    few = queries(client, "/desk/")
    for number in range(1, 6):
        fill(monday, relay, number)
    assert len(client.get("/desk/").context["promises"]) > 6
    assert queries(client, "/desk/") == few


def fill(cast: Cast, relay: Relay, number: int) -> None:
    """One follow-up, one open promise and one item more."""
    set_clock(START)
    for step in range(3):
        customer = neighbour(cast, number * 10 + step)
        mail = f"n{number * 10 + step}@mail.example"
        promise = call_and_promise(cast.amina, customer, address=mail)
        if step == 0:
            settle(promise, relay)
        if step == 1:
            relay.script = [NO_SUCH_USER]
            sending.send_due(clock=Clock(START))
    set_clock(READ)


def settle(promise: Promise, relay: Relay) -> None:
    sending.send_due(clock=Clock(START))
    report(promise, "confirmed", at=START + timedelta(minutes=1))


def bounced(cast: Cast, relay: Relay) -> Item:
    relay.script = [NO_SUCH_USER]
    call_and_promise(cast.amina, cast.dupont)
    sending.send_due(clock=Clock(START))
    return Item.objects.get(kind=Item.Kind.ADDRESS_TO_FIX)


def test_a_mended_address_sends_the_document_again_and_settles_the_item(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    item, client = bounced(monday, relay), enter(monday.amina)
    shown = client.get(f"/items/{item.pk}/").content.decode()
    assert "the address does not exist" in shown
    assert client.post(f"/items/{item.pk}/", {"address": "new@mail.example"}).status_code == 302
    assert Delivery.objects.latest("pk").text.address == "new@mail.example"
    item.refresh_from_db()
    assert item.closed_cause == "resent"


def test_an_address_that_is_none_is_refused_and_changes_nothing(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    item = bounced(monday, relay)
    answer = enter(monday.amina).post(f"/items/{item.pk}/", {"address": "not an address"})
    assert answer.status_code == 422
    assert "Enter a valid email address." in answer.content.decode()
    assert Delivery.objects.count() == 1


BY_LETTER = {
    "channel": "post",
    "street": "rue Neuve 7",
    "postcode": "4000",
    "city": "Liège",
}


def test_what_bounced_goes_again_by_letter_to_a_corrected_address(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    item, client = bounced(monday, relay), enter(monday.amina)
    assert client.post(f"/items/{item.pk}/", {**BY_LETTER, "city": ""}).status_code == 422
    assert client.post(f"/items/{item.pk}/", BY_LETTER).status_code == 302
    letter = Delivery.objects.latest("pk")
    assert (letter.channel, letter.text.address) == ("post", "rue Neuve 7\n4000 Liège")
    assert PostalAddress.objects.get(customer=monday.dupont).street == "rue Neuve 7"


def test_a_mail_in_doubt_is_proposed_another_way(monday: Cast, enter: Enter, relay: Relay) -> None:
    item = bounced(monday, relay)
    page = enter(monday.amina).get(f"/items/{item.pk}/")
    assert page.context["form"].proposed == "email"
    Item.objects.filter(pk=item.pk).update(kind=Item.Kind.UNKNOWN_SEND)
    page = enter(monday.amina).get(f"/items/{item.pk}/")
    assert page.context["form"].proposed in {"bill_insert", "post"}
    assert "may have arrived all the same" in page.content.decode()


def test_a_way_that_is_closed_to_this_customer_is_named_with_its_reason(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    Customer.objects.filter(pk=monday.dupont.pk).update(bill_medium="electronic")
    item, client = bounced(monday, relay), enter(monday.amina)
    assert "This customer gets no paper bill." in client.get(f"/items/{item.pk}/").content.decode()
    insert = {**BY_LETTER, "channel": "bill_insert"}
    assert client.post(f"/items/{item.pk}/", insert).status_code == 422
    assert Delivery.objects.count() == 1


def test_an_address_to_fix_is_not_settled_by_a_button(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    item = bounced(monday, relay)
    enter(monday.amina).post(f"/items/{item.pk}/close/")
    item.refresh_from_db()
    assert item.closed_at is None


def test_another_teams_item_is_not_found_and_stays_as_it_is(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    item, client = bounced(monday, relay), enter(monday.bram)
    assert client.get(f"/items/{item.pk}/").status_code == 404
    assert client.post(f"/items/{item.pk}/", {"address": "x@mail.example"}).status_code == 404
    assert client.post(f"/items/{item.pk}/close/").status_code == 404
    assert Delivery.objects.count() == 1


def test_the_bell_counts_until_its_page_is_marked_as_read(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    bounced(monday, relay)
    client = enter(monday.amina)
    assert "unread notices" in client.get("/notices/").content.decode()
    assert "unread notices" in client.get("/desk/").content.decode()
    client.post("/notices/")
    assert "No unread notices" in client.get("/desk/").content.decode()
    assert notices.read(user=monday.amina, at=START) == 0


def test_the_bell_stands_in_days_and_what_is_unread_is_marked(monday: Cast, enter: Enter) -> None:
    for at in (START - timedelta(days=2), START):
        notices.tell(user=monday.amina, kind="override_refused", at=at, data={"customer": "C-1"})
    client = enter(monday.amina)
    text = client.get("/notices/").content.decode()
    assert text.index("<h2>Today</h2>") < text.index("<h2>Saturday 28 February</h2>")
    lines = text.partition("<h2>Today</h2>")[2].partition("<footer")[0]
    assert lines.count(">09:00</time>") == 2  # the heading says the day
    assert lines.count(">unread: </b>") == 2
    client.post("/notices/")
    text = client.get("/notices/").content.decode()
    assert "unread: " not in text and "All read" not in text


def test_a_stopped_worker_is_said_in_words_on_every_page(monday: Cast, enter: Enter) -> None:
    Heartbeat.objects.filter(name="send").update(beat_at=START - timedelta(hours=1))
    text = enter(monday.amina).get("/desk/").content.decode()
    assert "Mail is not being sent." in text
    assert "Nobody listens for bounces." not in text


def test_a_call_promised_to_somebody_who_wants_none_is_a_decision_on_every_page(
    monday: Cast, enter: Enter
) -> None:
    item, client = refused(monday), enter(monday.amina)
    shown = client.get(f"/items/{item.pk}/").content.decode()
    assert "What shall become of the promise?" in shown
    assert "What happened" not in shown, "nothing was sent, so nothing went wrong with it"
    for address in ("/desk/", f"/customers/{monday.dupont.reference}/"):
        read = client.get(address).content.decode()
        assert ">Decide<" in read, address
        assert ">Mend<" not in read, address
