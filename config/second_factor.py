"""Who needs a second factor for their role and has none is led to where one is added."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

Handler = Callable[[HttpRequest], HttpResponseBase]
# What can be reached without it: adding one, one's password, and the way out.
OPEN = ("/account/", "/logout/", "/language/")
FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
FOUND = "kept_second_factor"


def needed(user: AbstractBaseUser) -> bool:
    """Whether the person's role works with a second factor only."""
    return getattr(user, "role", "") in settings.REQUIRE_SECOND_FACTOR


class SecondFactor:
    """After the session's limits. Looks once in a session: with the factor its log-ins end."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        user = request.user
        if (
            user.is_authenticated
            and needed(user)
            and not request.path_info.startswith(OPEN)
            and not request.session.get(FOUND)
        ):
            if not (_by_house(request, user) or is_mfa_enabled(user, FACTORS)):
                return redirect("mfa_index")
            request.session[FOUND] = True
        return self.get_response(request)


def _by_house(request: HttpRequest, user: AbstractBaseUser) -> bool:
    """Came by single sign-on: the identity provider answers for the second factor."""
    records = get_authentication_records(request, user)
    return any(record["method"] == "socialaccount" for record in records)
