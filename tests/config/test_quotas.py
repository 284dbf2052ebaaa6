"""How often a key may ask: the minute slides, processes agree, and Redis may be away."""

from __future__ import annotations

import logging
import secrets

import pytest
import redis

from config import broker
from config.quotas import SHARE, SILENCE, WINDOW, Quotas, Standing

START = 1_000_000 * WINDOW  # a minute begins


class Hand:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.at = float(START)

    def __call__(self) -> float:
        return self.at


class Away:
    """A Redis that does not answer. Counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.back = False

    def __call__(self) -> redis.Redis:
        self.asked += 1
        if self.back:
            return broker.client()
        raise redis.ConnectionError("nobody there")


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def who() -> str:
    return secrets.token_hex(8)


def asked(quotas: Quotas, who: str, times: int, *, quota: int = 10) -> Standing:
    found = [quotas.ask(who, quota=quota) for _ in range(times)][-1]
    assert found is not None
    return found


def test_a_key_is_refused_when_its_minute_is_full_and_told_when_to_come_back(
    hand: Hand, who: str
) -> None:
    quotas = Quotas(clock=hand)
    last = asked(quotas, who, 10)
    assert (last.full, last.left, last.wait) == (False, 0, WINDOW)
    assert "Retry-After" not in last.headers
    refused = asked(quotas, who, 1)
    assert (refused.full, refused.left) == (True, 0)
    hand.at += refused.wait - 1
    assert asked(quotas, who, 1).full
    hand.at += 1
    assert not asked(quotas, who, 1).full


def test_what_was_asked_in_the_last_minute_counts_in_part(hand: Hand, who: str) -> None:
    quotas = Quotas(clock=hand)
    asked(quotas, who, 10)
    hand.at += SHARE
    asked(quotas, who, 1)
    hand.at = START + 1.5 * WINDOW
    assert asked(quotas, who, 5).left == 0
    assert asked(quotas, who, 1).full


def test_refused_questions_do_not_keep_the_door_shut(hand: Hand, who: str) -> None:
    quotas = Quotas(clock=hand)
    asked(quotas, who, 500)
    hand.at = START + 2 * WINDOW
    assert asked(quotas, who, 1).left == 9


def test_two_processes_count_together(hand: Hand, who: str) -> None:
    one, other = Quotas(clock=hand), Quotas(clock=hand)
    asked(one, who, 6)
    hand.at += SHARE
    asked(one, who, 1)
    assert asked(other, who, 1).left == 3  # the newest question of the first is not told yet
    hand.at += SHARE
    asked(other, who, 1)
    assert not asked(one, who, 1).full
    hand.at += SHARE
    asked(one, who, 1)
    hand.at += SHARE
    assert asked(other, who, 1).full


def test_each_key_has_a_quota_of_its_own(hand: Hand, who: str) -> None:
    quotas = Quotas(clock=hand)
    assert asked(quotas, who, 11).full
    assert not asked(quotas, who + "x", 1).full


def test_the_headers_say_the_policy_what_is_left_and_when_there_is_more(
    hand: Hand, who: str
) -> None:
    quotas = Quotas(clock=hand)
    assert asked(quotas, who, 3).headers == {
        "RateLimit-Policy": '"key";q=10;w=60',
        "RateLimit": '"key";r=7;t=60',
    }
    assert asked(quotas, who, 8).headers["Retry-After"] == str(asked(quotas, who, 1).wait)


def test_many_questions_in_a_moment_are_one_exchange_with_redis(hand: Hand, who: str) -> None:
    away = Away()
    away.back = True
    quotas = Quotas(clock=hand, client=away)
    asked(quotas, who, 100, quota=1000)
    assert away.asked == 1


def test_without_redis_nobody_is_limited_and_that_is_said_once(
    hand: Hand, who: str, caplog: pytest.LogCaptureFixture
) -> None:
    away = Away()
    quotas = Quotas(clock=hand, client=away)
    with caplog.at_level(logging.WARNING, "kept.quotas"):
        assert [quotas.ask(who, quota=1) for _ in range(50)] == [None] * 50
        assert away.asked == 1
        hand.at += SILENCE
        assert quotas.ask(who, quota=1) is None
        assert away.asked == 2
        away.back = True
        hand.at += SILENCE
        assert quotas.ask(who, quota=1) is not None
    said = [record.message for record in caplog.records]
    assert said == ["keys are not limited", "keys are limited again"]
