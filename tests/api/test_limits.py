"""The limit of a key at the door: told in every answer, a 429 when it is used up."""

from __future__ import annotations

import pytest
import redis

from config import quotas
from crm import keys
from crm.models import ApiKey
from followups.models import GateCheck
from tests.api.conftest import Machine, machine
from tests.api.test_door import is_problem
from tests.cast import DUPONT_MOBILE, START, SYSTEM, Cast


def test_every_answer_says_how_often_the_key_may_ask(scene: Cast) -> None:
    slow = machine(per_minute=30)
    for answer in (slow.get("/ping"), slow.get("/promises"), slow.get("/gate", number="x")):
        assert answer["RateLimit-Policy"] == '"key";q=30;w=60'
        assert answer["RateLimit"].startswith('"key";r=')
    refused = slow.get("/promises", colour="red")
    assert (refused.status_code, "RateLimit" in refused) == (422, True)


def test_a_key_over_its_limit_is_told_when_to_come_back(scene: Cast) -> None:
    slow = machine(per_minute=2)
    for _ in range(2):
        assert slow.get("/gate", number=DUPONT_MOBILE, reserve="0").status_code == 200
    asked = GateCheck.objects.count()
    answer = slow.get("/gate", number=DUPONT_MOBILE, reserve="0")
    assert is_problem(answer, 429, "too_many_requests")
    assert 1 <= int(answer["Retry-After"]) <= 120
    assert answer["RateLimit"].startswith('"key";r=0;t=')
    assert GateCheck.objects.count() == asked


def test_another_key_goes_on(scene: Cast) -> None:
    slow, other = machine(per_minute=1), machine()
    slow.get("/ping")
    assert slow.get("/ping").status_code == 429
    assert other.get("/ping").status_code == 200


def test_who_has_no_key_is_told_no_limit(scene: Cast, dialer: Machine) -> None:
    answer = dialer.client.get("/api/v1/ping")
    assert (answer.status_code, "RateLimit" in answer) == (401, False)


def test_a_key_that_changed_while_it_was_trusted_counts_once(scene: Cast) -> None:
    slow = machine(per_minute=10)
    slow.get("/gate", number=DUPONT_MOBILE)
    ApiKey.objects.filter(pk=slow.key.pk).update(name="renamed")
    assert slow.get("/gate", number=DUPONT_MOBILE)["RateLimit"].startswith('"key";r=8;')


def test_without_redis_the_gate_answers_all_the_same(
    scene: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> redis.Redis:
        raise redis.ConnectionError("nobody there")

    monkeypatch.setattr(quotas.QUOTAS, "client", nobody)
    monkeypatch.setattr(quotas.QUOTAS, "silent_until", 0.0)
    monkeypatch.setattr(quotas.QUOTAS, "silent", False)
    slow = machine(per_minute=1)
    for _ in range(3):
        answer = slow.get("/gate", number=DUPONT_MOBILE, reserve="0")
        assert (answer.status_code, "RateLimit" in answer) == (200, False)


def test_a_key_without_a_limit_of_its_own_has_a_generous_one(scene: Cast) -> None:
    asks, writes = machine("gate:read", "calls:write"), machine("calls:write")
    assert keys.quota_of(asks.key) == 36_000
    assert keys.quota_of(writes.key) == 6_000
    assert keys.quota_of(machine(per_minute=7).key) == 7
    assert keys.issue(name="x", scopes=["gate:read"], by=SYSTEM, at=START).key.per_minute is None
