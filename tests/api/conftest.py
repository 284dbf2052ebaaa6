"""What the tests of the API share: the cast on 2 March 2026, and machines with keys."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from crm import keys
from crm.models import ApiKey, ClockOffset
from tests.cast import START, SYSTEM, Cast, assemble, sweeps_alive

FORM = "application/x-www-form-urlencoded"
ALL_SCOPES = tuple(keys.SCOPES)


@dataclass
class Machine:
    """Something that calls the API with a key of its own."""

    secret: str
    key: ApiKey
    client: Client = field(default_factory=Client)

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.client.get(f"/api/v1{path}", query, headers=self._headers())

    def post(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self.client.post(
            f"/api/v1{path}",
            json.dumps(body),
            content_type="application/json",
            headers=self._headers() | headers,
        )

    def form(self, path: str, **fields: Any) -> HttpResponse:
        body = urlencode(fields, doseq=True)
        return self.client.post(f"/api/v1{path}", body, content_type=FORM, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


def machine(*scopes: str, **more: Any) -> Machine:
    """A machine with these scopes, or with all of them."""
    wanted = scopes or ALL_SCOPES
    issued = keys.issue(name="dialer", scopes=wanted, by=SYSTEM, at=START, **more)
    return Machine(secret=issued.secret, key=issued.key)


def set_the_clock() -> None:
    """The product's clock shows Monday 2 March 2026, 09:00 in Brussels, and goes on from there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s - clock_timestamp()", [START])
        (shift,) = cursor.fetchone()
    ClockOffset.objects.update_or_create(pk=1, defaults={"shift": shift})
    sweeps_alive(START)


@pytest.fixture
def scene(db: None) -> Cast:
    """The cast at work: every sweep has just run."""
    set_the_clock()
    return assemble()


@pytest.fixture
def lasting_scene(transactional_db: None) -> Cast:
    """The same for tests that ask in several threads: what is written is committed."""
    set_the_clock()
    return assemble()


@pytest.fixture
def dialer(db: None) -> Machine:
    """A machine that may do everything."""
    return machine()
