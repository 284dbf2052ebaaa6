"""Killed at the worst moment: what a process that dies just there leaves behind, and what comes.

The child is a fork that kills itself with SIGKILL; the parent goes on as the survivor.
"""

from __future__ import annotations

import json
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.db import connection, connections, transaction
from django.test import Client

from config import clock
from config.sink import entries, running
from crm.actors import SYSTEM, Actor
from crm.models import Attempt
from followups import plans, reconcile
from followups.models import Item, Promise
from offers import deliveries, documents, evidence, sending
from offers.models import Delivery, OfferVersion
from tests.storm import people

pytestmark = [pytest.mark.storm, pytest.mark.django_db(transaction=True)]
BY = Actor(code="worker:1")
PATIENCE = 20  # seconds
LATER = deliveries.LEASE + timedelta(seconds=1)


def die(*args: object, **kwargs: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed(act: Callable[[], object], *, at: Any) -> None:
    """Runs `act` in a child in which `at` is patched to die."""
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        signal.alarm(PATIENCE)
        try:
            with at:
                act()
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), "the failpoint was not reached"
    assert os.WTERMSIG(status) == signal.SIGKILL


def after(owner: object, name: str) -> Any:
    """Dies when this function has done its work, before its caller hears of it."""
    real = getattr(owner, name)

    def last(*args: object, **kwargs: object) -> object:
        real(*args, **kwargs)
        die()
        return None

    return mock.patch.object(owner, name, last)


@pytest.fixture
def known() -> dict[str, Any]:
    return people.fill(1, 11)


