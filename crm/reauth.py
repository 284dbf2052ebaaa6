"""The password once more, before an act that opens what is shut. Wrong ones are counted."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest

from crm import audit
from crm.actors import Actor
from crm.models import AuditEntry, User

MOST_WRONG, WITHIN = 5, timedelta(minutes=15)


class Locked(Exception):
    """Too many wrong passwords: not even the right one is looked at for a while."""


@transaction.atomic
def confirm(request: HttpRequest, *, user: User, password: str, at: datetime) -> bool:
    """Whether this is the person's own password. Raises Locked.

    Asked as the log-in asks, so that whatever counts wrong log-ins counts these as well. Guesses
    of one person wait for each other: fifty at once are not fifty tries.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    wrong = AuditEntry.objects.filter(
        subject=f"user:{user.pk}", action="password_wrong", at__gt=at - WITHIN
    )
    if wrong.count() >= MOST_WRONG:
        raise Locked
    found = authenticate(request, username=user.get_username(), password=password)
    if found is not None and found.pk == user.pk:
        return True
    by = Actor.person(user)
    audit.write(action="password_wrong", subject=f"user:{user.pk}", by=by, at=at)
    return False
