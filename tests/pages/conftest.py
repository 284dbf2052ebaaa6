"""What the tests of pages share: Monday morning by the product's clock, and who is logged in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from config import clock
from crm.models import ClockOffset, User
from followups import checks
from offers import catalogue
from tests.cast import START, SYSTEM, Cast, sweeps_alive

Enter = Callable[[User], Client]


def set_clock(at: datetime) -> datetime:
    """The product's clock stands at `at` (and runs on); every sweep has just run."""
    ClockOffset.objects.update_or_create(defaults={"shift": at - timezone.now()})
    checks.keep_partitions(at=at)
    sweeps_alive(at + timedelta(days=1))
    return clock.now()


@pytest.fixture
def monday(cast: Cast) -> Cast:
    """Monday 2 March 2026, 09:00; there are plans on sale."""
    set_clock(START)
    catalogue.load(by=SYSTEM, at=START)
    return cast


@pytest.fixture
def enter() -> Enter:
    """Logs somebody in."""

    def log_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return log_in
