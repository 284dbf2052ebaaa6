"""Why a promise was not kept in time, and whose lateness that is. Reads only."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

from followups import queries, telling
from followups.models import Promise
from followups.telling import CAUSES as CAUSES

log = logging.getLogger("kept.board")
# Whose lateness it is, in the words of the board.
BLAMED: dict[str, str | Lazy] = {
    "agent": _("the agent"),
    "system": _("our system"),
    "carrier": _("the carrier"),
    "customer": _("the customer"),
}
# A key of telling.CAUSES -> a key of BLAMED. Of a mail that came back: see `blame`.
BLAME = {
    "bounced": "carrier",
    "returned": "customer",
    "spoiled": "carrier",
    "no_address": "agent",
    "unknown": "system",
    "not_confirmed": "carrier",
    "server_down": "system",
    "never_received": "carrier",
    "not_written": "agent",
    "not_called": "agent",
    "waiting": "system",
    "on_its_way": "carrier",
}
# These say where it is, not why it is late.
NOT_YET = {"waiting", "on_its_way"}


def blame(cause: str, *, read_back: bool) -> str:
    """A key of BLAMED; empty for no cause.

    An address that the customer confirmed when it was read back is the customer's, one that
    nobody read back is the agent's.
    """
    if cause == "bounced":
        return "customer" if read_back else "agent"
    return BLAME.get(cause, "")


def find(ids: Iterable[int], *, at: datetime) -> dict[int, str]:
    """The cause of each of these promises: what stands in the way, or stood in it first.

    Of one that cannot be judged it is empty: it must not hold up the others.
    """
    rows = queries.with_journeys(Promise.objects.filter(pk__in=list(ids)))
    return {row.pk: _known(row, at) for row in rows.defer("calendar", "ladder")}


def _known(promise: Promise, at: datetime) -> str:
    try:
        return _cause(promise, at)
    except Exception:
        log.exception("no cause found", extra={"promise": promise.pk})
        return ""


def _cause(promise: Promise, at: datetime) -> str:
    if promise.status == Promise.Status.OPEN:
        return queries.row_of(promise, at=at).trouble.cause
    if promise.kind == Promise.Kind.CALLBACK:
        return "not_called"
    told = [telling.of(promise, row.delivery, at=at).cause for row in promise.attached.all()]
    late = "not_written" if promise.kind == Promise.Kind.WRITTEN_ANSWER else "waiting"
    return next((cause for cause in told if cause not in NOT_YET), late)
