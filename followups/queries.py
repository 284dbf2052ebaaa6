"""Where the desk's and the board's lists and numbers come from. Reads, never writes.

Every list costs the same number of queries for one row and for hundreds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from crm import excerpts, instants
from crm.excerpts import Excerpt
from crm.models import Customer, Team, User
from followups import callbacks, deputies, telling
from followups.journeys import STATES, newest, state, way
from followups.models import Item, Notice, Promise, PromiseDelivery
from followups.telling import CAUSES, Trouble

LONGEST_LIST = 200
AVOIDED_OVER = timedelta(days=30)
URGENCY = {name: place for place, name in enumerate(STATES)} | {"in_delivery": 2, "unproven": 3}


def with_journeys(promises: QuerySet[Promise]) -> QuerySet[Promise]:
    """Everything that a list of promises says about them, in a fixed number of queries."""
    attached = PromiseDelivery.objects.select_related(
        "delivery__text", "delivery__line__run"
    ).prefetch_related("delivery__evidence")
    return promises.select_related(
        "customer__text", "text", "owner", "team", "after"
    ).prefetch_related(Prefetch("attached", attached.order_by("delivery_id")))


@dataclass(frozen=True)
class PromiseRow:
    """A promise in a list: its state, and where its mail stands."""

    promise: Promise
    state: str
    trouble: Trouble
    since: datetime

    @property
    def word(self) -> str:
        return str(STATES[self.state])

    @property
    def way(self) -> str:
        return way(self.promise)

    @property
    def cause(self) -> str:
        return str(CAUSES[self.trouble.cause])


def _row(promise: Promise, at: datetime) -> PromiseRow:
    now = state(promise, at=at)
    since = promise.due_at if now == "broken" else promise.made_at
    return PromiseRow(promise, now, _trouble(promise, at), since)


def _trouble(promise: Promise, at: datetime) -> Trouble:
    """Why it is where it is: what failed before, while the next way has only just begun."""
    told = telling.of(promise, newest(promise), at=at)
    if told.cause not in {"waiting", "on_its_way"}:
        return told
    before = [telling.of(promise, row.delivery, at=at) for row in promise.attached.all()][:-1]
    if not before:
        return told
    return Trouble(before[-1].cause, f"{before[-1].sentence} {told.sentence}")


def my_promises(*, user: User, at: datetime) -> Excerpt[PromiseRow]:
    """The user's open promises, and of those they stand in for: broken first, then at risk, in
    delivery, unproven, the rest."""
    owners = deputies.owners(user, at=at)
    rows = with_journeys(Promise.objects.open().filter(owner__in=owners))
    # The broken ones are never cut off by the others.
    late = Promise.objects.broken(at).filter(pk=OuterRef("pk"))
    found = excerpts.of(rows.order_by(~Exists(late), "due_at", "pk"), most=LONGEST_LIST)
    shown = found.each(lambda promise: _row(promise, at))
    shown.sort(key=lambda row: (URGENCY[row.state], row.promise.due_at))
    return shown


def called_back(*, customer: Customer, user: User, at: datetime) -> Promise | None:
    """The call-back that a call by this person now would keep, if one was promised."""
    rows = callbacks.pending(customer.pk).filter(due_at__lte=at + callbacks.EARLY)
    return next((promise for promise in rows if callbacks.may_keep(promise, user, at=at)), None)


def items_of(user: User, *, at: datetime) -> QuerySet[Item]:
    """The open items that this person may settle: their own, of those they stand in for, and a
    supervisor's whole team's."""
    mine = Q(owner__in=deputies.owners(user, at=at))
    if user.role == User.Role.SUPERVISOR:
        mine |= Q(promise__team=user.team_id)
    return (
        Item.objects.filter(mine, closed_at=None)
        .select_related(
            "customer__text", "promise__text", "owner", "delivery__text", "delivery__line__run"
        )
        .order_by("opened_at", "pk")
    )


def my_items(*, user: User, at: datetime) -> Excerpt[Item]:
    """What this person has to settle, the one that waits longest first."""
    return excerpts.of(items_of(user, at=at), most=LONGEST_LIST)


def unread(user: User) -> int:
    return Notice.objects.filter(user=user, read_at=None).count()


def notices_of(user: User) -> Excerpt[Notice]:
    """The notices of a person, the newest first."""
    rows = Notice.objects.filter(user=user).select_related("promise__customer", "promise__owner")
    return excerpts.of(rows.order_by("-at", "-pk"), most=LONGEST_LIST)


@dataclass(frozen=True)
class Board:
    """The three numbers of the board."""

    broken: int
    due_today: int
    avoided: int


def board(*, teams: QuerySet[Team], at: datetime) -> Board:
    return Board(
        broken=_broken(teams, at).count(),
        due_today=_due_today(teams, at).count(),
        avoided=len(_avoided(teams, at)),
    )


def _broken(teams: QuerySet[Team], at: datetime) -> QuerySet[Promise]:
    return Promise.objects.broken(at).filter(team__in=teams)


def _due_today(teams: QuerySet[Team], at: datetime) -> QuerySet[Promise]:
    midnight = instants.house(at).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = midnight + timedelta(days=1)
    return Promise.objects.open().filter(team__in=teams, due_at__gt=at, due_at__lt=tomorrow)


def broken_rows(*, teams: QuerySet[Team], at: datetime) -> Excerpt[PromiseRow]:
    """The broken promises, the one that is late longest first."""
    return _rows(_broken(teams, at), at)


def due_today_rows(*, teams: QuerySet[Team], at: datetime) -> Excerpt[PromiseRow]:
    """What is due before midnight, the next one first."""
    return _rows(_due_today(teams, at), at)


def _rows(promises: QuerySet[Promise], at: datetime) -> Excerpt[PromiseRow]:
    rows = with_journeys(promises).order_by("due_at", "pk")
    return excerpts.of(rows, most=LONGEST_LIST).each(lambda promise: _row(promise, at))


@dataclass(frozen=True)
class Avoided:
    """One redundant call that was not made: how often it was asked for that day."""

    customer: Customer
    campaign: str
    first_at: datetime
    requests: int
    promise: str


# A shared number names several people: the one whose promise shut the gate is counted.
AVOIDED = """
SELECT p.customer_id, coalesce(max(c.name), ''), min(g.at), count(DISTINCT g.id), min(p.reference)
FROM followups_gatecheck g
CROSS JOIN LATERAL jsonb_array_elements(g.answer -> 'blocks') AS block
JOIN followups_promise p ON p.reference = block ->> 'promise'
LEFT JOIN crm_campaign c ON c.id = g.campaign_id
WHERE g.decision = 'deny' AND g.purpose = 'sales' AND 'open_promise' = ANY(g.codes)
    AND block ->> 'code' = 'open_promise' AND g.at > %(since)s AND g.at <= %(at)s
    AND p.team_id = ANY(%(teams)s)
GROUP BY p.customer_id, g.campaign_id, (g.at AT TIME ZONE %(zone)s)::date
ORDER BY min(g.at) DESC
"""


def _avoided(teams: QuerySet[Team], at: datetime) -> list[tuple[int, str, datetime, int, str]]:
    values: dict[str, Any] = {
        "since": at - AVOIDED_OVER,
        "at": at,
        "zone": settings.TIME_ZONE,
        "teams": [team.pk for team in teams],
    }
    with connection.cursor() as cursor:
        cursor.execute(AVOIDED, values)
        return list(cursor.fetchall())


def avoided_rows(*, teams: QuerySet[Team], at: datetime) -> Excerpt[Avoided]:
    """Denied sales requests while a promise was open; once per customer, campaign and day."""
    every = _avoided(teams, at)
    found = Excerpt(every[:LONGEST_LIST], total=len(every))
    people = Customer.objects.select_related("text").in_bulk([row[0] for row in found])
    return found.each(lambda row: Avoided(people[row[0]], *row[1:]))
