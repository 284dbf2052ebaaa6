"""The words of closed lists that are rows or files, not choices: dispositions, policies."""

from __future__ import annotations

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

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
# The titles of the policies that came with the release (data/policies.yaml).
POLICIES: dict[str, str | Lazy] = {
    text: _(text)
    for text in (
        gettext_noop("France: opt-out list, until the consent rule of August 2026"),
        gettext_noop("France: sales calls only with consent"),
        gettext_noop("Belgium: the do-not-call-me list"),
        gettext_noop("Netherlands: consent or a customer relation"),
        gettext_noop("Netherlands: consent, also for customers"),
        gettext_noop("Germany: express consent, the hours of the industry's code"),
        gettext_noop("United Kingdom: the preference services' lists"),
        gettext_noop("United States: telemarketing under the TCPA"),
        gettext_noop("United States: debt collection under Regulation F"),
        gettext_noop("No limits but the promise gate"),
    )
}


def disposition(code: str) -> str:
    """The disposition in words; a code that a house added itself stands for itself."""
    return str(DISPOSITIONS.get(code, code))


def policy_title(text: str) -> str:
    """The title of a policy in words; one that a house wrote itself stands for itself."""
    return str(POLICIES.get(text, text))