@pytest.fixture
def post(known: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    person = known["people"][0]
    line = {"kind": "send_offer", "words": "The offer by mail", "offer": person["offer"]}
    body = {
        "source": "storm",
        "external_id": "one",
        "direction": "inbound",
        "customer": person["reference"],
        "agent": "agent",
        "started_at": "2026-01-05T10:00:00+01:00",
        "promises": [line],
    }

    def send() -> dict[str, Any]:
        answer = Client().post(
            "/api/v1/calls",
            json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {known['key']}", "Idempotency-Key": "only-once"},
        )
        assert answer.status_code in {200, 201}, answer.content
        made = dict(answer.json())
        for version in OfferVersion.objects.all():
            # Printed before anybody forks: Typst's threads do not come along into a child.
            documents.ensure(
                version=version, language=version.offer.customer.language, by=SYSTEM, at=clock.now()
            )
        return made

    return send


@pytest.fixture
def sink(tmp_path: Path, settings: Any) -> Iterator[Path]:
    with running(tmp_path) as url:
        settings.EMAIL_URL = url
        yield tmp_path


def send_due(*, later: timedelta = timedelta(0)) -> int:
    return sending.send_due(clock=lambda: clock.now() + later)


def the_delivery() -> Delivery:
    return Delivery.objects.get()


def lease_over() -> datetime:
    at = clock.now() + LATER
    deliveries.free_expired(at=at)
    return at


def test_killed_before_the_commit_nothing_is_there_and_the_same_key_makes_it(post: Any) -> None:
    killed(post, at=after(plans, "start"))
    assert (Promise.objects.count(), Attempt.objects.count(), Delivery.objects.count()) == (0, 0, 0)
    assert len(post()["promises"]) == 1
    assert Promise.objects.count() == 1


def test_killed_between_commit_and_answer_the_same_key_gives_the_same_promise(post: Any) -> None:
    killed(post, at=mock.patch("crm.api.JsonResponse", die))
    made = Promise.objects.get().reference
    assert [promise["reference"] for promise in post()["promises"]] == [made]
    assert (Promise.objects.count(), Attempt.objects.count()) == (1, 1)


def test_killed_while_preparing_the_mail_leaves_once(post: Any, sink: Path) -> None:
    post()
    killed(send_due, at=after(deliveries, "claim"))
    assert the_delivery().status == "claimed"
    lease_over()
    assert the_delivery().status == "queued"
    send_due(later=LATER)
    assert the_delivery().status == "sent"
    assert [entry["accepted"] for entry in entries(sink)] == [True]


@pytest.mark.parametrize(("point", "left"), [("begin_body", 0), ("settle", 1)])
def test_killed_in_or_after_the_body_is_unknown_and_never_sent_again(
    post: Any, sink: Path, point: str, left: int
) -> None:
    post()
    at = (
        after(deliveries, point)
        if point == "begin_body"
        else mock.patch.object(sending, "settle", die)
    )
    killed(send_due, at=at)
    assert the_delivery().status == "sending"
    over = lease_over()
    assert the_delivery().status == "unknown"
    reconcile.run(at=over)
    assert Item.objects.get().kind == Item.Kind.UNKNOWN_SEND
    assert send_due(later=LATER + timedelta(days=2)) == 0
    assert len(entries(sink)) == left


def test_killed_between_sent_and_its_evidence_neither_is_kept(post: Any, sink: Path) -> None:
    post()
    killed(send_due, at=mock.patch.object(evidence, "record", die))
    delivery = the_delivery()
    assert (delivery.status, delivery.evidence.count()) == ("sending", 0)
    lease_over()
    assert the_delivery().status == "unknown"


def test_a_zombie_with_an_old_token_can_move_nothing(post: Any) -> None:
    post()
    zombie = deliveries.claim(by=BY, at=clock.now())
    assert zombie
    later = lease_over()
    assert not deliveries.begin_body(delivery=zombie, by=BY, at=later)
    heir = deliveries.claim(by=BY, at=later)
    assert heir
    assert heir.token == zombie.token + 1
    for at in (clock.now(), later):
        assert not deliveries.begin_body(delivery=zombie, by=BY, at=at)
        for to in ("sent", "retry", "failed", "unknown"):
            assert not deliveries.settle(delivery=zombie, to=to, by=BY, at=at, cause="late")
    assert the_delivery().status == "claimed"
    assert deliveries.begin_body(delivery=heir, by=BY, at=later)


def test_a_holder_whose_lease_has_run_out_does_not_begin_the_body(post: Any) -> None:
    post()
    late = deliveries.claim(by=SYSTEM, at=clock.now())
    assert late
    assert not deliveries.begin_body(delivery=late, by=SYSTEM, at=clock.now() + LATER)


def test_a_holder_that_stands_still_in_a_move_does_not_hold_up_the_other_leases(
    known: dict[str, Any], post: Any
) -> None:
    body = post()
    first = deliveries.claim(by=BY, at=clock.now())
    assert first
    plans.resend(
        promise=Promise.objects.get(reference=body["promises"][0]["reference"]),
        address="other@mail.example",
        by=SYSTEM,
        at=clock.now(),
    )
    second = deliveries.claim(by=BY, at=clock.now())
    assert second
    still = connection.copy()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '3s'")
            still.set_autocommit(False)
            with still.cursor() as holder:
                holder.execute("SELECT 1 FROM offers_delivery WHERE id = %s FOR UPDATE", [first.pk])
            assert deliveries.free_expired(at=clock.now() + LATER) == 1
    finally:
        still.rollback()
        still.close()
    statuses = dict(Delivery.objects.values_list("pk", "status"))
    assert statuses == {first.pk: "claimed", second.pk: "queued"}


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_machine_whose_clock_is_two_hours_off_changes_nothing(
    post: Any, sink: Path, hours: int
) -> None:
    began = clock.now()
    with time_machine.travel(began + timedelta(hours=hours), tick=True):
        post()
        assert send_due() == 1
        assert deliveries.free_expired(at=clock.now()) == 0
    sent, promise = the_delivery(), Promise.objects.get()
    written = [sent.queued_at, sent.sending_at, sent.settled_at, promise.made_at]
    written += [event.at for event in sent.events.all()]
    written += [event.at for event in promise.events.all()]
    written += [event.received_at for event in sent.evidence.all()]
    assert len(written) > 8
    assert [at for at in written if at is None or not began <= at <= clock.now()] == []
