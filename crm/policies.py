"""The rules by which the gate judges: reading period, gaps, grades. Presets by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Policy:
    """One dated version of a preset. Every figure here is a product choice, not law.

    Grades are the least evidence that keeps a promise, by channel. Over e-mail less is enough when
    the address was read back and accepted on the call; over the portal, when the notification
    carried the document itself and not only a link to it.
    """

    name: str
    version: str
    reading_period: timedelta = timedelta(hours=72)
    min_gap: timedelta = timedelta(hours=4)
    lease: timedelta = timedelta(minutes=2)
    permit: timedelta = timedelta(seconds=120)
    email_grade_accepted: int = 3
    email_grade: int = 4
    portal_grade_attached: int = 3
    portal_grade: int = 4
    post_grade: int = 3
    bill_insert_grade: int = 3

    def grade(self, channel: str, *, accepted: bool = False, attached: bool = False) -> int:
        """The least evidence on this channel. KeyError for a channel without a rule."""
        return {
            "email": self.email_grade_accepted if accepted else self.email_grade,
            "portal": self.portal_grade_attached if attached else self.portal_grade,
            "post": self.post_grade,
            "bill_insert": self.bill_insert_grade,
        }[channel]

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
