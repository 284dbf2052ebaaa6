"""Policies by name and date: the rules by which the gate judges, as data says them.

The presets come with the product (crm/data/policies.yaml); beside them stand the versions that
somebody of the house activated. A process remembers those that it read, and `refresh` looks whether
there are newer ones. A name that is not known is refused, never judged by the wrong rules. This is
data, not legal advice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml
from django.conf import settings
from django.db.models import Max

from crm.models import PolicyVersion
from crm.rules import Rules

DATA = Path(__file__).parent / "data" / "policies.yaml"


class UnknownPolicy(ValueError):
    """A campaign names a policy that is not installed, or a version that never was."""


@dataclass(frozen=True)
class Policy:
    """One dated version of a policy. Two of the same name and version are the same."""

    name: str
    version: str
    effective_from: date
    title: str = field(compare=False)
    rules: Rules = field(compare=False)

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"

    @cached_property
    def reading_period(self) -> timedelta:
        return timedelta(hours=self.rules.product.reading_hours)

    @cached_property
    def min_gap(self) -> timedelta:
        return timedelta(hours=self.rules.product.min_gap_hours)

    @cached_property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.rules.product.lease_seconds)

    @cached_property
    def permit(self) -> timedelta:
        return timedelta(seconds=self.rules.product.permit_seconds)

    def grade(self, channel: str, *, accepted: bool = False, attached: bool = False) -> int:
        """The least evidence that keeps a promise on this channel. KeyError without a rule.

        Over e-mail less is enough when the address was read back and accepted on the call; over
        the portal, when the notification carried the document itself and not only a link to it.
        """
        less = {("email", accepted): "email_accepted", ("portal", attached): "portal_attached"}
        grades: Mapping[str, int] = dict(self.rules.product.grades.items())
        return grades[less.get((channel, True), channel)]


Versions = Mapping[str, tuple[Policy, ...]]


@dataclass(frozen=True)
class _Known:
    """What was read last: when the newest version was activated, and all of them."""

    revision: datetime | None = None
    versions: Versions = field(default_factory=dict)


class _Memory:
    """What this process knows; replaced as a whole, so that threads see one state or the other."""

    known = _Known()


def revision() -> datetime | None:
    """When the newest version that this process knows was activated; None: presets alone."""
    return _Memory.known.revision


def refresh() -> datetime | None:
    """Reads what was activated since the last look; answers as `revision` does. One query."""
    active = PolicyVersion.objects.filter(activated_at__isnull=False)
    newest = active.aggregate(newest=Max("activated_at"))["newest"]
    if newest != _Memory.known.revision:
        rows = active.filter(activated_at__lte=newest).order_by("activated_at") if newest else []
        _Memory.known = _Known(newest, _merged(map(_activated, rows)))
    return newest


def _activated(row: PolicyVersion) -> Policy:
    if row.effective_from is None:
        raise ValueError("an activated version has its date")
    rules = Rules.read(row.rules)
    return Policy(row.name, row.version, row.effective_from, row.title, rules)


def _merged(ours: Iterable[Policy]) -> Versions:
    """Ours behind the presets of the same date: the one that was activated last counts."""
    found = {name: list(versions) for name, versions in presets().items()}
    for policy in ours:
        found.setdefault(policy.name, []).append(policy)
    return {name: _by_date(versions) for name, versions in found.items()}


def _by_date(versions: Iterable[Policy]) -> tuple[Policy, ...]:
    return tuple(sorted(versions, key=lambda version: version.effective_from))


def installed() -> Versions:
    """Every version that this process knows, by name, in the order of their dates."""
    return _Memory.known.versions or presets()


@lru_cache(maxsize=1)
def presets() -> Versions:
    """What comes with the release, by name, in the order of their dates."""
    stored = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    found: dict[str, list[Policy]] = {}
    for row in stored["policies"]:
        policy = Policy(
            name=row["name"],
            version=row["version"],
            effective_from=date.fromisoformat(str(row["effective_from"])),
            title=row["title"],
            rules=Rules.read(row["rules"]),
        )
        found.setdefault(policy.name, []).append(policy)
    return {name: _by_date(versions) for name, versions in found.items()}


def get(name: str, *, at: datetime) -> Policy:
    """The version in force on the local date of `at`. Raises UnknownPolicy."""
    versions = _versions(name)
    begun = bisect_right([v.effective_from for v in versions], _today(at))
    if not begun:
        raise UnknownPolicy(f"The policy {name!r} is not in force yet.")
    return versions[begun - 1]


def exactly(label: str) -> Policy:
    """The version with this label, like "fr@2026-08-11". Raises UnknownPolicy.

    One that was activated elsewhere since the last look is found as well.
    """
    found = _labelled(label)
    if found is None:
        refresh()
        found = _labelled(label)
    if found is None:
        raise UnknownPolicy(f"There is no policy {label!r}.")
    return found


def _labelled(label: str) -> Policy | None:
    return next((policy for policy in every() if policy.label == label), None)


def next_version(name: str, *, at: datetime) -> datetime | None:
    """When another version comes into force; None when none is known. Raises UnknownPolicy."""
    coming = [v.effective_from for v in _versions(name) if v.effective_from > _today(at)]
    zone = ZoneInfo(settings.TIME_ZONE)
    return datetime.combine(min(coming), time(0), tzinfo=zone) if coming else None


def in_force(*, at: datetime) -> tuple[Policy, ...]:
    """Every policy that has begun, in the version of that date, by name."""
    begun = (n for n, versions in installed().items() if versions[0].effective_from <= _today(at))
    return tuple(get(name, at=at) for name in sorted(begun))


def every() -> Iterator[Policy]:
    """Every version of every policy, also those that have not begun."""
    for versions in installed().values():
        yield from versions


def _versions(name: str) -> tuple[Policy, ...]:
    if name not in installed():
        raise UnknownPolicy(f"There is no policy {name!r}.")
    return installed()[name]


def _today(at: datetime) -> date:
    return at.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
