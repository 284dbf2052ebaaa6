"""What the watchdog found, with its history: opened, told once, closed, told once.

The only writer of Finding and AuditRound.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet

from crm.models import User
from followups import auditing, notices
from followups.models import AuditRound, Finding

log = logging.getLogger("kept.watchdog")
OPENED, GONE = "finding", "finding_gone"
# What a first look saw and the next one does not is not told: somebody was just at it.
SETTLED = timedelta(seconds=45)
# Looked for a stretch at a time: gone only when a whole round has not met it.
BY_ROUND = ("unserved_promise", "no_next_rung", "rung_out_of_order")
ALONE = "SELECT pg_try_advisory_xact_lock(hashtext('watchdog'))"


@transaction.atomic
def look(*, at: datetime) -> int | None:
    """A turn of the watchdog: what is found is kept and told; returns how many findings are open.

    None when another one is at it just now.
    """
    with connection.cursor() as cursor:
        cursor.execute(ALONE)
        if not cursor.fetchone()[0]:
            return None
    before = {row.code: row for row in Finding.objects.filter(closed_at=None)}
    state, found = _promises(before, at)
    found |= auditing.everywhere(at=at)
    for code, subjects in found.items():
        log.error("watchdog", extra={"finding": code, "rows": len(subjects)})
        _keep(before.get(code), code, subjects, at)
    for code in before.keys() - found.keys():
        _gone(before[code], state, at)
    return open_now().count()


def _promises(before: dict[str, Finding], at: datetime) -> tuple[AuditRound, auditing.Found]:
    """The next stretch of the round, and whatever was wrong before."""
    state, _new = AuditRound.objects.get_or_create(defaults={"begun_at": at})
    if state.after == 0:
        state.begun_at, state.looked = at, 0
    stretch = auditing.onwards(after=state.after, at=at, most=auditing.STRETCH)
    known = {int(pk) for code in BY_ROUND if code in before for pk in before[code].subjects}
    found = auditing.again(known, at=at)
    for code, subjects in stretch.found.items():
        before_this = set(found.get(code, ()))
        found[code] = [*before_this, *(pk for pk in subjects if pk not in before_this)]
    state.looked += stretch.looked
    if stretch.looked < auditing.STRETCH:
        state.after, state.finished_at = 0, at
        state.last_begun_at, state.last_looked = state.begun_at, state.looked
    else:
        state.after = stretch.last or 0
    AuditRound.objects.filter(pk=state.pk).update(
        after=state.after,
        looked=state.looked,
        begun_at=state.begun_at,
        finished_at=state.finished_at,
        last_begun_at=state.last_begun_at,
        last_looked=state.last_looked,
    )
    return state, found


def _keep(before: Finding | None, code: str, subjects: list[str], at: datetime) -> None:
    # Of more than that only the first are kept, and counted.
    subjects = sorted(subjects, key=_order)[: auditing.MOST]
    seen = {"rows": len(subjects), "subjects": subjects, "seen_at": at}
    if before is None:
        Finding.objects.create(code=code, opened_at=at, **seen)
        return
    rows = Finding.objects.filter(pk=before.pk)
    rows.update(**seen)
    if before.opened_at + SETTLED <= at and rows.filter(told_at=None).update(told_at=at):
        _tell(OPENED, code, len(subjects), at)


def _order(subject: str) -> tuple[int, str]:
    return (int(subject), "") if subject.isdecimal() else (0, subject)


def _gone(before: Finding, state: AuditRound, at: datetime) -> None:
    begun = state.last_begun_at
    if before.code in BY_ROUND and (begun is None or begun <= before.seen_at):
        return
    closed = Finding.objects.filter(pk=before.pk, closed_at=None).update(closed_at=at)
    if closed and before.told_at:
        _tell(GONE, before.code, before.rows, at)


def _tell(kind: str, code: str, rows: int, at: datetime) -> None:
    people = User.objects.filter(role=User.Role.OPERATIONS, is_active=True).order_by("pk")
    for user in people:
        notices.tell(user=user, kind=kind, at=at, data={"finding": code, "rows": rows})


def open_now() -> QuerySet[Finding]:
    """The oldest first."""
    return Finding.objects.filter(closed_at=None).order_by("opened_at", "code")


def closed(*, since: datetime) -> QuerySet[Finding]:
    """What has gone since then, the newest first."""
    return Finding.objects.filter(closed_at__gte=since).order_by("-closed_at", "-pk")


def audit_round() -> AuditRound | None:
    """How far the look at every promise has come."""
    return AuditRound.objects.first()
