"""What callers name in their own words: a campaign, an agent; or a problem with that field."""

from __future__ import annotations

from django.utils.translation import gettext as _

from config.problems import invalid
from crm import queries
from crm.api import Caller
from crm.models import Campaign, User


def campaign(slug: str | None, caller: Caller) -> Campaign | None:
    """A supplier's key knows the campaigns of its own team and those of everybody."""
    if slug is None:
        return None
    found = Campaign.objects.filter(slug=slug, active=True).first()
    foreign = found and caller.key.team_id and found.team_id not in {None, caller.key.team_id}
    if found is None or foreign:
        raise invalid("campaign", _("There is no such campaign."))
    return found


def agent(name: str | None, caller: Caller, field: str = "agent") -> User | None:
    """By external id or log-in name; a supplier's key knows the people of its own team."""
    if name is None:
        return None
    found = queries.person(name)
    if found is None or (caller.key.team_id and found.team_id != caller.key.team_id):
        raise invalid(field, _("There is no such person."))
    return found
