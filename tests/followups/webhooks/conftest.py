"""What the tests of webhooks share: a receiver on loopback, to which webhooks may go here."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from followups.models import WebhookEndpoint
from followups.webhooks import endpoints, events
from tests.cast import START, SYSTEM
from tests.followups.webhooks.receiver import Receiver


@pytest.fixture(autouse=True)
def public_only(settings: Any) -> None:
    """As in production, and not as in the demo as which the tests run."""
    settings.WEBHOOK_PRIVATE_NETWORKS = []


@pytest.fixture
def loopback(public_only: None, settings: Any) -> None:
    """Inside the house are these networks."""
    settings.WEBHOOK_PRIVATE_NETWORKS = [ip_network("127.0.0.0/8")]


@pytest.fixture
def receiver(loopback: None) -> Iterator[Receiver]:
    with Receiver() as server:
        yield server


def opened(url: str, name: str = "crm", **more: Any) -> endpoints.Opened:
    """An endpoint that is told of everything."""
    given = {"types": [*events.TYPES], "by": SYSTEM, "at": START, **more}
    return endpoints.add(name=name, url=url, **given)


@pytest.fixture
def endpoint(db: None, receiver: Receiver) -> WebhookEndpoint:
    return opened(receiver.url).endpoint
