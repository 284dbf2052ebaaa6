"""Words of the account pages: single sign-on, the second factor, which browser it was."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from django import template
from django.conf import settings
from django.http.request import split_domain_port
from django.utils.translation import gettext as _

from config import second_factor
from crm import second_factors
from crm.models import User

register = template.Library()
# In this order: each later one also calls itself by the names of those after it.
BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@register.simple_tag
def sign_on() -> list[dict[str, Any]]:
    """The identity providers of the house (settings.OIDC)."""
    return list(settings.OIDC)


@register.simple_tag(takes_context=True)
def factor_missing(context: template.Context) -> bool:
    """Whether the reader's role needs a second factor that they do not have."""
    user = context["user"]
    needs = isinstance(user, User) and second_factor.needed(user)
    return needs and not {"totp", "webauthn"} & second_factors.kinds(user)


@register.simple_tag(takes_context=True)
def by_name(context: template.Context) -> bool:
    """Whether Kept was opened by a host's name: browsers bind security keys to names only."""
    host = split_domain_port(context["request"].get_host())[0].strip("[]")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


@register.filter
def browser(agent: str) -> str:
    """`Firefox, Windows`; what a stranger calls itself is not repeated."""
    names = [
        next((said for mark, said in known if mark in agent), "") for known in (BROWSERS, SYSTEMS)
    ]
    found = ", ".join(filter(None, names))
    return found or (_("a program") if re.search(r"\w", agent) else _("unknown"))
