"""The letter with a link to set a password: for who is new, and for who has forgotten it.

The link is made when the letter is sent and stands in no row: it holds for three days, and once.
"""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from crm.models import User
from followups.models import Notice

INVITED, ASKED = "invited", "password_asked"
KINDS = (INVITED, ASKED)


@dataclass(frozen=True)
class Letter:
    """Its words, in the language that is active."""

    subject: str
    text: str
    html: str


def link_for(user: User) -> str:
    """A new link to set this person's password."""
    words = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    path: str = reverse("account_reset_password_from_key", kwargs=words)
    return f"{settings.BASE_URL}{path}"


def compose(notice: Notice) -> Letter:
    """The letter to the notice's person."""
    user = notice.user
    invited = notice.kind == INVITED
    context = {
        "invited": invited,
        "company": settings.COMPANY_NAME,
        "name": user,
        "username": user.get_username(),
        "url": link_for(user),
        "language": user.language,
    }
    subject = _("Your log-in to Kept") if invited else _("Your new password for Kept")
    text = render_to_string("emails/password.txt", context)
    return Letter(subject, text, render_to_string("emails/password.html", context))
