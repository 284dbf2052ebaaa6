"""The demo: true content in every state, made once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from crm import heartbeats
from crm.models import Attempt, Customer, Heartbeat, Suppression, User
from followups import demo, gate, next_calls
from followups.board import rollups
from followups.models import DeniedCall, Escalation, GateCheck, Item, Notice, Override, Promise
from offers.models import Answer, Delivery, Evidence, IntakeSpan, PrintRun, UnmatchedReport
from offers.models.deliveries import PAPER

NOW = datetime(2026, 3, 18, 9, 40, 12, tzinfo=UTC)
Status = Delivery.Status


@pytest.fixture(scope="module")
def played(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The demo as of NOW, for every test of this module that asks; taken back at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        assert demo.load(at=NOW)
        yield
        transaction.set_rollback(True)


@pytest.fixture
def loaded(played: None, db: None) -> None:
    """The order matters: what a test writes is taken back, the demo stays."""


def test_every_state_of_a_promise_is_there(loaded: None) -> None:
    kept = Promise.objects.filter(status=Promise.Status.KEPT)
    assert kept.filter(broken_at=None).count() >= 8
    assert kept.exclude(broken_at=None).exists()  # kept, but late
    assert kept.filter(readable_at__gt=NOW - timedelta(hours=72)).count() >= 3
    assert Promise.objects.broken(NOW).count() >= 5
    assert Promise.objects.unproven(NOW).exists()
    assert Promise.objects.in_delivery().filter(proof_expected_at__gt=NOW).count() >= 3
    assert Promise.objects.filter(cycle=2, status=Promise.Status.OPEN).exists()
    assert Promise.objects.filter(items__kind=Item.Kind.ANSWER).exists()


def test_the_mails_ended_in_every_way(loaded: None) -> None:
    ends = set(Delivery.objects.values_list("status", flat=True))
    assert {Status.SENT, Status.FAILED, Status.UNKNOWN} <= ends
    kinds = set(Evidence.objects.values_list("kind", flat=True))
    told = {"relay_accepted", "delivered", "quiet", "failed", "delayed", "complaint", "reply"}
    assert told <= kinds
    assert not UnmatchedReport.objects.exists()


def test_every_channel_and_kind_is_there(loaded: None) -> None:
    letters = Promise.objects.filter(plan__0="post")
    assert letters.filter(status=Promise.Status.KEPT).exists()
    returned = Item.objects.filter(delivery__channel="post", closed_at=None)
    assert [item.kind for item in returned] == ["address_to_fix"]
    inserts = Delivery.objects.filter(channel="bill_insert")
    assert set(inserts.values_list("status", flat=True)) == {Status.SENT, Status.QUEUED}
    assert set(Answer.objects.values_list("kind", flat=True)) == {"accepted", "asked", "call_me"}
    pages = Promise.objects.filter(plan__0="portal")
    assert {"kept", "open"} <= set(pages.values_list("status", flat=True))
    backs = Promise.objects.filter(kind=Promise.Kind.CALLBACK)
    assert set(backs.values_list("status", flat=True)) == {"kept", "open"}
    assert {"open", "mailed"} <= set(PrintRun.objects.values_list("status", flat=True))
    assert not PrintRun.objects.filter(status="closed", ready_at=None).exists()


def test_nothing_of_the_past_is_mailed_when_the_demo_starts(loaded: None) -> None:
    mails = Delivery.objects.exclude(channel__in=PAPER)
    assert not mails.filter(next_try_at__lte=NOW).exists()
    assert not mails.filter(status__in=(Status.CLAIMED, Status.SENDING)).exists()
    assert not Notice.objects.filter(next_try_at__lte=NOW).exists()
    assert Notice.objects.filter(status=Notice.Status.SENT).count() > 10


def test_nothing_lies_in_the_future(loaded: None) -> None:
    assert not Attempt.objects.filter(started_at__gt=NOW).exists()
    assert not Promise.objects.filter(made_at__gt=NOW).exists()
    assert not Evidence.objects.filter(received_at__gt=NOW).exists()
    assert not Heartbeat.objects.filter(beat_at__gt=NOW).exists()
    assert IntakeSpan.objects.get().seen_at <= NOW


def test_people_were_told_rung_by_rung(loaded: None) -> None:
    roles = set(Escalation.objects.filter(track="lateness").values_list("role", flat=True))
    assert roles == {"owner", "owner_and_team", "supervisor", "operations", "management"}
    assert not Escalation.objects.filter(track="lateness", at__lt=NOW - timedelta(days=15)).exists()
    kinds = set(Item.objects.filter(closed_at=None).values_list("kind", flat=True))
    mails = {"address_to_fix", "unknown_send", "plan_exhausted", "answer"}
    assert kinds == mails | {"accepted", "answer_to_write"}


def test_the_queue_of_each_agent_has_follow_ups_that_may_be_called(loaded: None) -> None:
    heartbeats.started(at=NOW, names=[sweep.name for sweep in heartbeats.SWEEPS])
    for name, least in (("amina", 3), ("bram", 2)):
        found = next_calls.next_to_call(user=User.objects.get(username=name), at=NOW)
        assert len([call for call in found.calls if call.promise]) >= least, name
        assert found.head.entries, "and the list of a campaign behind them"


def test_redundant_calls_were_avoided(loaded: None) -> None:
    rollups.roll(at=NOW)
    assert DeniedCall.objects.filter(redundant=True).count() >= 5
    assert GateCheck.objects.filter(decision="allow").exists()
    assert Attempt.objects.filter(decision_id=None).exists()  # one was made in spite of it


def test_one_call_was_let_through_and_made(loaded: None) -> None:
    row = Override.objects.get()
    assert row.used_at is not None
    assert Attempt.objects.get(decision_id=row.decision_id).agent == row.agent
    assert row.text.asked_for
    assert row.text.reason


def test_a_newcomer_finds_customers_to_try_with(loaded: None) -> None:
    heartbeats.started(at=NOW, names=[sweep.name for sweep in heartbeats.SWEEPS])
    fresh = Customer.objects.filter(
        team__slug="liege", promises=None, attempts=None, emails__isnull=False
    ).distinct()
    free = [pk for pk, found in gate.blocks(fresh, purpose="sales", at=NOW).items() if not found]
    assert len(free) >= 10
    assert fresh.filter(offers__versions__isnull=False).count() == fresh.count()
    assert set(fresh.values_list("language", flat=True)) == {"fr", "de"}
    assert Customer.objects.count() == 60
    assert not Customer.objects.filter(generated=False).exists()


def test_some_may_never_be_called(loaded: None) -> None:
    kinds = set(Suppression.objects.values_list("kind", flat=True))
    assert kinds == {"dnc_company", "complaint"}


def test_a_second_time_changes_nothing(loaded: None) -> None:
    before = (Promise.objects.count(), Attempt.objects.count(), Customer.objects.count())
    assert not demo.load(at=NOW + timedelta(days=1))
    assert (Promise.objects.count(), Attempt.objects.count(), Customer.objects.count()) == before


def test_the_log_ins_work_and_are_long_enough(loaded: None) -> None:
    rows = demo.logins()
    assert {"amina", "bram", "chloe", "dirk", "eva"} <= {row.username for row in rows}
    for row in rows:
        assert len(row.password) >= 12
        assert User.objects.get(username=row.username).check_password(row.password)
    assert len({row.password for row in rows}) == len(rows)


def test_the_log_ins_are_put_right_after_the_secret_changed(loaded: None, settings: Any) -> None:
    before = demo.password_of("amina")
    settings.SECRET_KEY = "another-secret-of-this-machine" * 3
    assert demo.password_of("amina") != before
    demo.load(at=NOW)
    assert User.objects.get(username="amina").check_password(demo.password_of("amina"))
