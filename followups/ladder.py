"""The ladder, pure: who is told when a promise is late, and at which instant.

A ladder is data. Its instants are computed once, when the promise is made, and it is kept with the
promise as it was then: a later version of the ladder does not move the rungs of earlier promises.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import accumulate, pairwise
from typing import Any

from crm.workdays import Calendar

# Of hours or of days: what waits longer is a slip of the keyboard, and would be found too late.
LONGEST_WAIT = 2_000


class BrokenLadder(ValueError):
    """A ladder that could not be climbed; says which rung and why.

    `track` and `rung` (from 0) name the rung when it is one among others that is at fault.
    """

    def __init__(self, message: str, track: str = "", rung: int | None = None) -> None:
        super().__init__(message)
        self.track, self.rung = track, rung


@dataclass(frozen=True)
class Climbs:
    """The rungs that were climbed together: the promise, its escalation, and at which place, from
    1, it stands who is told. As PostgreSQL writes arrays: they go back to it unread."""

    promises: str
    escalations: str
    places: str


class Role(StrEnum):
    """Who is told. Owner and team means the owner, and everybody on the team's board."""

    OWNER = "owner"
    OWNER_AND_TEAM = "owner_and_team"
    SUPERVISOR = "supervisor"
    OPERATIONS = "operations"
    MANAGEMENT = "management"


@dataclass(frozen=True)
class Rung:
    """One step: whom to tell, and after how much of exactly one measure of working time.

    `share` is the part, above 0 up to 1, of the working time from made to due; `hours` are working
    hours and `days` working days after the start (due, or expected proof).
    """

    role: Role
    share: float | None = None
    hours: float | None = None
    days: int | None = None
    next_channel: bool = False  # the document also goes out by the next channel
    bill_insert: bool = False  # the document also joins the next paper bill

    def __post_init__(self) -> None:
        object.__setattr__(self, "role", _role(self.role))
        measures = [m for m in (self.share, self.hours, self.days) if m is not None]
        if len(measures) != 1:
            raise BrokenLadder(f"{self.role}: exactly one of share, hours, days")
        _check_measure(self, measures[0])
        if not (isinstance(self.next_channel, bool) and isinstance(self.bill_insert, bool)):
            raise BrokenLadder(f"{self.role}: next_channel and bill_insert are true or false")

    def after(self, calendar: Calendar, start: datetime) -> datetime:
        """The instant of a rung measured in hours or days from `start`."""
        if self.days is not None:
            return calendar.add_working_days(start, self.days)
        if self.hours is not None:
            return calendar.add(start, self.hours)
        raise BrokenLadder(f"{self.role}: a share needs the time from made to due")

    def to_dict(self) -> dict[str, Any]:
        """The rung as JSON can hold it, without what it does not use."""
        written = {name: getattr(self, name) for name in self.__dataclass_fields__}
        # Identity, because 0 equals False: the rung at the due time must not lose its measure.
        used = {n: v for n, v in written.items() if v is not None and v is not False}
        return used | {"role": str(self.role)}


