"""Teams and the people in them: the only writer of these rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from crm import audit, calendars
from crm.actors import Actor
from crm.models import Team, User
from crm.workdays import Calendar


@dataclass(frozen=True)
class Person:
    """Somebody who logs in, as a form or the demo brings them."""

    username: str
    first_name: str
    role: str
    team: Team | None = None
    supervisor: User | None = None
    last_name: str = ""
    email: str = ""
    language: str = "en"


@transaction.atomic
def team(*, slug: str, name: str, calendar: Calendar, by: Actor, at: datetime) -> Team:
    """The team of that slug, made when it is not there, with a calendar of its own."""
    row, new = Team.objects.get_or_create(
        slug=slug, defaults={"name": name, "calendar": calendar.to_dict()}
    )
    if new:
        own = calendars.add(name=name, hours=calendar, by=by, at=at)
        calendars.give(calendar=own, team=row, by=by, at=at)
    return row


@transaction.atomic
def person(facts: Person, *, password: str) -> User:
    """The user of that name, made when they are not there; their password is this one."""
    row, new = User.objects.get_or_create(
        username=facts.username,
        defaults={
            "first_name": facts.first_name,
            "last_name": facts.last_name,
            "email": facts.email,
            "role": facts.role,
            "team": facts.team,
            "supervisor": facts.supervisor,
            "language": facts.language,
        },
    )
    if new or not row.check_password(password):
        row.set_password(password)
        row.save(update_fields=["password"])
    return row


def candidates() -> QuerySet[User]:
    """Who may be management: everybody who works here and does not make the calls."""
    rows = User.objects.filter(is_active=True).exclude(role=User.Role.AGENT)
    return rows.order_by("first_name", "username")


@transaction.atomic
def name_management(*, users: Iterable[User], by: Actor, at: datetime) -> bool:
    """From now on these people, and nobody else, get the daily digest for management.

    False when they are who got it before. Raises ValueError for somebody who cannot.
    """
    wanted = {user.pk for user in users}
    if wanted - set(candidates().values_list("pk", flat=True)):
        raise ValueError("an agent, or somebody who has left, is not management")
    rows = User.objects.select_for_update().filter(gets_management_digest=True)
    before = set(rows.values_list("pk", flat=True))
    if wanted == before:
        return False
    User.objects.filter(pk__in=wanted).update(gets_management_digest=True)
    User.objects.filter(pk__in=before - wanted).update(gets_management_digest=False)
    data = {"users": sorted(wanted), "before": sorted(before)}
    audit.write(action="management_named", subject="house", by=by, at=at, data=data)
    return True
