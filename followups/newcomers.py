"""Somebody new: their row, and the letter with the link to set a password, in one step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from crm import audit, people
from crm.actors import Actor
from crm.models import User
from followups import notices, password_letters
from followups.models import Promise


@transaction.atomic
def invite(*, username: str, facts: Mapping[str, Any], by: Actor, at: datetime) -> User:
    """Adds a person and writes to them. Raises people.Refused."""
    user = people.add(username=username, facts=facts, by=by, at=at)
    notices.tell(user=user, kind=password_letters.INVITED, at=at)
    return user


@transaction.atomic
def send_link(*, user: User, by: Actor, at: datetime) -> bool:
    """Another link to set a password; False for somebody who does not log in any more."""
    if not user.is_active:
        return False
    kind = password_letters.ASKED if user.has_usable_password() else password_letters.INVITED
    notices.tell(user=user, kind=kind, at=at)
    audit.write(action="password_link_sent", subject=f"user:{user.pk}", by=by, at=at)
    return True


def open_promises(user: User) -> int:
    """How many open promises wait for this person: somebody else has to take them over."""
    return Promise.objects.open().filter(owner=user).count()
