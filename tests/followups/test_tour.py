"""The demo's tour: where each step leads, and that it is done when it was done."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from config import clock
from followups import conversations, overrides, tour
from offers import evidence, sending
from offers.models import Evidence
from tests.cast import (
    START,
    SYSTEM,
    Cast,
    Relay,
    call_and_promise,
    call_of,
    delivery_of,
    person,
    sweeps_alive,
)

TOUR = "demo_tour"
DELIVERED = evidence.Event(
    source="test", event_id="1", kind=Evidence.Kind.DELIVERED, occurred_at=START
)


def opened(client: Client, number: int) -> Any:
    return client.get(reverse("demo_tour_step", args=[number]))


@pytest.mark.parametrize("name", ["amina", "chloe", "dirk", "eva"])
def test_every_step_leads_to_a_page_of_that_reader(client: Client, cast: Cast, name: str) -> None:
    user = getattr(cast, name)
    client.force_login(user)
    assert client.get(reverse(TOUR)).status_code == 200
    for number in range(1, len(tour.steps(user)) + 1):
        answer = opened(client, number)
        assert answer.status_code == 302
        page = client.get(answer["Location"])
        assert page.status_code == 200, answer["Location"]
        if answer["Location"] != reverse("wall"):  # which shows numbers and nothing else
            assert str(tour.steps(user)[number - 1].title) in page.content.decode()


def test_there_is_no_strip_before_the_tour_and_none_after_it(client: Client, cast: Cast) -> None:
    client.force_login(cast.amina)
    assert "tour-strip" not in client.get("/desk/").content.decode()
    opened(client, 1)
    assert "tour-strip" in client.get("/desk/").content.decode()
    client.post(reverse(TOUR))
    assert "tour-strip" not in client.get("/desk/").content.decode()


def test_a_step_that_is_none_does_not_exist(client: Client, cast: Cast) -> None:
    client.force_login(cast.eva)
    assert opened(client, 0).status_code == 404
    assert opened(client, 99).status_code == 404
    assert tour.PLACE not in client.session


def test_a_place_that_the_role_does_not_have_shows_no_strip(client: Client, cast: Cast) -> None:
    client.force_login(cast.eva)
    session = client.session
    session[tour.PLACE] = len(tour.ADMINISTRATOR) + 1
    session.save()
    assert "tour-strip" not in client.get("/people/").content.decode()


def test_outside_the_demo_there_is_no_tour(client: Client, cast: Cast, settings: Any) -> None:
    client.force_login(cast.amina)
    opened(client, 1)
    settings.KEPT_DEMO = False
    assert client.get(reverse(TOUR)).status_code == 404
    assert opened(client, 1).status_code == 404
    assert "tour-strip" not in client.get("/desk/").content.decode()


def done(cast: Cast, at: datetime) -> list[bool]:
    return [row.done for row in tour.shown(cast.amina, at=at)]


def test_a_step_is_done_when_its_row_is_there(cast: Cast, relay: Relay) -> None:
    assert done(cast, START) == [False] * 6
    past = call_of(cast.amina, cast.dupont, source="demo")
    conversations.record(call=past, by=person(cast.amina), at=START)
    assert done(cast, START) == [False] * 6, "the demo's own past is nobody's doing"
    promise = call_and_promise(cast.amina, cast.dupont)
    sweeps_alive(START)
    assert done(cast, START) == [True, True, False, True, False, False]
    sending.send_due(clock=lambda: START)
    assert done(cast, START) == [True, True, True, True, False, False]
    evidence.record(delivery=delivery_of(promise), event=DELIVERED, by=SYSTEM, at=START)
    later = START + timedelta(hours=25)
    evidence.ripen(at=later)
    sweeps_alive(later)
    assert done(cast, later) == [True, True, True, True, True, False]
    read = later + timedelta(days=4)
    sweeps_alive(read)
    assert done(cast, read) == [True, True, True, False, True, True]


def test_the_supervisor_is_led_to_the_question_and_has_answered_it(
    client: Client, cast: Cast
) -> None:
    promise = call_and_promise(cast.amina, cast.dupont, at=clock.now())
    sweeps_alive(clock.now())
    by = person(cast.amina)
    asked = overrides.ask(customer=promise.customer, reason="Rang the shop.", by=by, at=clock.now())
    client.force_login(cast.chloe)
    assert opened(client, 3)["Location"] == reverse("override", args=[asked.pk])
    assert not tour.shown(cast.chloe, at=clock.now())[2].done
    overrides.refuse(request=asked, by=person(cast.chloe), at=clock.now())
    assert opened(client, 3)["Location"] == reverse("desk")
    assert tour.shown(cast.chloe, at=clock.now())[2].done
