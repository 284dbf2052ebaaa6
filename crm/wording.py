"""The words of closed lists that are rows, not choices: what each disposition is called."""

from __future__ import annotations

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

DISPOSITIONS: dict[str, str | Lazy] = {
    "accepted": _("accepts the offer"),
    "declined": _("declines the offer"),
    "wants_in_writing": _("wants it in writing"),
    "undecided": _("is undecided"),
    "callback_set": _("wants to be called back"),
    "not_right_party": _("was not the right person"),
    "language_barrier": _("speaks another language"),
    "complaint": _("complains"),
    "refused_contact": _("never wants to be called again"),
    "deceased": _("has died"),
    "technical": _("technical trouble on the line"),
    "other": _("something else"),
}


def disposition(code: str) -> str:
    """The disposition in words; a code that a house added itself stands for itself."""
    return str(DISPOSITIONS.get(code, code))
