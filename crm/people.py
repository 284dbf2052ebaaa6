"""Teams and the people in them: the only writer of these rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet
from django.utils.text import slugify
from django.utils.translation import gettext as _

from crm import audit, calendars, log_ins
from crm.actors import Actor
from crm.models import Team, User
from crm.workdays import DEFAULT, Calendar

Role = User.Role
OF_A_TEAM = {Role.AGENT, Role.SUPERVISOR}
# What a form may change of a person; the password is their own.
FIELDS = ("first_name", "last_name", "email", "role", "team", "supervisor", "language")


class Refused(ValueError):
    """A person or a team that cannot be so; `field` is at fault, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


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


def set_password(*, user: User, password: str) -> None:
    """The person's new password; every log-in of theirs but this one ends."""
    user.set_password(password)
    user.save(update_fields=["password"])


@transaction.atomic
def add(*, username: str, facts: Mapping[str, Any], by: Actor, at: datetime) -> User:
    """Somebody new, without a password: they set one by a link. Raises Refused."""
    name = username.strip()
    if User.objects.filter(username__iexact=name).exists():
        raise Refused("username", _("Somebody logs in with this name already."))
    row = User(username=name, date_joined=at, **{key: facts[key] for key in FIELDS if key in facts})
    _check(row)
    row.set_unusable_password()
    row.save()
    audit.write(action="person_added", subject=_subject(row), by=by, at=at, data={"role": row.role})
    return row


@transaction.atomic
def change(*, user: User, facts: Mapping[str, Any], by: Actor, at: datetime) -> list[str]:
    """Other facts of a person; returns which have changed. Raises Refused.

    The audit says which, not what they were: names and addresses stand in the row alone.
    """
    row = _held(user)
    changed = [key for key in FIELDS if key in facts and getattr(row, key) != facts[key]]
    if not changed:
        return []
    if row.role == Role.ADMINISTRATOR and facts.get("role", row.role) != Role.ADMINISTRATOR:
        _not_the_last(row, "role")
    for key in changed:
        setattr(row, key, facts[key])
    _check(row)
    row.save(update_fields=changed)
    if row.role == Role.AGENT:
        User.objects.filter(pk=row.pk).update(gets_management_digest=False)
    if row.role != Role.SUPERVISOR or "team" in changed:
        User.objects.filter(supervisor=row).update(supervisor=None)
    data = {"changed": changed, "role": row.role, "team": row.team_id}
    audit.write(action="person_changed", subject=_subject(row), by=by, at=at, data=data)
    return changed


@transaction.atomic
def close(*, user: User, by: Actor, at: datetime) -> bool:
    """They log in no more, from this moment on; False when they did not before. Raises Refused."""
    row = _held(user)
    if not row.is_active:
        return False
    if by.user is not None and by.user.pk == row.pk:
        raise Refused("", _("Nobody closes their own log-in."))
    _not_the_last(row, "")
    User.objects.filter(pk=row.pk).update(is_active=False)
    log_ins.end_all(row)
    audit.write(action="person_closed", subject=_subject(row), by=by, at=at)
    return True


@transaction.atomic
def reopen(*, user: User, by: Actor, at: datetime) -> bool:
    """They log in again, with what they had; False when they did all the time. Raises Refused when
    somebody else has their mail address by now, or their supervisor leads another team."""
    row = _held(user)
    if row.is_active:
        return False
    _check(row)
    User.objects.filter(pk=row.pk).update(is_active=True)
    audit.write(action="person_reopened", subject=_subject(row), by=by, at=at)
    return True


@transaction.atomic
def take_factors_away(*, user: User, by: Actor, at: datetime) -> bool:
    """Phone and codes are lost: the password alone is asked, and every log-in ends."""
    gone, _models = Authenticator.objects.filter(user=user).delete()
    if not gone:
        return False
    log_ins.end_all(user)
    audit.write(action="second_factor_reset", subject=_subject(user), by=by, at=at)
    return True


@transaction.atomic
def add_team(*, name: str, like: Team | None, by: Actor, at: datetime) -> Team:
    """A team; its working hours are those of another one, or the house's. Raises Refused."""
    slug = slugify(name)[:50]
    if not slug:
        raise Refused("name", _("A name has letters or figures."))
    if Team.objects.filter(slug=slug).exists() or Team.objects.filter(name__iexact=name).exists():
        raise Refused("name", _("There is a team of this name already."))
    calendar = like.calendar if like else DEFAULT.to_dict()
    row = Team.objects.create(slug=slug, name=name, calendar=calendar)
    hours = like.works_by if like else None
    try:
        hours = hours or calendars.add(name=name, hours=DEFAULT, by=by, at=at)
    except calendars.Refused as refusal:
        raise Refused("name", str(refusal)) from refusal
    calendars.give(calendar=hours, team=row, by=by, at=at)
    audit.write(action="team_added", subject=f"team:{row.pk}", by=by, at=at)
    return row


@transaction.atomic
def rename_team(*, team: Team, name: str, by: Actor, at: datetime) -> bool:
    """Another name; its mark in files and addresses stays. False when it has it. Raises Refused."""
    if Team.objects.filter(name__iexact=name).exclude(pk=team.pk).exists():
        raise Refused("name", _("There is a team of this name already."))
    if not Team.objects.filter(pk=team.pk).exclude(name=name).update(name=name):
        return False
    audit.write(action="team_renamed", subject=f"team:{team.pk}", by=by, at=at)
    return True


def _subject(user: User) -> str:
    return f"user:{user.pk}"


def _held(user: User) -> User:
    """Their row, locked; with all administrators, so that two do not close each other."""
    rows = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True) | User.objects.filter(
        pk=user.pk
    )
    held = list(rows.order_by("pk").select_for_update(no_key=True))
    return next(row for row in held if row.pk == user.pk)


def _not_the_last(row: User, field: str) -> None:
    others = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).exclude(pk=row.pk)
    if row.role == Role.ADMINISTRATOR and not others.exists():
        raise Refused(field, _("This is the last administrator: name another one first."))


def _check(row: User) -> None:
    if row.role in OF_A_TEAM and row.team is None:
        raise Refused("team", _("An agent and a supervisor belong to a team."))
    if row.role not in OF_A_TEAM and row.team is not None:
        raise Refused("team", _("Operations and administrators belong to no team."))
    if row.supervisor and (
        row.supervisor.role != Role.SUPERVISOR
        or row.supervisor.team_id != row.team_id
        or row.supervisor.pk == row.pk
    ):
        raise Refused("supervisor", _("A supervisor of the same team leads them."))
    if User.objects.filter(email__iexact=row.email, is_active=True).exclude(pk=row.pk).exists():
        raise Refused("email", _("Somebody has this mail address already."))
