"""The stage of the journeys: real web, worker, beat and mail server, and the hands that act."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from config import clock, sink
from config.celery import nudge
from config.timetable import SWEEPS
from crm import heartbeats, keys
from crm.models import Customer
from followups import demo_clock
from followups.models import Promise
from offers.models import Delivery
from tests import cast
from tests.live import LiveSystem, until

ROOT = Path(__file__).resolve().parent.parent.parent


class Scene:
    """One journey: the cast is assembled, every sweep has run once, a key is issued."""

    def __init__(self, system: LiveSystem) -> None:
        self.system = system
        self.cast = cast.assemble()
        scopes = ["gate:read", "calls:write", "promises:read", "customers:read"]
        issued = keys.issue(name="journey", scopes=scopes, by=cast.SYSTEM, at=clock.now())
        self.secret = issued.secret
        self.run_sweeps()
        until(lambda: not heartbeats.stale(at=clock.now()), limit=40, what="every sweep to run")

    def run_sweeps(self) -> None:
        """Asks the real worker for every sweep, as beat does at its intervals."""
        for sweep in SWEEPS:
            nudge(sweep.name)

    def forward(self, by: timedelta) -> None:
        """Moves the product's clock, in every process."""
        demo_clock.shift(by=by)
        self.run_sweeps()

    def to_working_morning(self) -> None:
        """So that a journey means the same on a Tuesday night and on a Sunday."""
        calendar = demo_clock.step("opening", teams=[self.cast.liege], at=clock.now())
        self.forward(calendar)

    def settled(self) -> None:
        """Waits until the ladder was climbed with the clock as it is: whatever is due has fired.

        Twice, because the first turn may have read the clock before it was moved.
        """
        for _turn in range(2):
            since = clock.now()
            nudge("escalate")
            until(lambda since=since: heartbeats.last()["escalate"] > since, what="a sweep")

    def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, base_url: str = ""
    ) -> dict[str, Any]:
        """One request over real HTTP; answers the JSON, also of a refusal."""
        request = urllib.request.Request(  # noqa: S310 (loopback)
            f"{base_url or self.system.base_url}/api/v1{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={
                "Authorization": f"Bearer {self.secret}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                return dict(json.loads(answer.read()))
        except urllib.error.HTTPError as refusal:
            return dict(json.loads(refusal.read()))

    def gate(self, number: str, **more: str) -> dict[str, Any]:
        """Advice for a sales call, without taking the person."""
        asked = {"number": number, "purpose": "sales", "reserve": "0", **more}
        return self.ask("GET", f"/gate?{urlencode(asked)}")

    def promise(self, customer: Customer, *, address: str, accepted: bool = True) -> Promise:
        """Amina logs an answered call with "I'll e-mail you the offer", through the API."""
        version = cast.offer_for(customer, at=clock.now())
        started = clock.now() - timedelta(minutes=3)
        answer = self.ask(
            "POST",
            "/calls",
            {
                "source": "dialer",
                "external_id": uuid.uuid4().hex,
                "direction": "outbound",
                "customer": customer.reference,
                "agent": "amina",
                "started_at": started.isoformat(),
                "answered_at": (started + timedelta(seconds=8)).isoformat(),
                "ended_at": (started + timedelta(minutes=2)).isoformat(),
                "result": "answered",
                "disposition": "wants_in_writing",
                "promises": [
                    {
                        "kind": "send_offer",
                        "words": cast.WORDS,
                        "channel": "email",
                        "address": address,
                        "address_accepted": accepted,
                        "offer": version.offer.reference,
                    }
                ],
            },
        )
        assert "promises" in answer, answer
        return Promise.objects.get(reference=answer["promises"][0]["reference"])

    def accepted(self, promise: Promise) -> Delivery:
        """Waits until the mail server has taken the promise's mail."""

        def sent() -> Delivery | None:
            return Delivery.objects.filter(attached__promise=promise, status="sent").last()

        return until(sent, what="the mail server to take the mail")

    def mail(self, address: str) -> EmailMessage:
        """The newest mail to an address, as it lies in the sink."""
        return self.system.mailbox.wait_for(to=address)[-1]

    def report(self, kind: str, address: str) -> None:
        """The recipient's server reports, and the pipe of our own hands it to Kept."""
        newest = self.system.mailbox.listed(to=address)[-1]
        raw = sink.message(self.system.mailbox.folder, newest.number)
        report = sink.dsn(kind, raw, address, newest.envelope_from, clock.now())
        subprocess.run(
            [sys.executable, "manage.py", "receive_bounce"],
            input=report,
            env=self.system.env,
            cwd=ROOT,
            check=True,
        )
        self.run_sweeps()

    def status(self, promise: Promise, wanted: str) -> Promise:
        """Waits for a promise to get there."""

        def there() -> bool:
            promise.refresh_from_db()
            return promise.status == wanted

        until(there, limit=30, what=f"{promise} to be {wanted}")
        return promise

    def now(self) -> datetime:
        return clock.now()
