"""How far each campaign has come with its list. Reads only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from crm import excerpts
from crm.excerpts import Excerpt
from crm.models import Campaign, CampaignEntry, User

LONGEST_LIST = 200
Status = CampaignEntry.Status


@dataclass(frozen=True)
class Progress:
    """A campaign and its list: `due` of the `open` ones may be tried now, the others rest."""

    campaign: Campaign
    open: int
    due: int
    done: int

    @property
    def resting(self) -> int:
        return self.open - self.due

    @property
    def total(self) -> int:
        return self.open + self.done


def campaigns(user: User) -> QuerySet[Campaign]:
    """A supervisor sees the own team's and those of all teams, operations every one."""
    rows = Campaign.objects.select_related("team")
    if user.role == User.Role.SUPERVISOR:
        rows = rows.filter(Q(team=user.team_id) | Q(team=None))
    return rows.order_by("-active", "name", "pk")


def progress(rows: QuerySet[Campaign], *, at: datetime) -> Excerpt[Progress]:
    """Those that call first, and of them those for which somebody waits. Three queries."""
    found = excerpts.of(rows, most=LONGEST_LIST)
    open_: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    entries = CampaignEntry.objects.filter(campaign__in=found, status=Status.OPEN)
    counted = entries.values("campaign").annotate(
        n=Count("pk"), due=Count("pk", filter=Q(next_try_at__lte=at))
    )
    open_ |= {row["campaign"]: (row["n"], row["due"]) for row in counted}
    ended = CampaignEntry.objects.filter(campaign__in=found, status=Status.DONE)
    done = dict(ended.values("campaign").annotate(n=Count("pk")).values_list("campaign", "n"))
    result = [Progress(row, *open_[row.pk], done.get(row.pk, 0)) for row in found]
    result.sort(key=lambda row: (not row.campaign.active, not row.due))
    return Excerpt(result, total=found.total)


def causes(campaign: Campaign) -> list[tuple[str, int]]:
    """Why entries have ended, the most frequent first."""
    ended = CampaignEntry.objects.filter(campaign=campaign, status=Status.DONE)
    counted = ended.values("closed_cause").annotate(n=Count("pk"))
    return list(counted.order_by("-n", "closed_cause").values_list("closed_cause", "n"))
