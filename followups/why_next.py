"""Why somebody is next to call, in the agent's words. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from babel.dates import format_timedelta
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from crm import instants
from crm.models import Attempt, CampaignEntry
from followups.models import Promise


def call_back(promise: Promise, *, at: datetime) -> str:
    """ "Promised for 14:00, 20 minutes ago" """
    words = _("Promised for %(when)s, %(distance)s")
    when = instants.brief(promise.due_at, now=at)
    return words % {"when": when, "distance": _away(promise.due_at, at)}


def hour(promise: Promise, *, at: datetime) -> str:
    """When we call back: the hour, or what the call waits for. Needs `after` for the latter."""
    if not promise.waits or promise.after is None:
        return instants.spoken(promise.due_at, now=at)
    days, said = promise.after_days or 0, {"reference": promise.after.reference}
    if not days:
        return _("after %(reference)s has come") % said
    words = ngettext(
        "%(n)s day after %(reference)s has come", "%(n)s days after %(reference)s has come", days
    )
    return words % (said | {"n": days})


def _away(instant: datetime, at: datetime) -> str:
    """How far away an instant is: "20 minutes ago", "in 10 minutes", "now"."""
    if abs(instant - at) < timedelta(minutes=1):
        return _("now")
    locale = (get_language() or "en").replace("-", "_")
    return format_timedelta(instant - at, add_direction=True, threshold=1.5, locale=locale)


def read_through(promise: Promise, *, at: datetime) -> str:
    """ "Has had our offer Flex since Tue 3 Mar, 09:00, 3 days to read" """
    since = promise.readable_at or promise.made_at
    said = {"when": instants.brief(since, now=at), "read": _to_read(promise.reading_hours)}
    if promise.version is None:
        return _("Has had our document since %(when)s, %(read)s") % said
    words = _("Has had our offer %(offer)s since %(when)s, %(read)s")
    return words % (said | {"offer": promise.version.plan})


def _to_read(hours: int) -> str:
    if hours % 24:
        return ngettext("%(n)s hour to read", "%(n)s hours to read", hours) % {"n": hours}
    return ngettext("%(n)s day to read", "%(n)s days to read", hours // 24) % {"n": hours // 24}


def on_the_list(entry: CampaignEntry, *, at: datetime) -> str:
    """ "Campaign Fibre, never called"; "… called on Mon 2 Mar, 09:00: no answer; try 2 of 6" """
    said = {"campaign": entry.campaign.name}
    last = entry.last_attempt
    if last is None:
        return _("Campaign %(campaign)s, never called") % said
    said |= {
        "when": instants.said(last.started_at, now=at),
        "result": _result(last),
        "next": str(entry.tries + 1),
        "most": str(entry.campaign.most_tries),
    }
    words = _("Campaign %(campaign)s, called %(when)s: %(result)s; try %(next)s of %(most)s")
    return words % said


def _result(attempt: Attempt) -> str:
    return attempt.get_result_display() if attempt.result else _("no result yet")
