"""Dialers that report their calls: sources with known secrets, and the payloads of the docs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from crm import call_sources
from crm.models import CallSource
from tests.api.conftest import FORM
from tests.cast import START, SYSTEM
from tests.sources import ROOT

PAGE = ROOT / "docs" / "call-events.md"
BLOCK = re.compile(r"^```(?:text|json) ([a-z-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECRET = "a-secret-of-the-dialer-0001"
JSON = "application/json"
ADDRESS = "/api/v1/call-events"


def payload(name: str) -> str:
    """A payload as docs/call-events.md shows it, with the secret of the tests in it."""
    told = dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))
    return told[name].strip().replace("THE-SECRET", SECRET)


@dataclass
class Dialer:
    """Something that speaks as the docs say that it does."""

    source: CallSource
    client: Client = field(default_factory=Client)
    at: datetime = START

    def says(self, text: str, **headers: str) -> HttpResponse:
        """Sends the text as this dialer would: by query, as a form, or as JSON; and proves it."""
        if self.source.name == "vicidial":
            return self.client.get(f"{ADDRESS}?{text}", headers=headers)
        kind = JSON if text.startswith("{") else FORM
        return self.client.post(
            f"{ADDRESS}?source={self.source.name}",
            text,
            content_type=kind,
            headers=self.proof(text) | headers,
        )

    def proof(self, text: str) -> dict[str, str]:
        """The headers with which the source's scheme is content."""
        scheme, door = self.source.scheme, self.source.door
        if scheme == "bearer":
            return {"Authorization": f"Bearer {SECRET}"}
        if scheme == "basic":
            pair = base64.b64encode(f"{self.source.name}:{SECRET}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        if scheme == "twilio":
            url = f"{settings.BASE_URL}{ADDRESS}?source={self.source.name}"
            return {"X-Twilio-Signature": twilio(url, text)}
        if scheme == "hmac-sha256":
            stamp = str(int(self.at.timestamp()))
            mac = hmac.new(SECRET.encode(), f"{stamp}.{text}".encode(), hashlib.sha256)
            return {
                door["timestamp_header"]: stamp,
                door["header"]: door["prefix"] + mac.hexdigest(),
            }
        return {}


def twilio(url: str, form: str, secret: str = SECRET) -> str:
    """The signature as Twilio describes it, written down a second time."""
    signed = url
    for name, value in sorted(parse_qsl(form, keep_blank_values=True)):
        signed += f"{name}{value}"
    return base64.b64encode(hmac.new(secret.encode(), signed.encode(), "sha1").digest()).decode()


def dialer(name: str, **more: Any) -> Dialer:
    """A source with a shipped dialect, under the dialer's own name."""
    given = {"zone": "Europe/Brussels", "region": "BE", "secret": SECRET, "name": name} | more
    dialect = call_sources.dialect(call_sources.SHIPPED / f"{name}.json")
    opened = call_sources.add(**{"dialect": dialect, **given}, by=SYSTEM, at=START)
    return Dialer(opened.source)
