"""A press on the customer's page: one inbound contact, under the customer's lock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from crm import calls, customers, suppressions
from crm.calls import Call
from crm.models import Attempt, Suppression, User
from followups import items
from followups.models import Promise
from followups.visits import Visit
from offers import answers, evidence
from offers.models import Answer, Delivery, Evidence

SOURCE = "page"


@dataclass(frozen=True)
class Said:
    """What the customer is told: a text of page_texts, and what stands in it.

    `done` False: nothing was changed, and the text says why.
    """

    key: str
    done: bool = True
    values: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Press:
    """One press of one form of the page; the customer is held until the transaction ends.

    What a form did before is told by what stands, not by the form: a page that the browser kept
    may be pressed again on purpose.
    """

    visit: Visit
    form: str

    def earlier(self) -> QuerySet[Attempt]:
        """The contacts that this very form has made before, the newest first."""
        rows = Attempt.objects.filter(customer=self.visit.customer, source=SOURCE)
        return rows.filter(external_id__startswith=self._stem()).order_by("-pk")

    def new_id(self) -> str:
        return f"{self._stem()}{self.earlier().count()}"

    def _stem(self) -> str:
        return f"{self.visit.delivery.pk}:{self.form}:"


def hold(visit: Visit, *, form: str) -> Press:
    """Takes the customer's lock; from then on nobody else answers for them."""
    customers.hold([visit.customer.pk])
    return Press(visit, form)


def contact(press: Press, *, note: str = "", at: datetime) -> Attempt:
    """The inbound contact that a press is."""
    visit = press.visit
    call = Call(
        source=SOURCE,
        external_id=press.new_id(),
        direction=Attempt.Direction.INBOUND,
        started_at=at,
        ended_at=at,
        purpose="service",
        customer=visit.customer,
        campaign=visit.promise.attempt.campaign,
        team=visit.promise.team,
        note=note,
    )
    return calls.log(call=call, by=visit.by, at=at).attempt


def prove(
    press: Press, delivery: Delivery, *, attempt: Attempt, kind: str, at: datetime
) -> Evidence | None:
    """The customer's own act in this contact, as evidence about a delivery."""
    event = evidence.Event(
        source=SOURCE,
        event_id=f"{attempt.pk}:{delivery.pk}",
        kind=kind,
        occurred_at=at,
        ours=True,
    )
    return evidence.record(delivery=delivery, event=event, by=press.visit.by, at=at)


def answer(press: Press, *, kind: str, words: str = "", at: datetime) -> Answer:
    """Writes the answer; whoever answers is not waiting for quiet any more."""
    visit = press.visit
    for pause in standing(visit, Suppression.Kind.CUSTOMER_PAUSE):
        suppressions.lift(suppression=pause, by=visit.by, at=at)
    return answers.record(delivery=visit.delivery, kind=kind, words=words, by=visit.by, at=at)


def standing(visit: Visit, kind: str) -> list[Suppression]:
    rows = Suppression.objects.filter(customer=visit.customer, kind=kind, lifted_at=None)
    return list(rows.select_related("customer"))


def suppress(visit: Visit, *, kind: str, because: Answer, at: datetime) -> Suppression:
    return suppressions.add(
        customer=visit.customer,
        kind=kind,
        origin=Suppression.Origin.PAGE,
        proof=f"answer:{because.pk}",
        by=visit.by,
        at=at,
    )


def owner(promise: Promise) -> User:
    """Who deals with it: the owner, or a supervisor when the owner has left."""
    leads = [] if promise.owner.is_active else items.leads(promise.owner)
    return next((lead for lead in leads if lead.team_id), promise.owner)
