"""What a delivery's events add up to, whatever their order or repetition. Pure.

Grades E0 to E5 as the design sets them: E1 the next hop took it, E2 the last mile took it,
E3 and it did not come back, E4 the customer acted, E5 the customer said so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

GRADE = {
    "relay_accepted": 1,
    "relayed": 1,
    "delivered": 2,
    "complaint": 2,  # who complains has it
    "quiet": 3,
    "print_accepted": 1,
    "batch_mailed": 1,
    "posted": 2,
    "read_receipt": 4,
    "pressed": 4,
    "answered": 5,
    "fetched": 0,
    "returned": 0,
    "reply": 5,
    "confirmed": 5,
    "delayed": 0,
    "failed": 0,
    "never_received": 0,
}
# The customer's own acts outrank machines; a read receipt is written by a machine.
CUSTOMER = frozenset({"reply", "confirmed", "never_received", "pressed", "answered"})
NEXT_HOP = frozenset({"relay_accepted", "relayed", "print_accepted", "batch_mailed"})
LAST_MILE = frozenset({"delivered", "complaint", "posted"})
MAILED = frozenset({"batch_mailed", "posted"})
REVOKING = frozenset({"failed", "never_received", "returned"})


class Event(Protocol):
    """What the fold reads of an event."""

    @property
    def kind(self) -> str: ...
    @property
    def grade(self) -> int: ...
    @property
    def hard(self) -> bool: ...
    @property
    def occurred_at(self) -> datetime: ...


@dataclass(frozen=True)
class Fold:
    """The sum of the events. `reached` gives, for each standing grade, when it was first met."""

    channel: str = "email"
    grade: int = 0
    failed: bool = False
    hard: bool = False
    reached: dict[int, datetime] = field(default_factory=dict)
    accepted_at: datetime | None = None
    delivered_at: datetime | None = None
    mailed_at: datetime | None = None  # on paper: when it left with the post
    first_delayed_at: datetime | None = None
    last_delayed_at: datetime | None = None
    by_customer: bool = False

    @property
    def stands(self) -> bool:
        return self.grade > 0


def fold(events: Iterable[Event], *, channel: str = "email") -> Fold:
    """Folds a delivery's events into one state; any order and any repetition give the same."""
    all_events = list(events)
    standing, failed = _standing(all_events)
    reached = {
        grade: min(event.occurred_at for event in standing if event.grade >= grade)
        for grade in range(1, max((event.grade for event in standing), default=0) + 1)
    }
    delayed = [event.occurred_at for event in all_events if event.kind == "delayed"]
    return Fold(
        channel=channel,
        grade=max(reached, default=0),
        failed=failed,
        hard=any(event.hard for event in all_events if event.kind in {"failed", "returned"}),
        reached=reached,
        accepted_at=_first(standing, NEXT_HOP),
        delivered_at=_first(standing, LAST_MILE),
        mailed_at=_first(standing, MAILED),
        first_delayed_at=min(delayed, default=None),
        last_delayed_at=max(delayed, default=None),
        by_customer=any(event.kind in CUSTOMER for event in standing),
    )


def _standing(events: list[Event]) -> tuple[list[Event], bool]:
    """The events that still count, and whether something revoked the delivery."""
    acts = [event for event in events if event.kind in CUSTOMER]
    machines = [event for event in events if event.kind not in CUSTOMER]
    machine_failed = any(event.kind in REVOKING for event in machines)
    proofs = [] if machine_failed else [event for event in machines if event.grade]
    if not acts:
        return proofs, machine_failed
    newest = max(event.occurred_at for event in acts)
    if any(event.kind in REVOKING for event in acts if event.occurred_at == newest):
        return [], True  # the latest act wins, and a tie revokes
    return proofs + [event for event in acts if event.grade], False


def _first(events: list[Event], kinds: frozenset[str]) -> datetime | None:
    return min((event.occurred_at for event in events if event.kind in kinds), default=None)
