"""Logging in, as the house wants it of django-allauth: its words, its limits, its audit."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from config import clock
from crm import audit, people
from crm.actors import NOBODY, Actor
from crm.models import User

# What is said after an act; what is not here goes without saying.
SAID = {
    "account/messages/password_changed.txt": _("Your password is changed."),
    "mfa/messages/totp_activated.txt": _("From now on the app's code is asked at the log-in."),
    "mfa/messages/totp_deactivated.txt": _("The app's code is not asked any more."),
    "mfa/messages/webauthn_added.txt": _("The security key is added."),
    "mfa/messages/webauthn_removed.txt": _("The security key is removed."),
    "usersessions/messages/sessions_logged_out.txt": _("The other log-ins are ended."),
}


class LogIn(DefaultAccountAdapter):
    """The hooks of allauth.account."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _("This name and this password do not belong together."),
        "too_many_login_attempts": _(
            "Too many wrong passwords. Try again in a quarter of an hour."
        ),
        "incorrect_password": _("This is not your password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """In the audit, when the name is one of ours: what else was typed may be a password."""
        at, reader = clock.now(), getattr(request, "user", None)
        user = User.objects.filter(username=credentials.get("username", "")).first()
        if user is None:
            return
        again = isinstance(reader, User) and reader.pk == user.pk
        audit.write(
            action="password_wrong" if again else "login_failed",
            subject=f"user:{user.pk}",
            by=Actor.person(user) if again else NOBODY,
            at=at,
        )

    def set_password(self, user: Any, password: str) -> None:
        people.set_password(user=user, password=password)

    def post_login(self, request: HttpRequest, user: Any, **more: Any) -> HttpResponse:
        """The person's language comes along."""
        response: HttpResponse = super().post_login(request, user, **more)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            user.language,
            max_age=settings.SESSION_COOKIE_AGE,
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        said = message or SAID.get(message_template or "")
        if said:
            messages.add_message(request, level, str(said), extra_tags=extra_tags)
