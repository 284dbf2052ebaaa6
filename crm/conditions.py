"""A policy as the gate hands it to the database: figures, and who may not be called at this hour.

What depends on the clock is worked out here, with the calendars of each country, and is good until
`until`; the database refuses it at any other moment and says what time it is (kept_gate_rule).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crm import calling_hours, policies
from crm.calling_hours import Shut
from crm.policies import Policy
from crm.rules import Cap, Hours

ELSEWHERE = ""  # a country of which no policy knows
A_WEEK = timedelta(days=7)
CODES = {
    ("attempt", False): "cap_attempts",
    ("conversation", False): "cap_conversations",
    ("conversation", True): "cap_contacts",
}


@dataclass(frozen=True)
class Conditions:
    """What a policy means from `since` until `until`, without the latter.

    `shut` says for a country why and until
    when nobody there may be called; countries that are not `covered` count as ELSEWHERE.
    """

    policy: Policy
    since: datetime
    until: datetime
    revision: datetime | None = None  # of the policies (crm/policies.py)
    covered: tuple[str, ...] = ()
    shut: tuple[tuple[str, Shut], ...] = ()

    def hold(self, at: datetime) -> bool:
        return self.since <= at < self.until

    @property
    def caps(self) -> tuple[Cap, ...]:
        return self.policy.rules.caps

    @property
    def rest_days(self) -> int | None:
        """How long who said no rests."""
        return self.policy.rules.refusal.days if self.policy.rules.refusal else None

    @property
    def bases(self) -> tuple[str, ...]:
        """On which a person may be sold to, where a consent is asked for; none asked for: empty."""
        asked = self.policy.rules.consent
        if asked is None or not asked.required:
            return ()
        return ("consent", "relation") if asked.instead else ("consent",)

    @property
    def longest(self) -> timedelta:
        """How far back attempts matter."""
        days = [cap.days for cap in self.caps]
        if self.rest_days:
            days.append(self.rest_days + 1)
        return max(self.policy.min_gap, timedelta(days=max(days, default=0)))


def code_of(cap: Cap) -> str:
    """What the database counts for a cap; `cap_contacts` are conversations of both directions."""
    return CODES[cap.unit, cap.inbound]


def of(name: str, *, at: datetime) -> Conditions:
    """The conditions of the policy of that name at `at`. Raises policies.UnknownPolicy."""
    revision = policies.refresh()
    found = of_policy(policies.get(name, at=at), at=at)
    ends = policies.next_version(name, at=at) or found.until
    return replace(found, revision=revision, until=min(found.until, ends))


def of_policy(policy: Policy, *, at: datetime) -> Conditions:
    """The conditions under this very version, also of one that is a draft still."""
    ends, shut = [at + A_WEEK], []
    hours = _hours(policy, at)
    for country, place, found in hours:
        ends.append(calling_hours.until_change(found, country=place, at=at))
        stop = calling_hours.shut(found, country=place, at=at)
        if stop:
            shut.append((country, stop))
    covered = {country for country, _place, _hours in hours} - {ELSEWHERE}
    return Conditions(
        policy=policy,
        since=at,
        until=min(ends),
        covered=tuple(sorted(covered)),
        shut=tuple(sorted(shut, key=lambda row: (row[0], row[1].code, row[1].until))),
    )


def _hours(policy: Policy, at: datetime) -> list[tuple[str, str, Hours]]:
    """For which customers' country, in the zones of which country, which hours.

    The customer's country decides, by each policy for it; the campaign's own where there is none.
    A policy without a country limits no hours at all.
    """
    if not policy.rules.country:
        return []
    rows = [
        (other.rules.country, other.rules.country, other.rules.hours)
        for other in _judges(policy, policies.in_force(at=at))
        if other.rules.country and other.rules.hours
    ]
    if policy.rules.hours:
        rows.append((ELSEWHERE, policy.rules.country, policy.rules.hours))
    return rows


def _judges(policy: Policy, others: Iterable[Policy]) -> list[Policy]:
    """The campaign's own policy for its own country, and the others for theirs."""
    abroad = (other for other in others if other.rules.country != policy.rules.country)
    return [policy, *abroad]
