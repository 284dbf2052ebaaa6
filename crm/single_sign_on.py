"""Single sign-on: who comes from the house's identity provider, and as whom they are known here."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.stagekit import clear_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.http import HttpRequest
from django.shortcuts import render

from crm.models import User


class SingleSignOn(DefaultSocialAccountAdapter):
    """The hooks of allauth.socialaccount. Nobody gets an account by coming here."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """The first time a person is known by their confirmed mail address, after that by the
        provider's own mark. What else the provider tells of them is not kept."""
        account = sociallogin.account
        claims, account.extra_data = account.extra_data, {}
        if account.pk:
            account.save(update_fields=["extra_data"])
            return
        user = _of(claims)
        if user is None:
            clear_login(request)
            page = render(request, "socialaccount/unknown.html", status=403)
            raise ImmediateHttpResponse(page)
        sociallogin.user = account.user = user
        account.save()

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False


def _of(claims: dict[str, Any]) -> User | None:
    """The one person at work with this address; None for two, and for an unconfirmed address."""
    told = {**claims.get("id_token", {}), **claims.get("userinfo", {})} or claims
    address = str(told.get("email") or "").strip()
    if not address or told.get("email_verified") is not True:
        return None
    found = list(User.objects.filter(email__iexact=address, is_active=True)[:2])
    return found[0] if len(found) == 1 else None
