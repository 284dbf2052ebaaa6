"""Campaigns: why we call. The only writer of Campaign."""

from __future__ import annotations

from crm.models import Campaign, Team


def ensure(*, slug: str, name: str, team: Team | None, purpose: str = "sales") -> Campaign:
    """The campaign of that slug, made when it is not there."""
    row, _new = Campaign.objects.get_or_create(
        slug=slug, defaults={"name": name, "team": team, "purpose": purpose}
    )
    return row
