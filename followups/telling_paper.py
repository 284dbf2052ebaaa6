"""Where a letter or an insert stands, in the words of paper: runs, print, the mail room. Pure."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist
from django.utils.translation import gettext as _

from crm import instants
from offers.grades import Fold
from offers.models import Delivery, PrintLine, PrintRun

Status = Delivery.Status


def line_of(delivery: Delivery) -> PrintLine | None:
    """The delivery's place in a print run, if it has one; needs `line__run` selected."""
    try:
        return delivery.line
    except ObjectDoesNotExist:
        return None


def told(delivery: Delivery, known: Fold, *, at: datetime) -> tuple[str, str]:
    """A key of CAUSES, and the sentence."""
    line = line_of(delivery)
    if delivery.status == Status.FAILED or known.failed:
        return _failed(delivery, line, at)
    if delivery.status == Status.UNKNOWN:
        words = _("The mail room has not confirmed it: it may or may not have been mailed.")
        return "not_confirmed", words
    if delivery.status == Status.SENT:
        return "on_its_way", _mailed(known, at)
    if delivery.status == Status.SENDING:
        return "on_its_way", _("It is printed, and waits for the post to take it.")
    if delivery.status == Status.CANCELLED:
        return "waiting", _("It was taken off the list before it was printed.")
    if delivery.status == Status.CLAIMED:
        return "waiting", _("The list is closed; it is being printed.")
    return "waiting", _waiting(delivery, line, at)


def _waiting(delivery: Delivery, line: PrintLine | None, at: datetime) -> str:
    if line is None:
        return _("It waits for the next print run.")
    when = {
        "day": instants.day(line.run.mailing_date),
        "cut": instants.spoken(line.run.cut_off_at, now=at),
    }
    if line.run.kind == PrintRun.Kind.BILL_RUN:
        words = _("It joined the bill run of %(day)s; the list closes on %(cut)s.")
    else:
        words = _("It goes with the letters of %(day)s; the list closes on %(cut)s.")
    return words % when


def _failed(delivery: Delivery, line: PrintLine | None, at: datetime) -> tuple[str, str]:
    back = [row for row in delivery.evidence.all() if row.kind == "returned"]
    last = max(back, key=lambda row: row.occurred_at, default=None)
    if last:
        when = {"when": instants.said(last.occurred_at, now=at)}
        return "returned", _("It came back by post %(when)s.") % when
    if line and line.status == PrintLine.Status.MISSING:
        return "spoiled", _("The mail room did not find it among the printed sheets.")
    if line and line.status == PrintLine.Status.SPOILED:
        return "spoiled", _("The sheet was spoiled in print.")
    return "spoiled", _("It could not be printed or mailed.")


def _mailed(known: Fold, at: datetime) -> str:
    if known.delivered_at:
        words = _("The mail room confirmed it %(when)s. It is proven when it does not come back.")
        since = known.delivered_at
    elif known.accepted_at:
        words = _("It was handed to the post %(when)s. It is proven when it does not come back.")
        since = known.accepted_at
    else:
        return _("It was handed to the post.")
    return words % {"when": instants.said(since, now=at)}


def stations(delivery: Delivery) -> tuple[str, ...]:
    """The labels of its journey, in order."""
    line = line_of(delivery)
    day = {"day": instants.day(line.run.mailing_date)} if line else None
    if day and delivery.channel == "bill_insert":
        joined = _("joined the bill run of %(day)s") % day
    elif day:
        joined = _("with the letters of %(day)s") % day
    else:
        joined = _("waits for a print run")
    return (
        joined,
        _("printed"),
        _("handed to the post"),
        _("confirmed by the mail room"),
        _("proven"),
    )


def stopped(delivery: Delivery) -> str:
    """The station at which the journey ended, in place of the one it did not reach."""
    if any(row.kind == "returned" for row in delivery.evidence.all()):
        return _("came back")
    words = {
        Status.FAILED: _("lost in print"),
        Status.UNKNOWN: _("not confirmed by the mail room"),
        Status.CANCELLED: _("taken off the list"),
    }
    return words.get(Status(delivery.status), _("stopped"))
