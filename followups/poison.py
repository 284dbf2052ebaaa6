"""Promises whose rungs throw: pushed away, so that they delay nobody, and brought back by a person.

The half of followups/promises.py that writes Promise for rows that throw.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from crm.actors import Actor
from followups import history
from followups.models import Promise

# A promise that throws is looked at again so much later.
WAIT = timedelta(hours=1)

MOST = 5  # failures in a row; then operations are told, and it is a dead letter


def push_away(*, promise_id: int, until: datetime) -> int:
    """A row that throws waits, so that the others are not delayed; returns its failures."""
    row = Promise.objects.get(pk=promise_id)
    Promise.objects.filter(pk=promise_id).update(next_rung_at=until, failures=row.failures + 1)
    return row.failures + 1


def stuck() -> QuerySet[Promise]:
    """The open promises whose rung failed MOST times or more."""
    return Promise.objects.open().filter(failures__gte=MOST)


@transaction.atomic
def retry(*, promise_id: int, by: Actor, at: datetime) -> bool:
    """Its rung is due again as it was planned, so at once; False when it is stuck no more."""
    row = stuck().select_for_update(of=("self",)).filter(pk=promise_id).first()
    if row is None:
        return False
    planned = row.rungs[row.rung] if row.rung < len(row.rungs) else at
    Promise.objects.filter(pk=row.pk).update(failures=0, next_rung_at=planned)
    _note(promise_id, "rung_retried", by, at)
    return True


@transaction.atomic
def leave_out(*, promise_id: int, reason: str, by: Actor, at: datetime) -> bool:
    """This rung is left out, with a reason (a code), and the next one takes its turn.

    Nobody is told by the rung that is left out. False when it is stuck no more.
    """
    row = stuck().select_for_update(of=("self",)).filter(pk=promise_id).first()
    if row is None:
        return False
    later = row.rungs[row.rung + 1] if row.rung + 1 < len(row.rungs) else None
    rows = Promise.objects.filter(pk=row.pk)
    rows.update(rung=min(row.rung + 1, len(row.rungs)), next_rung_at=later, failures=0)
    _note(promise_id, "rung_left_out", by, at, rung=row.rung, reason=reason)
    return True


def _note(promise_id: int, cause: str, by: Actor, at: datetime, **data: object) -> None:
    promise = Promise.objects.get(pk=promise_id)
    history.note(promise=promise, cause=cause, by=by, at=at, **data)
