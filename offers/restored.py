"""A copy of the house: what may have left after it was taken. The half of offers/deliveries.py that
writes when a backup was restored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from crm.actors import Actor
from offers.models import Delivery, PrintRun
from offers.models.deliveries import PAPER

Status = Delivery.Status
# Moves that nobody else makes (offers/deliveries.py, MOVES): whoever holds a delivery knows better.
BEGUN = (Status.CLAIMED, Status.SENDING)
WAITING = (Status.QUEUED, Status.RETRY)
# A worker of the house that was may still hold a token of these rows: none it has comes near.
STEP = 1000
DOUBT = """
WITH found AS (
    SELECT id, status FROM offers_delivery
    WHERE status = ANY(%(sources)s) AND channel <> ALL(%(paper)s)
    ORDER BY id FOR UPDATE
), moved AS (
    UPDATE offers_delivery
    SET status = 'unknown', token = token + %(step)s, next_try_at = NULL, lease_until_at = NULL,
        settled_at = %(at)s::timestamptz
    FROM found WHERE offers_delivery.id = found.id
    RETURNING offers_delivery.id, found.status AS source, token
)
INSERT INTO offers_deliveryevent (delivery_id, from_status, to_status, token, at, by, cause)
SELECT id, source, 'unknown', token, %(at)s, %(by)s, 'restored' FROM moved
"""


@transaction.atomic
def doubt(*, nothing_lost: bool, by: Actor, at: datetime) -> int:
    """What may have left since becomes UNKNOWN, so that nothing goes again by itself; how many.

    `nothing_lost`: nothing was done after the copy was taken, so that only what was leaving at that
    moment is in doubt. Paper leaves by hand, and is for people to look at (runs).
    """
    sources = BEGUN if nothing_lost else (*BEGUN, *WAITING)
    values: dict[str, Any] = {
        "sources": [str(one) for one in sources],
        "paper": list(PAPER),
        "step": STEP,
    }
    with connection.cursor() as cursor:
        cursor.execute(DOUBT, {**values, "by": by.code, "at": at})
        return int(cursor.rowcount)


def runs(*, at: datetime) -> list[PrintRun]:
    """Runs that may have been printed after the copy was taken: cut off, and not yet printed."""
    rows = PrintRun.objects.filter(status__in=(PrintRun.Status.OPEN, PrintRun.Status.CLOSED))
    return list(rows.filter(cut_off_at__lte=at).order_by("cut_off_at", "pk"))
