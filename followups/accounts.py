"""Logging in, with the letters that belong to it: a link to set a password is a notice."""

from __future__ import annotations

from typing import Any

from config import clock
from crm.accounts import LogIn
from crm.models import User
from followups import notices


class Accounts(LogIn):
    """django-allauth's hooks, all of them (settings.ACCOUNT_ADAPTER)."""

    def send_password_reset_mail(self, user: Any, email: str, context: dict[str, Any]) -> None:
        """A row that the worker mails: who asks waits no longer for a name that is known."""
        if isinstance(user, User):
            notices.tell(user=user, kind="password_asked", at=clock.now())