@dataclass(frozen=True)
class Ladder:
    """A version of a ladder: the rungs of lateness, those of proof, and that of an item."""

    name: str
    version: int
    lateness: tuple[Rung, ...]
    proof: tuple[Rung, ...]
    item: Rung

    def __post_init__(self) -> None:
        object.__setattr__(self, "lateness", tuple(self.lateness))
        object.__setattr__(self, "proof", tuple(self.proof))
        if not isinstance(self.name, str) or not self.name.strip():
            raise BrokenLadder("a ladder needs a name")
        if not _is_whole(self.version) or self.version < 1:
            raise BrokenLadder("the version of a ladder is 1 or more")
        _check_rungs("lateness", self.lateness)
        _check_rungs("proof", self.proof)
        if any(rung.share is not None for rung in (*self.proof, self.item)):
            raise BrokenLadder("only a rung of lateness can wait for a share of the time to due")

    def to_dict(self) -> dict[str, Any]:
        """The ladder as JSON can hold it, to be kept with a promise."""
        return {
            "name": self.name,
            "version": self.version,
            "lateness": [rung.to_dict() for rung in self.lateness],
            "proof": [rung.to_dict() for rung in self.proof],
            "item": self.item.to_dict(),
        }

    @staticmethod
    def from_dict(stored: Mapping[str, Any]) -> Ladder:
        """The ladder that `to_dict` wrote. Raises BrokenLadder with what is wrong with it."""
        try:
            return Ladder(
                **{
                    **stored,
                    "lateness": tuple(Rung(**rung) for rung in stored["lateness"]),
                    "proof": tuple(Rung(**rung) for rung in stored["proof"]),
                    "item": Rung(**stored["item"]),
                }
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise BrokenLadder(f"not a ladder: {error}") from error


def lateness(
    ladder: Ladder, calendar: Calendar, made_at: datetime, due_at: datetime
) -> list[datetime]:
    """When each rung of lateness is reached, in UTC; none before the one below it.

    Raises ValueError when `due_at` is before `made_at`. A promise that opens again counts from the
    instant at which it did: that is its `made_at`.
    """
    work = calendar.between(made_at, due_at)  # refuses times without a zone
    if due_at.astimezone(UTC) < made_at.astimezone(UTC):
        raise ValueError("a promise cannot be due before it is made")
    return _rising(
        calendar.add(made_at, work * rung.share)
        if rung.share is not None
        else rung.after(calendar, due_at)
        for rung in ladder.lateness
    )


def proof(ladder: Ladder, calendar: Calendar, expected_at: datetime) -> list[datetime]:
    """When each rung of proof is reached, in UTC; none before the one below it."""
    return _rising(rung.after(calendar, expected_at) for rung in ladder.proof)


def item(ladder: Ladder, calendar: Calendar, opened_at: datetime) -> datetime:
    """When an item that a named person has not dealt with goes to the rung's role, in UTC."""
    return ladder.item.after(calendar, opened_at)


def _rising(instants: Iterable[datetime]) -> list[datetime]:
    """Four hours may be longer than a working day of a small team: then both rungs come at once,
    the lower one first."""
    return list(accumulate(instants, max))


def _role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError as error:
        known = ", ".join(Role)
        raise BrokenLadder(f"no such role: {role!r} (there are {known})") from error


def _check_measure(rung: Rung, measure: float) -> None:
    if isinstance(measure, bool) or not isinstance(measure, int | float):
        raise BrokenLadder(f"{rung.role}: {measure!r} is not a number")
    if not math.isfinite(measure) or not 0 <= measure <= LONGEST_WAIT:
        raise BrokenLadder(f"{rung.role}: {measure!r} is below 0 or above {LONGEST_WAIT}")
    if rung.share is not None and not 0 < rung.share <= 1:
        raise BrokenLadder(f"{rung.role}: a share is above 0 and at most 1, not {rung.share!r}")
    if rung.days is not None and not _is_whole(rung.days):
        raise BrokenLadder(f"{rung.role}: working days are whole, not {rung.days!r}")


def _check_rungs(kind: str, rungs: tuple[Rung, ...]) -> None:
    if not rungs:
        raise BrokenLadder(f"{kind}: at least one rung, or nobody is ever told", kind)
    shares = [rung.share is not None for rung in rungs]
    if shares != sorted(shares, reverse=True):
        words = f"{kind}: what comes before due stands below what comes after it"
        raise BrokenLadder(words, kind, shares.index(False) + 1)
    for measure in ("share", "hours", "days"):
        values = [(n, getattr(rung, measure)) for n, rung in enumerate(rungs)]
        used = [(n, value) for n, value in values if value is not None]
        for (_n, lower), (place, higher) in pairwise(used):
            if higher <= lower:
                words = f"{kind}: {measure} {higher} stands above {measure} {lower}"
                raise BrokenLadder(words, kind, place)


def _is_whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


DEFAULT = Ladder(
    name="default",
    version=1,
    lateness=(
        Rung(Role.OWNER, share=0.75),
        Rung(Role.OWNER_AND_TEAM, hours=0),
        Rung(Role.SUPERVISOR, hours=4),
        Rung(Role.OPERATIONS, days=1, next_channel=True),
        Rung(Role.MANAGEMENT, days=3, bill_insert=True),
    ),
    proof=(
        Rung(Role.OWNER, days=1),
        Rung(Role.SUPERVISOR, days=3, next_channel=True),
    ),
    item=Rung(Role.SUPERVISOR, days=1),
)
