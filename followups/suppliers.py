"""The calls that were made in spite of the gate, or without asking it, for each supplier. Reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q, QuerySet
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

from crm import excerpts
from crm.excerpts import Excerpt
from crm.models import CallSource, Team
from followups import silences
from followups.models import Conduct

COUNTED_OVER = timedelta(days=30)
LONGEST_LIST = 200
# What stood against the call, short enough for a table.
AGAINST: dict[str, str | Lazy] = {
    "dnc_company": _("never call me"),
    "dnc_national": _("national do-not-call list"),
    "suppressed": _("an open complaint or another stop"),
    "no_consent": _("no consent on file"),
    "customer_pause": _("no call until I answer"),
    "refusal_cooloff": _("said no a short while ago"),
    "open_promise": _("a document was promised"),
    "callback_pending": _("a call-back was promised"),
    "reading_time": _("still reading what we sent"),
    "cap_attempts": _("called as often as allowed"),
    "cap_conversations": _("spoken to as often as allowed"),
    "min_gap": _("called a short while before"),
    "calling_hours": _("outside the calling hours"),
    "holiday": _("a public holiday"),
}


@dataclass(frozen=True)
class Whose:
    """Whose calls are looked at: these teams', and with `strays` those of no team as well."""

    teams: QuerySet[Team]
    strays: bool


@dataclass(frozen=True)
class Supplier:
    """A source of calls and the team that answers for them: how it behaved."""

    source: str
    team: str
    in_spite: int
    unasked: int
    newest: datetime


@dataclass(frozen=True)
class Call:
    """One of the calls, with what stood against it in words."""

    conduct: Conduct

    @property
    def against(self) -> str:
        return ", ".join(str(AGAINST.get(code, code)) for code in self.conduct.in_spite)

    @property
    def asked(self) -> str:
        return str(self.conduct.get_asked_display())


@dataclass(frozen=True)
class Calls:
    """The newest calls of one kind, and all suppliers that made some of either kind."""

    suppliers: tuple[Supplier, ...]
    rows: Excerpt[Call]


def _in_spite(rows: QuerySet[Conduct]) -> QuerySet[Conduct]:
    return rows.exclude(in_spite=[])


def _unasked(rows: QuerySet[Conduct]) -> QuerySet[Conduct]:
    return rows.filter(asked=Conduct.Asked.NONE)


def _counted(whose: Whose, at: datetime) -> QuerySet[Conduct]:
    """The calls of 30 days."""
    mine = Q(team__in=whose.teams)
    if whose.strays:
        mine |= Q(team=None)
    return Conduct.objects.filter(mine, started_at__gt=at - COUNTED_OVER, started_at__lte=at)


def numbers(*, whose: Whose, at: datetime) -> tuple[int, int]:
    """How many calls were made in spite of the gate, and how many without asking it."""
    rows = _counted(whose, at)
    return _in_spite(rows).count(), _unasked(rows).count()


def in_spite(*, whose: Whose, at: datetime) -> Calls:
    """The calls that were made although something stood against them, the newest first."""
    rows = _counted(whose, at)
    return Calls(_suppliers(rows), _newest(_in_spite(rows)))


def unasked(*, whose: Whose, at: datetime) -> Calls:
    """The calls before which nobody had asked, the newest first."""
    rows = _counted(whose, at)
    return Calls(_suppliers(rows), _newest(_unasked(rows)))


def _newest(rows: QuerySet[Conduct]) -> Excerpt[Call]:
    found = rows.select_related(
        "team", "attempt__customer__text", "attempt__agent", "attempt__campaign"
    )
    newest = found.order_by("-started_at", "-pk")
    return excerpts.of(newest, most=LONGEST_LIST).each(Call)


def _suppliers(rows: QuerySet[Conduct]) -> tuple[Supplier, ...]:
    """Counted apart, each by its own index; the worst first."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    newest: dict[tuple[str, str], datetime] = {}
    for name, some in (("in_spite", _in_spite(rows)), ("unasked", _unasked(rows))):
        grouped = some.order_by().values_list("source", "team__name")
        for source, team, calls, last in grouped.annotate(Count("pk"), Max("started_at")):
            who = (source, team or "")
            found.setdefault(who, {})[name] = calls
            newest[who] = max(newest.get(who, last), last)
    suppliers = [
        Supplier(*who, said.get("in_spite", 0), said.get("unasked", 0), newest[who])
        for who, said in found.items()
    ]
    return tuple(sorted(suppliers, key=lambda row: (-row.in_spite, -row.unasked, row.source)))


def silent(*, whose: Whose, at: datetime) -> list[CallSource]:
    """The dialers that report nothing any more."""
    mine = {team.pk for team in whose.teams} | ({None} if whose.strays else set())
    return [source for source in silences.silent(at=at) if source.team_id in mine]
