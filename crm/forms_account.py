"""Forms of one's own account: the code of a second factor, at the log-in and once more."""

from __future__ import annotations

from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from django import forms
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _


class OnceOnly(forms.Form):
    """A code counts once for as long as its clock would take it; the library forgets it sooner."""

    user: Any
    authenticator: Authenticator

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("Code")
        self.fields["code"].widget.attrs = {
            "autocomplete": "one-time-code",
            "autofocus": True,
            "inputmode": "numeric",
            "maxlength": 12,
        }

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.TOTP:
            steps = 2 * app_settings.TOTP_TOLERANCE + 1
            known = f"kept:code:{self.user.pk}:{''.join(code.split())}"
            if not cache.add(known, 1, timeout=steps * app_settings.TOTP_PERIOD):
                raise get_adapter().validation_error("incorrect_code")
        return code


class CodeForm(OnceOnly, AuthenticateForm):
    """After the password."""


class CodeAgainForm(OnceOnly, ReauthenticateForm):
    """Before something that opens what is shut."""
