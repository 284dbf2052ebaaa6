"""Is anybody listening for bounces? The only writer of IntakeSpan and UnmatchedReport."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, QuerySet

from crm.actors import Actor
from offers.models import IntakeSpan, UnmatchedReport

# Two sights of an intake that are further apart than this have a silence between them.
# A poll is seen each minute; a pipe is proven by the daily canary bounce; a provider that has
# something to report tries for hours until it can.
PATIENCE = {
    "sink": timedelta(minutes=5),
    "imap": timedelta(minutes=5),
    "pipe": timedelta(hours=26),
    "esp": timedelta(hours=26),
}
KEEP_TRYING = timedelta(days=7)
TRY_AGAIN = timedelta(hours=1)


@transaction.atomic
def seen(*, name: str, at: datetime) -> None:
    """The intake showed that it is alive; a silence before starts a new span."""
    last = IntakeSpan.objects.select_for_update().filter(intake=name).order_by("-seen_at").first()
    if last and last.seen_at <= at <= last.seen_at + PATIENCE[name]:
        IntakeSpan.objects.filter(pk=last.pk).update(seen_at=at)
    elif last is None or at > last.seen_at:
        IntakeSpan.objects.create(intake=name, from_at=at, seen_at=at)


def alive_between(from_at: datetime, until_at: datetime) -> timedelta:
    """How much of the time between two instants some intake was alive."""
    spans = IntakeSpan.objects.filter(seen_at__gt=from_at, from_at__lt=until_at)
    total, covered = timedelta(0), from_at
    for span in spans.order_by("from_at"):
        start, end = max(span.from_at, covered), min(span.seen_at, until_at)
        if end > start:
            total, covered = total + (end - start), end
    return total


def alive(*, at: datetime) -> bool:
    """Whether some intake showed itself not longer ago than it may be silent."""
    newest = IntakeSpan.objects.values("intake").annotate(last=Max("seen_at"))
    return any(row["last"] + PATIENCE[row["intake"]] >= at for row in newest)


def expected() -> str:
    """Which intake this house has: its name, or none."""
    return "esp" if settings.ANYMAIL_ESP else str(settings.BOUNCE_INTAKE)


def silent(*, at: datetime) -> bool:
    """Whether somebody ought to listen and nobody does.

    A provider has nothing to say while nothing is sent: without a canary its silence means nothing.
    """
    name = expected()
    if name == "none" or (name == "esp" and not settings.CANARY_ADDRESS):
        return False
    return not alive(at=at)


def last_seen() -> datetime | None:
    """When some intake last showed itself."""
    seen: datetime | None = IntakeSpan.objects.aggregate(last=Max("seen_at"))["last"]
    return seen


def configured() -> bool:
    """Whether anybody has ever listened."""
    return IntakeSpan.objects.exists()


def listened(*, name: str, from_at: datetime, until_at: datetime) -> None:
    """The demo's past: the intake was alive all along between two instants."""
    IntakeSpan.objects.create(intake=name, from_at=from_at, seen_at=until_at)


def shift(*, by: timedelta) -> None:
    """The demo's clock jumped: who listened a moment ago listened all along."""
    newest = IntakeSpan.objects.order_by("-seen_at").values("pk")[:1]
    IntakeSpan.objects.filter(pk__in=newest).update(seen_at=F("seen_at") + by)


def keep(*, raw: bytes, by: Actor, at: datetime) -> UnmatchedReport:
    """Keeps a report that matched nothing yet; the same bytes are kept once."""
    row, _ = UnmatchedReport.objects.get_or_create(
        sha256=hashlib.sha256(raw).hexdigest(),
        defaults={
            "raw": raw,
            "received_at": at,
            "received_by": by.code,
            "next_try_at": at + TRY_AGAIN,
        },
    )
    return row


def retry(*, read: Callable[[bytes, datetime], bool], by: Actor, at: datetime) -> int:
    """Tries kept reports again, each hour for seven days; then they stay listed, unmatched."""
    matched = 0
    for row in UnmatchedReport.objects.filter(next_try_at__lte=at, matched_at=None)[:200]:
        rows = UnmatchedReport.objects.filter(pk=row.pk, matched_at=None)
        if read(bytes(row.raw), at):
            matched += rows.update(matched_at=at, matched_by=by.code, next_try_at=None)
        else:
            again = at + TRY_AGAIN if at < row.received_at + KEEP_TRYING else None
            rows.update(next_try_at=again)
    return matched


def forget(matches: Callable[[bytes], bool]) -> int:
    """Kept reports that `matches` says are about somebody: they go. Reads every one of them; they
    are few, and kept for thirty days."""
    gone = [row.pk for row in UnmatchedReport.objects.iterator(50) if matches(bytes(row.raw))]
    return UnmatchedReport.objects.filter(pk__in=gone).delete()[0]


def forget_matched() -> int:
    """What was matched has become evidence: its bytes are needed no more."""
    return UnmatchedReport.objects.exclude(matched_at=None).exclude(raw=b"").update(raw=b"")


def unmatched() -> QuerySet[UnmatchedReport]:
    """What matches nothing, also when nobody tries any more."""
    return UnmatchedReport.objects.filter(matched_at=None)


def try_again(*, report_id: int, at: datetime) -> bool:
    """At the next turn of the intake sweep; False when it was matched meanwhile."""
    return bool(unmatched().filter(pk=report_id).update(next_try_at=at))


def give_up(*, report_id: int) -> bool:
    """Nobody tries it any more; it stays kept. False when it was matched meanwhile."""
    return bool(unmatched().filter(pk=report_id).update(next_try_at=None))
