"""The call of which nobody has said what came of it: it comes before the next one. Reads.

Three kinds: a customer who is held just now; one who was held until the time ran out, without a
word; and a talk that the telephone system told of, without what it meant.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from crm import instants
from crm.calls import Call
from crm.models import Attempt, CallSource, Customer, User
from followups import leases
from followups.models import Lease

# Older ones hold nobody up any more: what was said then is not remembered either.
LOOKED_BACK = timedelta(days=7)


@dataclass(frozen=True)
class Unfinished:
    """Whose call it is, since when, and by which decision or attempt it is known.

    `held`: the customer is still the reader's. `talked`: the telephone system told of a talk, so
    that it cannot be said that there was no call.
    """

    customer: Customer
    since: datetime
    decision_id: uuid.UUID | None = None
    held: Lease | None = None
    talked: Attempt | None = None

    def sentence(self, *, at: datetime) -> str:
        """Why no other call is given out, and what has to be done first."""
        words = {"name": self.customer.text.name, "when": instants.said(self.since, now=at)}
        if self.talked:
            return _("You spoke with %(name)s %(when)s. Say first what it meant.") % words
        if self.held:
            return _("You still hold %(name)s: log the call, or let them go first.") % words
        return _("%(name)s was yours to call %(when)s. Say first what came of it.") % words


def of(user: User, *, at: datetime, but: Collection[int] = ()) -> Unfinished | None:
    """What this person has to finish before the next call, but for that of these customers: who is
    held first, then talks, then what ran out; the newest of each. Three queries at most."""
    held = leases.held(user=user, at=at).exclude(customer__in=but).first()
    if held and held.customer:
        return Unfinished(held.customer, held.taken_at, held.decision_id, held=held)
    talk = talks(user, at=at).exclude(customer__in=but).first()
    if talk and talk.customer:
        return Unfinished(talk.customer, talk.started_at, talk.decision_id, talked=talk)
    lost = _ran_out(user, at=at).exclude(customer__in=but).first()
    if lost and lost.customer:
        return Unfinished(lost.customer, lost.taken_at, lost.decision_id)
    return None


def talks(user: User, *, at: datetime) -> QuerySet[Attempt]:
    """Calls in which this person spoke, as a dialer told of them, and nobody has said what they
    meant: neither in them, nor in a call that was logged by hand meanwhile. The newest first."""
    by_hand = Attempt.objects.filter(
        Q(decision_id=OuterRef("decision_id")) | Q(ended_at__gte=OuterRef("started_at")),
        agent=user,
        customer=OuterRef("customer"),
        disposition__isnull=False,
        started_at__lte=OuterRef("ended_at"),
    )
    rows = Attempt.objects.filter(
        ~Exists(by_hand),
        agent=user,
        customer__isnull=False,
        customer__erased_at=None,
        source__in=CallSource.objects.values("name"),
        started_at__gt=at - LOOKED_BACK,
        ended_at__isnull=False,
        result=Attempt.Result.ANSWERED,
        disposition=None,
    )
    return rows.select_related("customer__text", "text").order_by("-started_at", "-pk")


def _ran_out(user: User, *, at: datetime) -> QuerySet[Lease]:
    """Whom this person held until the time ran out, with no call logged with them since."""
    since = Attempt.objects.filter(
        agent=user,
        customer=OuterRef("customer"),
        logged_at__gte=OuterRef("taken_at"),
    )
    rows = Lease.objects.filter(
        ~Exists(since),
        holder=f"user:{user.pk}",
        released_at=None,
        until_at__lte=at,
        taken_at__gt=at - LOOKED_BACK,
        customer__isnull=False,
        customer__erased_at=None,
    )
    return rows.select_related("customer__text").order_by("-taken_at", "-pk")


def told(call: Call) -> Attempt | None:
    """The dialer's own account of a call that is logged by hand: the one asked for with the same
    decision. What it meant is said of that one, so that one call is counted once."""
    if call.decision_id is None:
        return None
    rows = Attempt.objects.filter(
        Q(agent=call.agent) | Q(agent=None),
        decision_id=call.decision_id,
        customer=call.customer,
        source__in=CallSource.objects.values("name"),
    )
    return rows.select_related("text", "campaign").order_by("-pk").first()
