"""What the reader of the board wants to see: whose promises, of which kind, over which days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

from crm import access, instants
from crm.campaign_counts import campaigns
from crm.models import Campaign, Team, User
from followups.channels import BY
from followups.models import Promise
from followups.suppliers import Whose
from followups.telling import CAUSES

PERIODS = (7, 30, 90)
USUAL = 30
ROLES = access.TABLE["mend_promises"]


@dataclass(frozen=True)
class Wanted:
    """The filters, as they stand in the address. Empty ones let everything through.

    `teams` are the ids of the teams whose promises are looked at; `strays` says whether calls of
    no team are, too. `days` is the period, today its last day.
    """

    teams: tuple[int, ...]
    strays: bool
    team: Team | None = None
    agent: User | None = None
    campaign: Campaign | None = None
    channel: str = ""
    kind: str = ""
    cause: str = ""
    days: int = USUAL

    @property
    def whose(self) -> Whose:
        return Whose(Team.objects.filter(pk__in=self.teams), self.strays)

    @property
    def query(self) -> dict[str, str]:
        """What stands in the address, without the rows that are shown."""
        found = {
            "team": self.team.slug if self.team else "",
            "agent": str(self.agent.pk) if self.agent else "",
            "campaign": self.campaign.slug if self.campaign else "",
            "channel": self.channel,
            "kind": self.kind,
            "cause": self.cause,
            "days": str(self.days) if self.days != USUAL else "",
        }
        return {name: value for name, value in found.items() if value}

    def address(self, **more: str) -> str:
        """The part of an address after the question mark."""
        return urlencode(self.query | more)

    @property
    def narrowed(self) -> bool:
        """Whether anything but the team and the period is chosen."""
        return bool(set(self.query) - {"team", "days"})

    def first_day(self, at: datetime) -> date:
        return today(at) - timedelta(days=self.days - 1)

    def promises(self) -> Q:
        """On Promise, for what is open. Campaign, channel and cause are read from the rollups."""
        cause = Q(figure__cause=self.cause, figure__outcome="broken") if self.cause else Q()
        found = Q(figure__campaign=self.campaign) if self.campaign else Q()
        found &= Q(figure__channel=self.channel) if self.channel else Q()
        return self._own() & found & cause

    def _own(self) -> Q:
        """What a promise and its figure both know."""
        found = Q(team__in=self.teams)
        found &= Q(owner=self.agent) if self.agent else Q()
        return found & (Q(kind=self.kind) if self.kind else Q())

    def figures(self, at: datetime) -> Q:
        """On PromiseFigure: what was due in the period."""
        found = Q(day__range=(self.first_day(at), today(at)))
        found &= Q(campaign=self.campaign) if self.campaign else Q()
        found &= Q(channel=self.channel) if self.channel else Q()
        found &= Q(cause=self.cause) if self.cause else Q()
        return self._own() & found

    def cells(self, at: datetime, *, owner: bool = False) -> tuple[str, dict[str, Any]]:
        """The same of cells or figures `f`, in SQL, with its values; the cause narrows no rate."""
        values: dict[str, Any] = {
            "teams": list(self.teams),
            "first": self.first_day(at),
            "last": today(at),
        }
        parts = ["f.team_id = ANY(%(teams)s::bigint[]) AND f.day BETWEEN %(first)s AND %(last)s"]
        for name, value in (
            ("campaign_id", self.campaign.pk if self.campaign else None),
            ("channel", self.channel),
            ("kind", self.kind),
            ("owner_id", self.agent.pk if owner and self.agent else None),
        ):
            if value:
                parts.append(f"f.{name} = %({name})s")
                values[name] = value
        return " AND ".join(parts), values


def today(at: datetime) -> date:
    return instants.house(at).date()


def teams_of(user: User) -> QuerySet[Team]:
    """A supervisor sees the own team, operations all."""
    rows = Team.objects.all()
    return rows.filter(people=user) if user.role == User.Role.SUPERVISOR else rows


def read(asked: Mapping[str, str], *, user: User) -> Wanted:
    """The filters of an address; what leads nowhere, or to another team, is passed over."""
    teams = {team.slug: team for team in teams_of(user)}
    team = teams.get(asked.get("team", ""))
    chosen = [team] if team else list(teams.values())
    ids = tuple(row.pk for row in chosen)
    strays = user.role != User.Role.SUPERVISOR and team is None
    days = asked.get("days", "")
    return Wanted(
        teams=ids,
        strays=strays,
        team=team,
        agent=_agent(asked.get("agent", ""), ids),
        campaign=campaigns(user).filter(slug=asked.get("campaign") or None).first(),
        channel=_one_of(asked.get("channel", ""), BY),
        kind=_one_of(asked.get("kind", ""), Promise.Kind.values),
        cause=_one_of(asked.get("cause", ""), CAUSES),
        days=int(days) if days in map(str, PERIODS) else USUAL,
    )


def _one_of(value: str, known: Any) -> str:
    return value if value in known else ""


def _agent(value: str, teams: tuple[int, ...]) -> User | None:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        return None
    return people(teams).filter(pk=int(value)).first()


def people(teams: tuple[int, ...]) -> QuerySet[User]:
    """Whoever of these teams can own a promise, also those who have left."""
    rows = User.objects.filter(team__in=teams, role__in=ROLES)
    return rows.select_related("team").order_by("first_name", "pk")
