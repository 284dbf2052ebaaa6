"""How the daily digest for management reads: its figures, then the list, the worst first."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm import instants
from followups.models import Notice, Promise

DIGEST = "management_digest"
# Lines of the list; how many more there are is said.
MOST = 20
# What stands in a digest about which nothing is known.
NOTHING = {"standing": 0, "new": 0, "broken": 0, "due": 0, "late": 0}
Part = tuple[str, list[str], str]


def sentence() -> str:
    return _("Promises that went up to management: %(standing)s, new: %(new)s.")


def subject(notice: Notice) -> str:
    n = notice.data["standing"]
    words = ngettext(
        "%(n)s promise has gone up to management", "%(n)s promises have gone up to management", n
    )
    return words % {"n": n}


def parts(notice: Notice) -> list[Part]:
    """Title, lines and what is left out; of promises that were kept meanwhile nothing is said."""
    return [(_("Figures"), _figures(notice), ""), _list(notice)]


def _figures(notice: Notice) -> list[str]:
    told = {**NOTHING, **notice.data}
    lines = [
        _("Gone up to management: %(standing)s, new since the last digest: %(new)s") % told,
        _("Broken in all: %(broken)s") % told,
    ]
    if told["due"]:
        kept = 100 * (told["due"] - told["late"]) / told["due"]
        share = {"share": f"{kept:.1f}", "due": told["due"]}
        lines.append(_("Not broken in 30 days: %(share)s %% of %(due)s that were due") % share)
    teams = ", ".join(f"{name} {n}" for name, n in notice.data.get("teams", ()))
    if teams:
        lines.append(_("By team: %(teams)s") % {"teams": teams})
    if head := notice.data.get("head"):
        # Whoever rewrites the audit cannot rewrite what stands in these mailboxes.
        lines.append(_("Head of the audit: %(head)s") % {"head": head})
    return lines


def _list(notice: Notice) -> Part:
    ids = notice.data.get("worst", ())
    rows = Promise.objects.open().filter(pk__in=ids).order_by("due_at", "pk")
    found = list(rows.select_related("customer", "owner", "team"))
    more = notice.data["standing"] - len(ids)
    left_out = _("and %(n)s more") % {"n": more} if more > 0 else ""
    return _("The longest overdue first"), [_line(row, notice) for row in found], left_out


def _line(promise: Promise, notice: Notice) -> str:
    words = _("%(reference)s to %(customer)s, of %(owner)s (%(team)s): due on %(when)s")
    return words % {
        "reference": promise.reference,
        "customer": promise.customer.reference,
        "owner": promise.owner,
        "team": promise.team,
        "when": instants.brief(promise.due_at, now=notice.at),
    }
