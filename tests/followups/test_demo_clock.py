"""The demo: refused elsewhere, made on any day; and its clock, which only goes forward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from crm import heartbeats, workdays
from crm.models import Attempt, ClockOffset, Heartbeat, NationalList, Team, User
from followups import demo, demo_clock, demo_registry
from followups.demo_clock import BadStep
from followups.models import Lease, Promise
from offers.models import Delivery, IntakeSpan
from offers.models.deliveries import PAPER

NOW = datetime(2026, 3, 18, 9, 40, 12, tzinfo=UTC)
# Easter Monday, early: nobody has worked for more than two days.
HOLIDAY = datetime(2026, 4, 6, 5, 0, tzinfo=UTC)
TUESDAY = datetime(2026, 4, 7, 7, 15, tzinfo=UTC)  # a quarter past nine in Brussels


@pytest.mark.django_db
def test_on_a_holiday_its_clock_is_put_to_the_next_opening() -> None:
    lived = demo.load(at=HOLIDAY, size=demo.SMALL)
    assert lived == TUESDAY
    assert ClockOffset.objects.get().shift == TUESDAY - HOLIDAY
    assert Promise.objects.in_delivery().filter(proof_expected_at__gt=TUESDAY).exists()
    assert Promise.objects.broken(TUESDAY).exists()
    recent = Promise.objects.filter(readable_at__gt=TUESDAY - timedelta(hours=72))
    assert recent.filter(status=Promise.Status.KEPT).exists()
    due = Delivery.objects.filter(next_try_at__lte=TUESDAY)
    assert not due.exclude(channel__in=PAPER).exists()
    assert not due.exclude(line__run__status="open").exists(), "paper waits for a run's cut-off"
    # Nobody is at work before nine: who spoke to us in the night has rung us.
    night = Attempt.objects.filter(started_at__gt=TUESDAY - timedelta(hours=12))
    assert set(night.values_list("direction", flat=True)) == {"inbound"}


@pytest.mark.django_db
def test_while_people_may_be_called_its_clock_is_the_right_one(team: Team) -> None:
    saturday = datetime(2026, 3, 21, 10, tzinfo=UTC)
    for at in (NOW, saturday):
        assert demo.working_moment(at=at) == at
    for at in (saturday + timedelta(hours=8), datetime(2026, 3, 20, 18, 30, tzinfo=UTC)):
        assert demo.working_moment(at=at) == datetime(2026, 3, 23, 8, 15, tzinfo=UTC)


@pytest.mark.django_db
@pytest.mark.parametrize("words", [["demo"], ["demo_logins"], ["demo_clock", "+1d"]])
def test_outside_the_demo_every_command_refuses(settings: Any, words: list[str]) -> None:
    settings.KEPT_DEMO = False
    with pytest.raises(CommandError, match="demo only"):
        call_command(*words)
    assert not User.objects.exists()
    assert not ClockOffset.objects.exists()


@pytest.mark.django_db
def test_outside_the_demo_the_functions_refuse_too(settings: Any) -> None:
    settings.KEPT_DEMO = False
    for act in (
        lambda: demo.load(at=NOW),
        lambda: demo.logins(),
        lambda: demo_clock.shift(by=timedelta(hours=1)),
    ):
        with pytest.raises(demo.NotTheDemo):
            act()


def kept_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT kept_now(), clock_timestamp()")
        ours, theirs = cursor.fetchone()
    difference: datetime = NOW + (ours - theirs)
    return difference


@pytest.fixture
def team(db: None) -> Team:
    return Team.objects.create(slug="t", name="T", calendar=workdays.DEFAULT.to_dict())


def test_steps_add_up_and_take_with_them_what_was_alive(team: Team) -> None:
    heartbeats.beat(name="send", at=NOW)
    IntakeSpan.objects.create(intake="sink", from_at=NOW - timedelta(days=3), seen_at=NOW)
    Lease.objects.create(
        number_hash=b"x",
        decision_id="0198c5a0-0000-7000-8000-000000000000",
        holder="user:1",
        taken_at=NOW,
        taken_by="user:1",
        until_at=NOW + timedelta(minutes=2),
    )
    demo_clock.shift(by=timedelta(hours=1))
    demo_clock.shift(by=timedelta(days=1))
    step = timedelta(hours=25)
    assert abs(kept_now() - NOW - step) < timedelta(milliseconds=50)
    assert Heartbeat.objects.get().beat_at == NOW + step
    span = IntakeSpan.objects.get()
    assert (span.from_at, span.seen_at) == (NOW - timedelta(days=3), NOW + step)
    assert Lease.objects.get().until_at == NOW + timedelta(minutes=2) + step


def test_a_national_list_does_not_grow_old_in_a_step(team: Team) -> None:
    demo_registry.first(["+32475123456"], at=NOW)
    demo_clock.move("+1d", teams=[team], at=NOW)
    assert NationalList.objects.get().as_of_date == NOW.date()
    then = demo_clock.move("+9d", teams=[team], at=NOW + timedelta(days=1))
    assert then == NOW + timedelta(days=10)
    row = NationalList.objects.get()
    assert row.as_of_date == then.date()
    assert row.entries.filter(e164="+32475123456").exists()


@pytest.mark.parametrize(("text", "hours"), [("+1h", 1), ("+25h", 25), ("+1d", 24), ("+9d", 216)])
def test_a_step_is_hours_or_days(team: Team, text: str, hours: int) -> None:
    assert demo_clock.step(text, teams=[team], at=NOW) == timedelta(hours=hours)


def test_the_next_opening_is_one_that_has_not_begun(team: Team) -> None:
    wednesday_nine = datetime(2026, 3, 18, 8, tzinfo=UTC)
    before = demo_clock.step("opening", teams=[team], at=wednesday_nine - timedelta(hours=3))
    assert before == timedelta(hours=3)
    at_work = demo_clock.step("opening", teams=[team], at=wednesday_nine)
    assert at_work == timedelta(days=1)
    friday_evening = datetime(2026, 3, 20, 19, tzinfo=UTC)
    weekend = demo_clock.step("opening", teams=[team], at=friday_evening)
    assert friday_evening + weekend == datetime(2026, 3, 23, 8, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "-1h", "+0h", "1h", "+1w", "+99999d", "+1h;", "+١h"])
def test_a_step_that_is_none_is_refused(team: Team, text: str) -> None:
    with pytest.raises(BadStep):
        demo_clock.step(text, teams=[team], at=NOW)


def test_the_clock_never_goes_back(team: Team) -> None:
    with pytest.raises(BadStep):
        demo_clock.shift(by=timedelta(hours=-1))
    with pytest.raises(BadStep):
        demo_clock.step("opening", teams=[], at=NOW)
