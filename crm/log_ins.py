"""Log-ins: what happens at them, written into the audit, and where somebody is logged in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as factors
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore
from django.dispatch import Signal
from django.http import HttpRequest

from config import clock, second_factor, sessions
from crm import audit
from crm.actors import NOBODY, Actor
from crm.models import User

Receiver = Callable[..., None]


def listen() -> None:
    """Connects everything, once, when Django starts (crm/apps.py)."""
    user_logged_in.connect(sessions.begin, dispatch_uid="kept.sessions")
    for signal, action in (
        (account.user_logged_in, "logged_in"),
        (account.user_logged_out, "logged_out"),
        (account.password_changed, "password_changed"),
        (account.password_set, "password_changed"),
        (factors.authenticator_added, "second_factor_added"),
        (factors.authenticator_removed, "second_factor_removed"),
        (factors.authenticator_reset, "recovery_codes_renewed"),
    ):
        _connect(signal, action, _by_themselves(action))
    _connect(account.password_reset, "password_reset", _by_link)
    _connect(factors.authentication_failed, "second_factor_wrong", _wrong_code)
    _connect(factors.authenticator_removed, "asked_again", _ask_again)


def _connect(signal: Signal, name: str, receiver: Receiver) -> None:
    # Kept alive by the signal: the receivers have no other home.
    signal.connect(receiver, weak=False, dispatch_uid=f"kept.{name}")


def _by_themselves(action: str) -> Receiver:
    def receive(user: User | None = None, **event: Any) -> None:
        if user is not None:
            _write(action, user, Actor.person(user), event.get("authenticator"))

    return receive


def _by_link(user: User, **event: Any) -> None:
    _write("password_reset", user, NOBODY, None)


def _wrong_code(user: User, **event: Any) -> None:
    _write("second_factor_wrong", user, NOBODY, event.get("authenticator"))


def _ask_again(request: HttpRequest, **event: Any) -> None:
    """Whoever took away their last factor is led to add one (config/second_factor.py)."""
    request.session.pop(second_factor.FOUND, None)


def _write(action: str, user: User, by: Actor, factor: Authenticator | None) -> None:
    data = {"kind": str(factor.type)} if factor else None
    audit.write(action=action, subject=f"user:{user.pk}", by=by, at=clock.now(), data=data)


@dataclass(frozen=True)
class Place:
    """Where somebody is logged in."""

    pk: int
    browser: str
    address: str
    since: datetime
    touched_at: datetime | None
    here: bool


def sessions_of(user: User, *, current: str | None) -> list[Place]:
    """The person's log-ins that still hold, this one first, then the newest."""
    places = [_place(row, current) for row in UserSession.objects.purge_and_list(user)]
    return sorted(places, key=lambda place: (not place.here, -place.since.timestamp()))


def end_all(user: User) -> int:
    """Ends every log-in of this person; how many there were."""
    rows = list(UserSession.objects.filter(user=user))
    for row in rows:
        row.end()
    return len(rows)


def _place(row: UserSession, current: str | None) -> Place:
    touched = sessions.touched_at(SessionStore(row.session_key))
    return Place(
        pk=row.pk,
        browser=row.user_agent,
        address=row.ip,
        since=row.created_at,
        touched_at=datetime.fromtimestamp(touched, UTC) if touched else None,
        here=row.session_key == current,
    )
