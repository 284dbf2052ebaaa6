"""The channels in the words of those who promise: which way something goes, and to where."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

BY: dict[str, str | Lazy] = {
    "email": gettext_lazy("by e-mail"),
    "portal": gettext_lazy("on the customer's page"),
    "post": gettext_lazy("by letter"),
    "bill_insert": gettext_lazy("with the next bill"),
}
MAIL, PAPER = ("email", "portal"), ("post", "bill_insert")


def route(plan: Sequence[str]) -> str:
    """ "by e-mail; if that fails, with the next bill, then by letter" """
    first, *rest = [str(BY.get(channel, channel)) for channel in plan]
    if not rest:
        return first
    later = _(", then ").join(rest)
    return _("%(first)s; if that fails, %(later)s") % {"first": first, "later": later}


def one_line(address: str) -> str:
    """A mailbox, or the lines of a postal address, as one line."""
    return ", ".join(address.splitlines())
