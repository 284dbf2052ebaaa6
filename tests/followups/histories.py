"""Histories of the gate: who asked when, when it had to be shut, and the allows that must not be.

Two clocks, two rules. By the clients' clock: what is asked after a promise was acknowledged, and
answered before anybody asked for its proof, is denied. By the database's: from the moment on at
which the promise's transaction held the person, no allow looks at that person. The second is
stricter, and notices a gate without its lock: what it reads is true, but true of a moment ago.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

NEVER, NEVER_AT = float("inf"), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Shut:
    """A time in which an open promise shuts a person's gate.

    `held_at` and `freeing_at` by the database's clock: when the promise's transaction held the
    person, and just before that of the proof began. `acked` and `freeing` in seconds of the
    clients' clock: the promise was acknowledged, its proof was about to be sent.
    """

    person: int
    held_at: datetime
    acked: float
    freeing_at: datetime = NEVER_AT
    freeing: float = NEVER

    def freed(self, *, freeing_at: datetime, freeing: float) -> Shut:
        return replace(self, freeing_at=freeing_at, freeing=freeing)


@dataclass(frozen=True)
class Check:
    """A question and its answer. `looked_at` is the decision's own instant, by the database."""

    person: int
    asked: float
    answered: float
    looked_at: datetime
    allow: bool


@dataclass(frozen=True)
class FalseAllow:
    """A check that was allowed while the gate had to be shut, and by which clock it was."""

    check: Check
    shut: Shut
    clock: str


class History:
    """The times in which each person's gate had to be shut. Those of a person do not overlap."""

    def __init__(self, shuts: Iterable[Shut]) -> None:
        self.shuts: dict[int, list[Shut]] = {}
        for shut in sorted(shuts, key=lambda shut: shut.held_at):
            self.shuts.setdefault(shut.person, []).append(shut)

    def acknowledged(self, check: Check) -> Shut | None:
        """The promise that was acknowledged before the question, and open until its answer."""
        found = self._before(
            check.person,
            bisect_left(self.shuts.get(check.person, []), check.asked, key=lambda shut: shut.acked),
        )
        return found if found and check.answered < found.freeing else None

    def held(self, check: Check) -> Shut | None:
        """The promise whose transaction held the person, or was over, when the gate looked."""
        found = self._before(
            check.person,
            bisect_left(
                self.shuts.get(check.person, []), check.looked_at, key=lambda shut: shut.held_at
            ),
        )
        return found if found and check.looked_at < found.freeing_at else None

    def _before(self, person: int, place: int) -> Shut | None:
        return self.shuts[person][place - 1] if place else None

    def false_allows(self, checks: Iterable[Check]) -> list[FalseAllow]:
        found = []
        for check in checks:
            rules = (("clients", self.acknowledged), ("database", self.held))
            for clock, rule in rules if check.allow else ():
                if shut := rule(check):
                    found.append(FalseAllow(check, shut, clock))
        return found
