"""The rules by which the gate judges: reading period, gaps, grades. Presets by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Policy:
    """One dated version of a preset. Every figure here is a product choice, not law.

    Grades are the least evidence that keeps a promise made over e-mail: with the address read
    back and accepted on the call, or without.
    """

    name: str
    version: str
    reading_period: timedelta = timedelta(hours=72)
    min_gap: timedelta = timedelta(hours=4)
    lease: timedelta = timedelta(minutes=2)
    permit: timedelta = timedelta(seconds=120)
    email_grade_accepted: int = 3
    email_grade: int = 4

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"


# The presets by country come as data. A name that is not installed is refused, never judged by
# the wrong rules.
PRESETS = {"none": Policy(name="none", version="2026-01-01")}


class UnknownPolicy(ValueError):
    """A campaign names a policy that is not installed."""


def get(name: str) -> Policy:
    if name not in PRESETS:
        raise UnknownPolicy(f"There is no policy {name!r}.")
    return PRESETS[name]
