"""Sales calls that the gate denied: by code, campaign and supplier. Reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import ApiKey
from followups.board.wanted import Wanted, today
from followups.models import DeniedCall
from followups.suppliers import AGAINST

LONGEST_LIST = 200
# How long a call takes is read from the newest ones with an end; fewer than so many say nothing.
LOOKED_AT, ENOUGH = 1_000, 10
ASSUMED = timedelta(minutes=3)
# Beside what can stand against a call that was made (followups/suppliers.py).
OTHER: dict[str, str | Lazy] = {
    "deceased": gettext_lazy("has died"),
    "number_invalid": gettext_lazy("not a number"),
    "unknown_number": gettext_lazy("a number that nobody has"),
    "dnc_campaign": gettext_lazy("no calls for this campaign"),
    "leased": gettext_lazy("somebody else was just calling"),
    "clock_unsafe": gettext_lazy("the gate was shut: a sweep had stopped"),
}
LENGTH = """
SELECT count(*), avg(extract(epoch FROM a.ended_at - a.started_at)) FROM (
    SELECT a.ended_at, a.started_at FROM crm_attempt a
    WHERE a.direction = 'outbound' AND a.purpose = 'sales' AND a.ended_at IS NOT NULL
    ORDER BY a.id DESC LIMIT %(most)s) a
"""


@dataclass(frozen=True)
class Group:
    """Denied calls that have something in common; `requests` is how often they were asked for."""

    name: str
    calls: int
    requests: int
    redundant: int


@dataclass(frozen=True)
class Saved:
    """Agent minutes saved: `calls` times the usual length of a call. `measured` is from how many
    calls that comes; 0 where it is assumed."""

    calls: int
    seconds: int
    measured: int

    @property
    def minutes(self) -> int:
        return self.calls * self.seconds // 60

    @property
    def length(self) -> str:
        minutes, seconds = divmod(self.seconds, 60)
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": seconds}


@dataclass(frozen=True)
class Avoided:
    """Everything that the page shows of a period."""

    saved: Saved
    redundant: int
    codes: tuple[Group, ...]
    campaigns: tuple[Group, ...]
    suppliers: tuple[Group, ...]
    rows: tuple[DeniedCall, ...]


def find(wanted: Wanted, *, at: datetime) -> Avoided:
    rows = _denied(wanted, at)
    codes = _groups(rows, "code")
    calls = sum(group.calls for group in codes)
    newest = rows.filter(redundant=True).select_related("customer__text", "campaign", "team")
    return Avoided(
        saved=_saved(calls),
        redundant=sum(group.redundant for group in codes),
        codes=tuple(Group(_against(g.name), g.calls, g.requests, g.redundant) for g in codes),
        campaigns=_groups(rows, "campaign__name"),
        suppliers=_suppliers(rows),
        rows=tuple(newest.order_by("-first_at", "-pk")[:LONGEST_LIST]),
    )


def _denied(wanted: Wanted, at: datetime) -> QuerySet[DeniedCall]:
    mine = Q(team__in=wanted.teams)
    if wanted.strays:
        mine |= Q(team=None)
    if wanted.campaign:
        mine &= Q(campaign=wanted.campaign)
    return DeniedCall.objects.filter(mine, day__range=(wanted.first_day(at), today(at)))


def _groups(rows: QuerySet[DeniedCall], by: str) -> tuple[Group, ...]:
    found = rows.order_by().values_list(by)
    found = found.annotate(
        calls=Count("pk"), asked=Sum("requests"), spared=Count("pk", filter=Q(redundant=True))
    )
    groups = [Group(name or "–", *numbers) for name, *numbers in found]
    return tuple(sorted(groups, key=lambda group: (-group.calls, group.name)))


def _suppliers(rows: QuerySet[DeniedCall]) -> tuple[Group, ...]:
    """Who asked first: a key by its name, and everybody at a desk together."""
    keys = dict(ApiKey.objects.values_list("key_id", "name"))
    found: dict[str, Group] = {}
    for group in _groups(rows, "first_by"):
        name = _("the desk")
        if group.name.startswith("key:"):
            name = keys.get(group.name[4:], group.name[4:])
        was = found.get(name, Group(name, 0, 0, 0))
        found[name] = Group(
            name,
            was.calls + group.calls,
            was.requests + group.requests,
            was.redundant + group.redundant,
        )
    return tuple(sorted(found.values(), key=lambda group: (-group.calls, group.name)))


def _against(code: str) -> str:
    return str(AGAINST.get(code) or OTHER.get(code) or code)


def _saved(calls: int) -> Saved:
    with connection.cursor() as cursor:
        cursor.execute(LENGTH, {"most": LOOKED_AT})
        measured, seconds = cursor.fetchone()
    if measured < ENOUGH:
        return Saved(calls, int(ASSUMED.total_seconds()), 0)
    return Saved(calls, int(seconds), measured)
