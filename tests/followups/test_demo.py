"""The demo: true content in every state, made once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from crm import heartbeats
from crm.models import (
    Absence,
    ApiKey,
    Attempt,
    AuditEntry,
    CallSource,
    Campaign,
    Consent,
    Customer,
    Heartbeat,
    Import,
    ListedNumber,
    NationalList,
    Suppression,
    User,
)
from followups import demo, gate, next_calls, overrides
from followups.board import rollups
from followups.models import (
    DeniedCall,
    Escalation,
    GateCheck,
    Item,
    Notice,
    Override,
    Promise,
    PromiseEvent,
    WebhookEndpoint,
)
from offers.models import Answer, Delivery, Evidence, IntakeSpan, PrintRun, UnmatchedReport
from offers.models.deliveries import PAPER

NOW = datetime(2026, 3, 18, 9, 40, 12, tzinfo=UTC)
# Some customers more than have a story, and some days more than have a name: every room is seen.
SIZE = demo.Size(customers=220, days=demo.LAST_DAYS + 5)
Status = Delivery.Status


@pytest.fixture(scope="module")
def played(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The demo as of NOW, for every test of this module that asks; taken back at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        assert demo.load(at=NOW, size=SIZE) == NOW
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
    assert UnmatchedReport.objects.count() == 1, "one bounce that names no mail"


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
    assert not Escalation.objects.filter(track="lateness", at__lt=NOW - timedelta(days=25)).exists()
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
    row = Override.objects.get(used_at__isnull=False)
    assert {asked.agent.team.slug for asked in overrides.pending()} == {"liege", "gent"}
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
    assert fresh.filter(offers__versions__isnull=False).count() >= 10
    assert set(fresh.values_list("language", flat=True)) == {"fr", "de"}
    assert Customer.objects.count() == SIZE.customers
    assert not Customer.objects.filter(generated=False).exists()


def test_some_may_never_be_called(loaded: None) -> None:
    kinds = set(Suppression.objects.values_list("kind", flat=True))
    assert kinds == {"dnc_company", "complaint", "refusal_cooloff"}


def test_promises_took_their_turns(loaded: None) -> None:
    statuses = set(Promise.objects.values_list("status", flat=True))
    assert statuses == {"open", "kept", "withdrawn", "replaced"}
    assert Promise.objects.filter(replaces__isnull=False, plan__0="post").exists()
    assert AuditEntry.objects.filter(action="withdrawal_signed").exists()
    assert PromiseEvent.objects.filter(cause="reassigned").exists()


def test_the_gate_denied_for_many_reasons_and_to_machines_too(loaded: None) -> None:
    rollups.roll(at=NOW)
    codes = set(DeniedCall.objects.values_list("code", flat=True))
    assert {"open_promise", "cap_attempts"} <= codes
    assert DeniedCall.objects.filter(first_by__startswith="key:").exists()


def test_the_house_has_something_to_do(loaded: None) -> None:
    assert set(Import.objects.values_list("status", flat=True)) == {"done", "checked"}
    assert Import.objects.filter(status="done", lines_bad__gt=0).exists()
    assert Absence.objects.filter(until_at__gt=NOW).count() == 2
    assert Consent.objects.filter(withdrawn_at=None).count() == 2
    assert Consent.objects.exclude(withdrawn_at=None).count() == 1
    assert WebhookEndpoint.objects.get().off_at is not None
    assert ApiKey.objects.count() == 2
    assert CallSource.objects.get().name == "nightline"


def test_both_campaigns_keep_to_the_belgian_rules(loaded: None) -> None:
    assert set(Campaign.objects.values_list("policy", flat=True)) == {"be"}
    assert NationalList.objects.get().as_of_date == NOW.date()
    listed = Customer.objects.filter(numbers__e164__in=ListedNumber.objects.values("e164"))
    assert listed.exists()
    for row in Attempt.objects.filter(direction="outbound").select_related("team"):
        assert demo.CALENDARS[row.team.slug].is_open(row.started_at), row.started_at


def test_a_second_time_changes_nothing(loaded: None) -> None:
    before = (Promise.objects.count(), Attempt.objects.count(), Customer.objects.count())
    assert not demo.load(at=NOW + timedelta(days=1), size=SIZE)
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
    demo.load(at=NOW, size=SIZE)
    assert User.objects.get(username="amina").check_password(demo.password_of("amina"))
