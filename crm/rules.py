"""What a policy says, figure by figure, each with its source and its kind. Data, not legal advice.

A policy's version is one `Rules`, stored as JSON. Days are calendar days, windows of time roll, and
an opening includes its first instant, not its last.
"""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Any, Literal

import holidays
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Kind = Literal["statutory", "regulator", "self_regulatory", "presumption", "product"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", re.ASCII)


def _clock(text: str) -> str:
    """HH:MM; the end of a day may be 24:00."""
    if text != "24:00":
        time.fromisoformat(text)
        if len(text) != 5:
            raise ValueError("a time is written as HH:MM")
    return text


def _month_day(text: str) -> str:
    if _MONTH_DAY.fullmatch(text) is None:
        raise ValueError("a day of the year is written as MM-DD")
    return text


def _country(text: str) -> str:
    if text not in holidays.list_supported_countries(include_aliases=False):
        raise ValueError(f"no public holidays are known for {text!r}")
    return text


Clock = Annotated[str, AfterValidator(_clock)]
MonthDay = Annotated[str, AfterValidator(_month_day)]
Country = Annotated[str, AfterValidator(_country)]
Period = tuple[Clock, Clock]


class Part(BaseModel):
    """What has a source: nothing in a policy stands without one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    source: Annotated[str, Field(min_length=3, max_length=400)]


class Hours(Part):
    """When people may be called, by the clock of where they live.

    `holidays` names the country whose public holidays are shut; with `any_region` those of each of
    its regions are, for customers of whom the region is not known. On a day of `early_ends` the
    last call is before that time.
    """

    week: dict[Weekday, tuple[Period, ...]]
    holidays: Country | None = None
    any_region: bool = False
    early_ends: dict[MonthDay, Clock] = {}

    @model_validator(mode="after")
    def _in_order(self) -> Hours:
        if not any(self.week.values()):
            raise ValueError("hours without a single opening would never let anybody be called")
        for day, periods in self.week.items():
            ends = "00:00"
            for begins, until in periods:
                if not ends <= begins < until:
                    raise ValueError(f"{day}: {begins}-{until} is empty or overlaps")
                ends = until
        return self


class Cap(Part):
    """At most so many in a rolling window, over all numbers, campaigns and suppliers.

    An attempt is a call that was placed, a conversation one that was answered; `inbound`
    conversations count when it says so.
    """

    unit: Literal["attempt", "conversation"]
    most: Annotated[int, Field(ge=1, le=1000)]
    days: Annotated[int, Field(ge=1, le=366)]
    inbound: bool = False

    @model_validator(mode="after")
    def _placed_by_us(self) -> Cap:
        if self.unit == "attempt" and self.inbound:
            raise ValueError("an attempt is a call that we place: only conversations come in")
        return self


class Refusal(Part):
    """Who said no in a conversation rests for `days`. None: a plain no does not count, only an
    objection, which is a do-not-call without an end anyway."""

    days: Annotated[int, Field(ge=1, le=3660)] | None


class Consent(Part):
    """Whether selling needs a consent of which we hold proof. Where `instead` names what may stand
    for one, a recorded relation counts as well; somebody has to have recorded it, with proof."""

    required: bool
    instead: tuple[Annotated[str, Field(max_length=200)], ...] = ()


class ListRule(Part):
    """A national list that has to be at hand, and how old our copy may be, in days."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{2,30}$")]
    max_age_days: Annotated[int, Field(ge=1, le=366)]
    # What a consent does to an entry: nothing, beats it when it was given later, or always does.
    consent_beats: Literal["", "later", "any"] = ""


class Product(Part):
    """Our own choices. Grades are the least evidence that keeps a promise, by channel."""

    reading_hours: Annotated[int, Field(ge=0, le=24 * 60)] = 72
    min_gap_hours: Annotated[int, Field(ge=0, le=24 * 30)] = 4
    lease_seconds: Annotated[int, Field(ge=30, le=3600)] = 120
    permit_seconds: Annotated[int, Field(ge=30, le=3600)] = 120
    grades: dict[
        Literal["email", "email_accepted", "portal", "portal_attached", "post", "bill_insert"],
        Annotated[int, Field(ge=1, le=5)],
    ]

    @model_validator(mode="after")
    def _complete(self) -> Product:
        missing = {
            "email",
            "email_accepted",
            "portal",
            "portal_attached",
            "post",
            "bill_insert",
        } - set(self.grades)
        if missing:
            raise ValueError(f"no grade for {', '.join(sorted(missing))}")
        return self


class Rules(BaseModel):
    """One version of a policy. What it does not name it does not limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = ""
    regime: Literal["opt_in", "opt_out_list", "presumption", "none"]
    hours: Hours | None = None
    caps: tuple[Cap, ...] = ()
    refusal: Refusal | None = None
    consent: Consent | None = None
    lists: tuple[ListRule, ...] = ()
    product: Product
    watch: Annotated[str, Field(max_length=1000)] = ""
    verified: bool = False

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Rules:
        """The rules that a version's JSON holds. Raises pydantic.ValidationError."""
        return cls.model_validate(stored)
