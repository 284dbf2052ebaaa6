"""How often a key may ask: counted in this process, summed in Redis a few times a second.

A question at the gate is one exchange with the database; one more with Redis for each of them
would cost a tenth of it (docs/decisions/0020). So every process counts for itself, hands its count
over at most ten times a second, and learns what all of them counted together. Redis that is away
means that nobody is limited (decisions/0001); that is logged once, and once more when it is back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from threading import Lock

import redis

from config import broker

log = logging.getLogger("kept.quotas")
WINDOW = 60  # seconds
SHARE = 0.1  # seconds between two exchanges about one key
SILENCE = 10.0  # seconds for which a Redis that did not answer is left alone


@dataclass(frozen=True)
class Standing:
    """Where a key stands: how many questions are left, and in how many seconds there are more."""

    quota: int
    left: int
    wait: int
    full: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers names them."""
        headers = {
            "RateLimit-Policy": f'"key";q={self.quota};w={WINDOW}',
            "RateLimit": f'"key";r={self.left};t={self.wait}',
        }
        return headers | ({"Retry-After": str(self.wait)} if self.full else {})


@dataclass
class _Tally:
    """What is known of one key in one minute. `fresh`: counted here, told to nobody yet; `late`:
    the same of the minute before."""

    window: int
    late: int = 0
    before: int = 0
    told: int = 0
    fresh: int = 0
    shared_at: float = 0.0


class Quotas:
    """The counters of one process. A minute slides: what is left of the last one counts in part."""

    def __init__(
        self,
        client: Callable[[], redis.Redis] = broker.client,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.client = client
        self.clock = clock
        self.tallies: dict[str, _Tally] = {}
        self.lock = Lock()
        self.silent_until = 0.0
        self.silent = False

    def ask(self, who: str, *, quota: int) -> Standing | None:
        """Counts one question, unless there were too many; None when nobody can tell."""
        now = self.clock()
        if now < self.silent_until:
            return None
        window, into = int(now // WINDOW), now % WINDOW
        with self.lock:
            tally = self._tally(who, window)
            due = now - tally.shared_at >= SHARE
            if due:
                tally.shared_at = now
        if due and not self._share(who, tally, now):
            return None
        with self.lock:
            here = tally.told + tally.fresh
            used = tally.before * (1 - into / WINDOW) + here
            if used + 1 > quota:
                wait = _until(quota, tally.before, here, into)
                return Standing(quota, 0, wait, full=True)
            tally.fresh += 1
        return Standing(quota, max(0, int(quota - used - 1)), ceil(WINDOW - into))

    def _tally(self, who: str, window: int) -> _Tally:
        """That of this minute. What was left of the last one goes with the first exchange."""
        tally = self.tallies.get(who)
        if tally is None or tally.window != window:
            late = tally.fresh if tally and tally.window == window - 1 else 0
            tally = self.tallies[who] = _Tally(window, late)
        return tally

    def _share(self, who: str, tally: _Tally, now: float) -> bool:
        """Hands over what was counted here, and learns the sum; False when Redis is away."""
        with self.lock:
            counts = {tally.window - 1: tally.late, tally.window: tally.fresh}
            tally.late = tally.fresh = 0
        try:
            with self.client().pipeline(transaction=False) as pipe:
                for window, count in counts.items():
                    name = f"kept:quota:{who}:{window}"
                    pipe.incrby(name, count)
                    pipe.expire(name, 3 * WINDOW)
                before, _, told, _ = pipe.execute()
        except redis.RedisError as error:
            self._hush(now, error)
            return False
        if self.silent:
            self.silent = False
            log.warning("keys are limited again")
        with self.lock:
            tally.told, tally.before = told, before
        return True

    def _hush(self, now: float, error: Exception) -> None:
        self.silent_until = now + SILENCE
        if not self.silent:
            self.silent = True
            log.warning("keys are not limited", extra={"error": type(error).__name__})


def _until(quota: int, before: int, here: int, into: float) -> int:
    """Seconds until one more question fits: in this minute, or in the next."""
    if before and here + 1 <= quota:
        fits = WINDOW * (1 - (quota - here - 1) / before)
        if fits < WINDOW:
            return max(1, ceil(fits - into))
    later = WINDOW * (1 - (quota - 1) / here) if here else 0
    return max(1, ceil(WINDOW - into + max(0, later)))


QUOTAS = Quotas()
