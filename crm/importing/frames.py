"""What holds for every line of one import, read once for each batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils import translation

from crm import wording
from crm.customers import fold
from crm.models import Campaign, Disposition, Import, Team, User


@dataclass(frozen=True)
class Frame:
    """`team` and `language` are for customers who come new and of whom the line says neither."""

    country: str
    team: int | None = None
    language: str = ""
    system: str = ""  # the former system, by the name that its calls bear
    purpose: str = ""
    teams: dict[str, int] = field(default_factory=dict)
    agents: dict[str, User] = field(default_factory=dict)
    campaigns: dict[str, Campaign] = field(default_factory=dict)
    dispositions: dict[str, Disposition] = field(default_factory=dict)


def of(row: Import) -> Frame:
    chosen: dict[str, Any] = row.options
    teams = {fold(key): one.pk for one in Team.objects.all() for key in (one.slug, one.name)}
    base = Frame(
        country=settings.DEFAULT_COUNTRY,
        team=chosen.get("team"),
        language=str(chosen.get("language", "")),
        system=str(chosen.get("system", "")),
        purpose=str(chosen.get("purpose", "")),
        teams=teams,
    )
    if row.kind != Import.Kind.ATTEMPTS:
        return base
    agents = {
        key.casefold(): user
        for user in User.objects.select_related("team")
        for key in (user.username, user.external_id)
        if key
    }
    campaigns = {key: one for one in Campaign.objects.all() for key in (one.slug, fold(one.name))}
    dispositions = _dispositions()
    return Frame(
        **{**vars(base), "agents": agents, "campaigns": campaigns, "dispositions": dispositions}
    )


def _dispositions() -> dict[str, Disposition]:
    """By their codes, and by what they are called in each language."""
    found = {one.code: one for one in Disposition.objects.all()}
    for code, _words in settings.LANGUAGES:
        with translation.override(code):
            found |= {fold(wording.disposition(one.code)): one for one in [*found.values()]}
    return found
