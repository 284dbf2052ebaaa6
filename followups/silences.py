"""Dialers that reported their calls and do so no longer: who is told, once for each silence."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from crm import calendars, call_sources, workdays
from crm.models import CallSource, Team, User
from crm.workdays import Calendar
from followups import notices


def silent(*, at: datetime) -> list[CallSource]:
    """The sources that were heard once and have been silent for too long, in working time.

    Its team's, or of the house's calendar for a source of no team: nobody expects calls at night.
    Switched off is not silent.
    """
    most = timedelta(hours=settings.CALL_SOURCE_SILENT_HOURS)
    rows = CallSource.objects.filter(off_at=None, last_heard_at__lte=at - most)
    return [
        source
        for source in rows.select_related("team")
        if (heard_at := source.last_heard_at)
        and _calendar(source.team, at).between(heard_at, at) >= most
    ]


def _calendar(team: Team | None, at: datetime) -> Calendar:
    return calendars.of(team, at=at) if team else workdays.DEFAULT


def tell(*, at: datetime) -> int:
    """Tells the supervisors of the source's team, and operations; returns of how many sources.

    A source that speaks again and falls silent again is told of again.
    """
    return sum(_tell(source, at) for source in silent(at=at))


@transaction.atomic
def _tell(source: CallSource, at: datetime) -> bool:
    if not call_sources.note_silence(source=source, at=at):
        return False
    for user in _people(source):
        notices.tell(user=user, kind="source_silent", data={"source": source.name}, at=at)
    return True


def _people(source: CallSource) -> list[User]:
    whose = Q(role=User.Role.OPERATIONS)
    if source.team:
        whose |= Q(role=User.Role.SUPERVISOR, team=source.team)
    return list(User.objects.filter(whose, is_active=True).order_by("pk"))
