"""The ping to a monitor outside the house: it stays away when something is wrong here, and then the
monitor calls somebody. The only writer of OutsidePing."""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Coalesce

from config import ping
from followups.models import OutsidePing

log = logging.getLogger("kept.watchdog")


def tell(*, at: datetime) -> bool:
    """All is well: says so outside. Whether it was heard disturbs nothing here.

    It waits for the network: never called inside a transaction.
    """
    if not settings.HEARTBEAT_URL:
        return False
    error = ping.get(settings.HEARTBEAT_URL)
    if error:
        log.error("the monitor outside was not reached", extra={"error": error})
    _note(error, at)
    return not error


def _note(error: str, at: datetime) -> None:
    row, _new = OutsidePing.objects.get_or_create(defaults={"tried_at": at})
    rows = OutsidePing.objects.filter(pk=row.pk)
    if error:
        since = Coalesce(F("failing_since_at"), at)
        rows.update(tried_at=at, error=error[:60], failing_since_at=since)
    else:
        rows.update(tried_at=at, ok_at=at, error="", failing_since_at=None)


def last() -> OutsidePing | None:
    """What became of it; None when it was never sent."""
    return OutsidePing.objects.first()
