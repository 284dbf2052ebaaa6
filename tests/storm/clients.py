"""Clients: they log calls with promises, note on disk what was acknowledged, and ask the gate."""

from __future__ import annotations

import http.client
import json
import os
import random
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from config.lineup import LOOPBACK

Person = dict[str, Any]
Answer = tuple[int, dict[str, Any]] | None
PATIENCE = 20.0  # seconds for one call to be acknowledged
PURPOSES = ("sales", "sales", "sales", "survey")


@dataclass(frozen=True)
class Asked:
    """A question to the gate and its answer, on the clients' common clock."""

    number: str
    asked_at: float
    decision: str
    code: str
    decision_id: str


class Ledger:
    """What was acknowledged, each line on disk before anything is built on it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file = path.open("ab", buffering=0)

    def note(self, **what: object) -> None:
        with self._lock:
            self._file.write(json.dumps(what).encode() + b"\n")
            os.fsync(self._file.fileno())

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_bytes().splitlines()]


@dataclass
class Crowd:
    """What the clients share: whom to call, who was promised something, what the gate said."""

    port: int
    key: str
    campaigns: list[str]
    people: list[Person]
    ledger: Ledger
    waiting: deque[Person] = field(default_factory=deque)
    promised: list[Person] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)  # answers that must never be given
    retries: int = 0
    stop: threading.Event = field(default_factory=threading.Event)


class Client(threading.Thread):
    """One of several, each with its own draw."""

    def __init__(self, crowd: Crowd, seed: str) -> None:
        super().__init__(daemon=True)
        self.crowd = crowd
        self.rng = random.Random(seed)
        self.wire: http.client.HTTPConnection | None = None

    def run(self) -> None:
        while not self.crowd.stop.is_set():
            if self.rng.random() < 0.35 and self.crowd.waiting:
                self.call(self.crowd.waiting.popleft())
            else:
                known = self.crowd.promised if self.rng.random() < 0.8 else self.crowd.people
                self.ask(self.rng.choice(known or self.crowd.people))
            time.sleep(self.rng.uniform(0, 0.03))

    def call(self, person: Person) -> None:
        """Asks, calls, logs the call with what was promised; the same request until it is heard."""
        permit = self.ask(person)
        body = self._call_of(person)
        key = f"storm-{body['external_id']}"
        answer = self._until_heard(key, body)
        if answer is None:
            return
        references = [promise["reference"] for promise in answer["promises"]]
        self.crowd.ledger.note(
            key=key,
            external_id=body["external_id"],
            customer=person["reference"],
            phones=person["phones"],
            words=[promise["words"] for promise in body["promises"]],
            references=references,
            acked_at=time.monotonic(),
        )
        self.crowd.promised.append(person)
        if permit and permit.decision == "allow":
            self._look_again(permit)
        self.ask(person)
        if self.rng.random() < 0.3:
            again = self._until_heard(key, body)
            if again is not None and again != answer:
                self.crowd.odd.append(f"{key}: {answer}, then {again}")

    def _call_of(self, person: Person) -> dict[str, Any]:
        mark = f"{self.rng.getrandbits(48):012x}"
        return {
            "source": "storm",
            "external_id": mark,
            # Outbound calls would shut the gate by themselves (min_gap) and hide a false allow.
            "direction": "inbound",
            "customer": person["reference"],
            "number": self.rng.choice(person["phones"]),
            "campaign": self.rng.choice(self.crowd.campaigns),
            "agent": "agent",
            "started_at": datetime.now(UTC).isoformat(),
            "result": "answered",
            "promises": [
                {
                    "kind": "send_offer",
                    "words": f"I'll e-mail you the offer ({mark}-{number})",
                    "channel": "email",
                    "offer": person["offer"],
                }
                for number in range(self.rng.choice((1, 1, 1, 2)))
            ],
        }

    def _until_heard(self, key: str, body: dict[str, Any]) -> dict[str, Any] | None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not self.crowd.stop.is_set():
            headers = {"Content-Type": "application/json", "Idempotency-Key": key}
            answer = self._send("POST", "/api/v1/calls", json.dumps(body), headers)
            if answer and answer[0] in {200, 201}:
                return answer[1]
            if answer and answer[0] not in {409, 429} and answer[0] < 500:
                self.crowd.odd.append(f"POST /calls: {answer}")
                return None
            self.crowd.retries += 1
            time.sleep(self.rng.uniform(0.02, 0.1))
        return None

    def _look_again(self, permit: Asked) -> None:
        """What was allowed before the promise does not stand after it."""
        answer = self._send("GET", f"/api/v1/gate/decisions/{permit.decision_id}", None, {})
        if answer and answer[0] == 200 and answer[1]["stands"]:
            self.crowd.odd.append(f"an allow outlived the promise: {permit} {answer[1]}")

    def ask(self, person: Person) -> Asked | None:
        question = {
            "number": self.rng.choice(person["phones"]),
            "purpose": self.rng.choice(PURPOSES),
            "campaign": self.rng.choice(self.crowd.campaigns),
            # A lease shuts the gate too, and would hide a false allow behind it.
            "reserve": int(self.rng.random() < 0.05),
        }
        if self.rng.random() < 0.1:
            question["request_id"] = f"{self.rng.getrandbits(64):x}"
        asked_at = time.monotonic()
        answer = self._send("GET", f"/api/v1/gate?{urlencode(question)}", None, {})
        if answer is None or answer[0] >= 500 or answer[0] == 429:
            return None
        status, said = answer
        if status != 200:
            self.crowd.odd.append(f"GET /gate: {answer}")
            return None
        row = Asked(
            str(question["number"]), asked_at, said["decision"], said["code"], said["decision_id"]
        )
        self.crowd.asked.append(row)
        return row

    def _send(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        """None when the line broke: the caller cannot know what became of it."""
        try:
            if self.wire is None:
                self.wire = http.client.HTTPConnection(LOOPBACK, self.crowd.port, timeout=10)
            key = {"Authorization": f"Bearer {self.crowd.key}"}
            self.wire.request(method, path, body, {**headers, **key})
            response = self.wire.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            if self.wire is not None:
                self.wire.close()
            self.wire = None
            return None
