"""The daily digest for management: what has gone up to them, in one list, not in a mail
for each promise. Its delivery is a Notice of its own."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from crm import absences, instants, workdays
from crm import people as crm_people
from crm.chain import heads
from crm.models import User
from followups import briefing, notices
from followups.ladder import Role
from followups.models import Escalation, Notice, Promise
from followups.models.promises import Promises

FIGURES_OVER = timedelta(days=30)


def people() -> list[User]:
    """Who is management. Nobody: then operations are told, promise by promise."""
    return list(crm_people.candidates().filter(gets_management_digest=True).order_by("pk"))


def standing(*, since: datetime | None = None) -> Promises:
    """The open promises that went up to management in this cycle (after `since`, if given), the
    one due first comes first."""
    climbed = Escalation.objects.filter(
        role=Role.MANAGEMENT, promise=OuterRef("pk"), cycle=OuterRef("cycle")
    )
    if since:
        climbed = climbed.filter(at__gt=since)
    found: Promises = Promise.objects.open().filter(Exists(climbed))
    return found.order_by("due_at", "pk")


def run(*, at: datetime) -> int:
    """The management sweep: one digest to each of them on every working day of the house on which
    something stands. Who is away is read by whoever stands in; ten workers write one."""
    if not workdays.DEFAULT.is_open(at):
        return 0
    named = people()
    readers = absences.acting(named, at=at) or named
    today = instants.midnight(at)
    told = Notice.objects.filter(kind=briefing.DIGEST, at__gte=today)
    waiting = [user for user in readers if not told.filter(user=user).exists()]
    return sum(_write(user, today, at) for user in waiting)


@transaction.atomic
def _write(user: User, today: datetime, at: datetime) -> bool:
    alone = User.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=user.pk)
    mine = Notice.objects.filter(kind=briefing.DIGEST, user=user)
    if alone.first() is None or mine.filter(at__gte=today).exists() or not standing().exists():
        return False
    last = mine.order_by("-at").first()
    found = figures(since=last.at if last else None, at=at)
    notices.tell(user=user, kind=briefing.DIGEST, data=found, at=at)
    return True


def figures(*, since: datetime | None, at: datetime) -> dict[str, Any]:
    """What the digest says, as it is kept with it: counts, and the ids of the worst."""
    rows = list(standing().values_list("pk", "team__name"))
    judged = Promise.objects.filter(due_at__gt=at - FIGURES_OVER, due_at__lte=at)
    judged = judged.exclude(status__in=(Promise.Status.WITHDRAWN, Promise.Status.ERASED))
    sealed = heads.newest()
    return {
        "standing": len(rows),
        "new": standing(since=since).count(),
        "broken": Promise.objects.broken(at).count(),
        "due": judged.count(),
        "late": judged.exclude(broken_at=None).count(),
        "teams": Counter(name for _pk, name in rows if name).most_common(),
        "head": str(heads.of(sealed)) if sealed else "",
        "worst": [pk for pk, _name in rows[: briefing.MOST]],
    }
