"""Campaigns: why we call. The only writer of Campaign."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from crm import audit, policies
from crm.actors import Actor
from crm.models import Campaign, Team


def ensure(*, slug: str, name: str, team: Team | None, purpose: str = "sales") -> Campaign:
    """The campaign of that slug, made when it is not there."""
    row, _new = Campaign.objects.get_or_create(
        slug=slug, defaults={"name": name, "team": team, "purpose": purpose}
    )
    return row


@transaction.atomic
def put(
    *,
    slug: str,
    by: Actor,
    at: datetime,
    name: str = "",
    purpose: str = "",
    policy: str = "",
    active: bool | None = None,
    most_tries: int | None = None,
    rest_hours: int | None = None,
) -> tuple[Campaign, bool]:
    """Makes the campaign, or changes what is said of it; True when it is new.

    Raises policies.UnknownPolicy, and ValidationError for a slug, a purpose or a figure that is
    none.
    """
    row = Campaign.objects.select_for_update().filter(slug=slug).first() or Campaign(slug=slug)
    new = row.pk is None
    if policy:
        policies.refresh()
        policies.get(policy, at=at)
    row.name = name or row.name or slug
    row.purpose = purpose or row.purpose
    row.policy = policy or row.policy
    row.active = row.active if active is None else active
    row.most_tries = row.most_tries if most_tries is None else most_tries
    row.rest_hours = row.rest_hours if rest_hours is None else rest_hours
    row.full_clean()
    row.save()
    said = ("policy", "purpose", "active", "most_tries", "rest_hours")
    data = {name: getattr(row, name) for name in said}
    audit.write(action="campaign_set", subject=f"campaign:{row.slug}", by=by, at=at, data=data)
    return row, new
