"""The password once more, before an act that opens what is shut."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from crm.models import User


class Locked(Exception):
    """Too many wrong passwords: not even the right one is looked at for a while."""


def confirm(request: HttpRequest, *, user: User, password: str) -> bool:
    """Whether this is the person's own password. Raises Locked.

    Asked as the log-in asks: the same guesses are counted, in all processes together, and
    fifty at once are not fifty tries. A wrong one is in the audit (crm/accounts.py).
    """
    credentials = {"username": user.get_username(), "password": password}
    try:
        found = get_adapter(request).authenticate(request, **credentials)
    except ValidationError as refusal:
        raise Locked from refusal
    return found is not None and found.is_active and found.pk == user.pk
