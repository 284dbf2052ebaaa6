"""Where a delivery stands, as one would tell a colleague; each channel in its own words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import instants
from followups import telling_paper, why_next
from followups.models import Promise
from offers.grades import Fold, fold
from offers.models import Delivery
from offers.models.deliveries import PAPER

Status = Delivery.Status
Kind = Promise.Kind
# Why nothing stands; the board's list of causes.
CAUSES: dict[str, str | Lazy] = {
    "bounced": gettext_lazy("the mail came back"),
    "returned": gettext_lazy("the letter came back"),
    "spoiled": gettext_lazy("lost in print"),
    "no_address": gettext_lazy("no address"),
    "unknown": gettext_lazy("may or may not have left"),
    "not_confirmed": gettext_lazy("not confirmed by the mail room"),
    "server_down": gettext_lazy("the mail server does not take it"),
    "never_received": gettext_lazy("the customer says it never came"),
    "not_written": gettext_lazy("the answer is not written yet"),
    "not_called": gettext_lazy("nobody has called back yet"),
    "waiting": gettext_lazy("waiting to leave"),
    "on_its_way": gettext_lazy("on its way"),
}


@dataclass(frozen=True)
class Trouble:
    """Where the newest delivery stands: a key of CAUSES, and the sentence about it."""

    cause: str
    sentence: str


def of(promise: Promise, delivery: Delivery | None, *, at: datetime) -> Trouble:
    """What became of a promise, by its newest delivery, or that there is none yet."""
    if promise.kind == Kind.CALLBACK:
        return _callback(promise, at)
    if delivery is None and promise.kind == Kind.WRITTEN_ANSWER and promise.document_id is None:
        return Trouble("not_written", _("The answer is not written yet."))
    return trouble(delivery, at=at)


def _callback(promise: Promise, at: datetime) -> Trouble:
    when = {"when": why_next.hour(promise, at=at)}
    if promise.waits:
        return Trouble("not_called", _("We call back %(when)s.") % when)
    if promise.late_at <= at:
        words = _("We were to call back on %(when)s; nobody has. It may still be done, as late.")
    elif promise.due_at <= at:
        words = _("We call back now: agreed for %(when)s.")
    else:
        words = _("We call back on %(when)s.")
    return Trouble("not_called", words % when)


def trouble(delivery: Delivery | None, *, at: datetime) -> Trouble:
    """What happened to a delivery, or that there is none."""
    if delivery is None:
        return Trouble("no_address", _("There is no address to send it to."))
    known = fold(delivery.evidence.all())
    never = _never_received(delivery, at) if known.failed else None
    if never:
        return never
    if delivery.channel in PAPER:
        return Trouble(*telling_paper.told(delivery, known, at=at))
    if delivery.status == Status.FAILED or known.failed:
        return _failed(delivery, at)
    if delivery.status == Status.RETRY:
        return _held_up(delivery, at)
    return _under_way(delivery, known, at)


def _never_received(delivery: Delivery, at: datetime) -> Trouble | None:
    bad = [row for row in delivery.evidence.all() if row.kind in {"failed", "never_received"}]
    last = max(bad, key=lambda row: row.occurred_at, default=None)
    if last is None or last.kind != "never_received":
        return None
    when = {"when": instants.said(last.occurred_at, now=at)}
    return Trouble("never_received", _("The customer said %(when)s that it never came.") % when)


def _failed(delivery: Delivery, at: datetime) -> Trouble:
    notice = delivery.channel == "portal"
    bad = [row for row in delivery.evidence.all() if row.kind == "failed"]
    last = max(bad, key=lambda row: row.occurred_at, default=None)
    if last is None:
        return Trouble("bounced", _("The mail could not be delivered."))
    when = {"when": instants.said(last.occurred_at, now=at)}
    if last.source == "smtp" and not last.status_code and not last.hard:
        words = _("The mail server could not be reached for a day; we gave up %(when)s.")
        return Trouble("server_down", words % when)
    if last.hard and notice:
        words = _("The notice bounced %(when)s: the mail address does not exist.")
    elif last.hard:
        words = _("The mail bounced %(when)s: the address does not exist.")
    elif notice:
        words = _("The notice bounced %(when)s: the mailbox did not take it (%(status)s).")
    else:
        words = _("The mail bounced %(when)s: the mailbox did not take it (%(status)s).")
    return Trouble("bounced", words % {**when, "status": last.status_code or "?"})


def _held_up(delivery: Delivery, at: datetime) -> Trouble:
    soon = delivery.next_try_at is None or delivery.next_try_at <= at
    again = {
        "when": _("in a moment") if soon else instants.said(delivery.next_try_at or at, now=at),
        "code": delivery.reply_code,
    }
    if delivery.reply_code:
        words = _(
            "The mail server asked us to wait (%(code)s); next try %(when)s. Nothing is lost."
        )
    else:
        words = _("The mail server does not answer; next try %(when)s. Nothing is lost.")
    return Trouble("server_down", words % again)


def _under_way(delivery: Delivery, known: Fold, at: datetime) -> Trouble:
    notice = delivery.channel == "portal"
    if delivery.status == Status.UNKNOWN:
        words = _("The line broke while the mail was leaving: it may or may not have left.")
        return Trouble("unknown", words)
    if delivery.status == Status.SENT:
        return _noticed(known, at) if notice else _sent(known, at)
    if delivery.status == Status.SENDING:
        return Trouble("on_its_way", _("The mail is leaving now."))
    if delivery.status == Status.CANCELLED:
        return Trouble("waiting", _("The mail was taken back before it left."))
    return Trouble("waiting", _("The mail waits to leave."))


def _sent(known: Fold, at: datetime) -> Trouble:
    if known.delivered_at:
        words = _("Delivered to the mailbox %(when)s. It is proven when nothing comes back.")
        since = known.delivered_at
    elif known.accepted_at:
        words = _("The mail server took it %(when)s. It is proven when nothing comes back.")
        since = known.accepted_at
    else:
        return Trouble("on_its_way", _("The mail has left."))
    return Trouble("on_its_way", words % {"when": instants.said(since, now=at)})


def _noticed(known: Fold, at: datetime) -> Trouble:
    """A notice proves that the page was announced; the customer's own step proves the rest."""
    since = known.delivered_at or known.accepted_at
    opened = known.reached.get(4)
    if opened:
        words, since = _("The customer opened it %(when)s."), opened
    elif known.delivered_at:
        words = _("The notice came to the mailbox %(when)s. It counts when the customer opens it.")
    else:
        words = _("The mail server took the notice %(when)s. It counts when the customer opens it.")
    if since is None:
        return Trouble("on_its_way", _("The notice has left."))
    return Trouble("on_its_way", words % {"when": instants.said(since, now=at)})
