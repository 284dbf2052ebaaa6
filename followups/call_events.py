"""A dialer's call event: the call is logged or revised, and who is in a call keeps the lease."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from crm import call_events
from crm.actors import Actor
from crm.call_maps import OVER, Told
from crm.calls import Contradiction, Logged
from crm.models import CallSource
from followups import conversations, leases
from followups.models import Lease

# An event that the call is over may get lost: nobody is kept shut for longer than this.
LONGEST_CALL = timedelta(hours=4)
RACES = 2


def take(*, source: CallSource, told: Told, by: Actor, at: datetime) -> Logged:
    """Logs the call, or what is new about it; the same event again changes nothing.

    Raises call_maps.Unreadable by field, or calls.Contradiction; then nothing is saved.
    """
    for _ in range(RACES):
        try:
            return _take(source, told, by, at)
        except Contradiction:
            # Two events of one call at the same moment: the other one was first, and what this
            # one only worked out has to be worked out again beside it.
            continue
    return _take(source, told, by, at)


@transaction.atomic
def _take(source: CallSource, told: Told, by: Actor, at: datetime) -> Logged:
    call = call_events.understood(source=source, told=told, at=at)
    logged = conversations.record(call=call, by=by, at=at).logged
    if told.event not in OVER and call.decision_id and not logged.attempt.ended_at:
        for lease in Lease.objects.filter(decision_id=call.decision_id, released_at=None):
            leases.renew(
                decision_id=lease.decision_id,
                holder=lease.holder,
                until=lease.taken_at + LONGEST_CALL,
                at=at,
            )
    return logged
