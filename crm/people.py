"""Teams and the people in them: the only writer of these rows."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

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


def team(*, slug: str, name: str, calendar: Calendar) -> Team:
    """The team of that slug, made when it is not there."""
    row, _new = Team.objects.get_or_create(
        slug=slug, defaults={"name": name, "calendar": calendar.to_dict()}
    )
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


def set_password(*, user: User, password: str) -> None:
    """The person's new password; every log-in of theirs but this one ends."""
    user.set_password(password)
    user.save(update_fields=["password"])
