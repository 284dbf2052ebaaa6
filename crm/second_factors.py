"""Second factors as django-allauth keeps them: sealed in the database, named as we name people."""

from __future__ import annotations

import base64
import hashlib

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.models import User


class SecondFactors(DefaultMFAAdapter):
    """The hooks of allauth.mfa. A copy of the database alone makes no codes."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This code is not right, or was used already: wait for the next one."),
    }

    def encrypt(self, text: str) -> str:
        return _seal().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _seal().decrypt(encrypted_text.encode()).decode()

    def _get_user_identifier(self, user: User) -> str:
        """In the app and on the key: the name with which they log in."""
        return user.get_username()

    def _get_site_name(self) -> str:
        return "Kept"


def _seal() -> Fernet:
    # Of the pepper, not of SECRET_KEY: that one is changed now and then, and ends sessions only.
    digest = hashlib.sha256(b"second factors " + settings.HASH_PEPPER.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def kinds(user: User) -> set[str]:
    """Which factors a person has: totp, webauthn, recovery_codes."""
    return set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
