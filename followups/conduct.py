"""Judges afterwards how each call to sell was made: the only writer of Conduct.

Done by a sweep and not with the call, so that whoever reports a call waits for nothing. What a
revision may change of a verdict (what was asked before the call, and who called) renews the
attempt's transaction, and the call is judged again; how the call ended changes nothing in it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import QuerySet

from crm.models import Attempt
from followups import hindsight
from followups.hindsight import Verdict
from followups.models import Conduct, ConductMark

log = logging.getLogger("kept.conduct")
BATCH = 500
# One that cannot be judged waits, and is given up after so many tries (the watchdog tells).
WAIT, MOST_TRIES = timedelta(hours=1), 5
# Transactions below the oldest that still writes have written all that they ever will. What a
# restored database brought along bears numbers of another house: those lie in the future here.
HOUSE = """
SELECT system_identifier, pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
    pg_current_xact_id()::text::bigint
FROM pg_control_system()
"""
UNJUDGED = """
SELECT a.xact, a.id FROM crm_attempt a LEFT JOIN followups_conduct c ON c.attempt_id = a.id
WHERE a.direction = 'outbound' AND a.purpose IN ('sales', 'survey')
    AND (c.attempt_id IS NULL OR c.xact <> a.xact)
"""
CHANGED = UNJUDGED + "AND (a.xact, a.id) > (%s, %s) AND a.xact <= %s ORDER BY a.xact, a.id LIMIT %s"
EVERY = UNJUDGED + "AND a.id > %s ORDER BY a.id LIMIT %s"


@dataclass(frozen=True)
class _Mark:
    """How far the calls were judged (ConductMark says what it means)."""

    house: int
    xact: int
    attempt: int = 0
    whole: bool = True


def judge(*, at: datetime) -> int:
    """The conduct sweep: some of the calls that have no verdict; one bad row stops nobody.

    Returns how many it looked at. Two at once do the same work once: the second does nothing.
    """
    with transaction.atomic():
        if not _alone():
            return 0
        mark, ids = _next()
        calls = _calls([*ids, *_failed(at)])
        _judge_all(calls, at)
        _keep(mark)
    return len(calls)


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('conduct'))")
        return bool(cursor.fetchone()[0])


def _next() -> tuple[_Mark, list[int]]:
    """The next calls, and how far everything is judged when these are.

    The house is read first: whatever commits after it is found behind the mark.
    """
    (house, oldest, youngest), *_none = _rows(HOUSE, [])
    row = ConductMark.objects.filter(pk=1).values("house", "xact", "attempt", "whole").first()
    mark = _Mark(**row) if row else None
    if mark is None or mark.house != house or mark.xact > youngest:
        # A first look, or a database that was restored elsewhere: everything, by the ids.
        mark = _Mark(house=house, xact=oldest)
    if mark.whole:
        found = _rows(EVERY, [mark.attempt, BATCH])
        ids = [pk for _xact, pk in found]
        full = len(found) == BATCH
        # The round keeps the transaction at which it began: what came meanwhile comes again.
        return replace(mark, attempt=ids[-1] if full else 0, whole=full), ids
    found = _rows(CHANGED, [mark.xact, mark.attempt, youngest, BATCH])
    ids = [pk for _xact, pk in found]
    if len(found) == BATCH and found[-1][0] < oldest:
        return replace(mark, xact=found[-1][0], attempt=ids[-1]), ids
    return replace(mark, xact=oldest, attempt=0), ids


def _failed(at: datetime) -> list[int]:
    again = Conduct.objects.filter(next_try_at__lte=at).order_by("next_try_at")
    return list(again.values_list("pk", flat=True)[:BATCH])


def _calls(ids: list[int]) -> list[Attempt]:
    rows = Attempt.objects.filter(pk__in=ids)
    return list(rows.select_related("text", "campaign", "customer").order_by("pk"))


def _judge_all(calls: Sequence[Attempt], at: datetime) -> None:
    """All at once; when that fails each by itself, so that it is known which."""
    try:
        with transaction.atomic():
            _write(calls, hindsight.judge(calls), at)
    except Exception:
        for call in calls:
            _judge_one(call, at)


def _judge_one(call: Attempt, at: datetime) -> None:
    try:
        with transaction.atomic():
            _write([call], hindsight.judge([call]), at)
    except Exception:
        log.exception("could not judge", extra={"attempt": call.pk})
        before = Conduct.objects.filter(pk=call.pk).values_list("failures", flat=True).first()
        failures = (before or 0) + 1
        _upsert([_row(call, at, failures=failures, again=failures < MOST_TRIES)])


def _write(calls: Sequence[Attempt], verdicts: dict[int, Verdict], at: datetime) -> None:
    _upsert([_row(call, at, verdict=verdicts[call.pk]) for call in calls])


def _row(
    call: Attempt,
    at: datetime,
    *,
    verdict: Verdict | None = None,
    failures: int = 0,
    again: bool = False,
) -> Conduct:
    return Conduct(
        attempt=call,
        started_at=call.started_at,
        source=call.source,
        team_id=_team(call),
        in_spite=verdict.in_spite if verdict else [],
        asked=verdict.asked if verdict else "",
        policy=verdict.policy if verdict else "",
        judged_at=at,
        failures=failures,
        next_try_at=at + WAIT if again else None,
        xact=call.xact,
    )


def _team(call: Attempt) -> int | None:
    """Who answers for the call: its team, else the campaign's, else the customer's."""
    campaign, customer = call.campaign, call.customer
    return (
        call.team_id
        or (campaign.team_id if campaign else None)
        or (customer.team_id if customer else None)
    )


def _upsert(rows: list[Conduct]) -> None:
    Conduct.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["attempt"],
        update_fields=[
            "team",
            "in_spite",
            "asked",
            "policy",
            "judged_at",
            "failures",
            "next_try_at",
            "xact",
        ],
    )


def _keep(mark: _Mark) -> None:
    ConductMark.objects.update_or_create(pk=1, defaults=vars(mark))


def unjudged() -> QuerySet[Conduct]:
    """Calls that were given up: somebody has to look why."""
    return Conduct.objects.filter(asked="", next_try_at=None)


def _rows(statement: str, values: list[int]) -> list[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
