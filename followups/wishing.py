"""What the customer wishes, beside the offer: quiet, a call at a time of their own, less mail.

One function a button, one transaction each, under the customer's lock (see answering.py).
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from crm import calendars, preferences, suppressions
from crm.models import Preference, Suppression
from followups import callbacks, presses, promises
from followups.models import Promise
from followups.presses import Said
from followups.terms import Terms
from followups.visits import Visit
from offers import answers
from offers.models import Answer
from offers.wording import say

Kind, Origin = Suppression.Kind, Suppression.Origin


@transaction.atomic
def pause(visit: Visit, *, form: str, at: datetime) -> Said:
    """No call to sell until the customer answers, for 90 days at most."""
    press = presses.hold(visit, form=form)
    until = _quiet_until(visit, at)
    if until is None:
        presses.contact(press, at=at)
        said = Answer.Kind.PAUSED
        answer = answers.record(delivery=visit.delivery, kind=said, by=visit.by, at=at)
        row = presses.suppress(visit, kind=Kind.CUSTOMER_PAUSE, because=answer, at=at)
        until = row.until_at or at
    return Said("paused", values={"day": visit.local(until).date()})


def _quiet_until(visit: Visit, at: datetime) -> datetime | None:
    """The end of the pause that stands; None when none does."""
    rows = presses.standing(visit, Kind.CUSTOMER_PAUSE)
    return max((row.until_at for row in rows if row.until_at and row.until_at > at), default=None)


@transaction.atomic
def never_call(visit: Visit, *, form: str, at: datetime) -> Said:
    """Company-wide, for good. A call that was promised before is not dropped: a person decides."""
    press = presses.hold(visit, form=form)
    pending = list(callbacks.pending(visit.customer.pk))
    if not presses.standing(visit, Kind.DNC_COMPANY):
        presses.contact(press, at=at)
        _shut(visit, at)
    if pending:
        return Said("never_call_but_promised", values={"at": pending[0].due_at})
    return Said("never_call")


def _shut(visit: Visit, at: datetime) -> None:
    said = Answer.Kind.NEVER_CALL
    answer = answers.record(delivery=visit.delivery, kind=said, by=visit.by, at=at)
    presses.suppress(visit, kind=Kind.DNC_COMPANY, because=answer, at=at)
    callbacks.unwanted(customer_id=visit.customer.pk, by=visit.by, at=at)


def slots(visit: Visit, *, at: datetime) -> list[datetime]:
    """When the owner's team can call back."""
    team = presses.owner(visit.promise).team or visit.promise.team
    return callbacks.slots(calendar=calendars.of(team, at=at), at=at)


@transaction.atomic
def call_me(visit: Visit, *, form: str, slot: datetime | None, at: datetime) -> Said:
    """A call-back is promised for this slot; one that is still open is moved to it."""
    press = presses.hold(visit, form=form)
    before = callbacks.pending(visit.customer.pk).first()
    if slot and before and before.due_at == slot:
        return Said("call_me", values={"at": slot, "reference": before.reference})
    if presses.standing(visit, Kind.DNC_COMPANY):
        return Said("call_me_but_never", done=False)
    if slot is None or slot not in slots(visit, at=at):
        return Said("slot_gone", done=False)
    attempt = presses.contact(press, at=at)
    presses.answer(press, kind=Answer.Kind.CALL_ME, at=at)
    words = say("page_texts", "promise_call", visit.customer.language)
    promise = promises.make(
        attempt=attempt,
        terms=Terms(kind=Promise.Kind.CALLBACK, words=words, plan=(), due_at=slot),
        owner=presses.owner(visit.promise),
        by=visit.by,
        at=at,
        replaces=before,
    )
    return Said("call_me", values={"at": slot, "reference": promise.reference})


def wishes(visit: Visit) -> dict[str, bool]:
    """What stands now, by topic; `calls` is whether we may call about offers at all."""
    never = presses.standing(visit, Kind.DNC_COMPANY)
    return {**preferences.standing(visit.customer), "calls": not never}


@transaction.atomic
def choose(visit: Visit, *, form: str, wanted: dict[str, bool], at: datetime) -> Said:
    """The preference centre: what is asked for is what stands, calls included.

    Allowing calls again is the customer's own act, and the only one that lifts a "never".
    """
    press = presses.hold(visit, form=form)
    before = wishes(visit)
    if wanted == before:
        return Said("wishes_kept")
    presses.contact(press, at=at)
    for topic in Preference.Topic.values:
        preferences.choose(
            customer=visit.customer,
            topic=topic,
            wanted=wanted[topic],
            origin=Origin.PAGE,
            by=visit.by,
            at=at,
        )
    if before["calls"] and not wanted["calls"]:
        _shut(visit, at)
    elif wanted["calls"]:
        for row in presses.standing(visit, Kind.DNC_COMPANY):
            suppressions.lift(suppression=row, by=visit.by, at=at)
    return Said("wishes_kept")


def unsubscribe(visit: Visit, *, at: datetime) -> None:
    """One click in a mail program (RFC 8058): no more offers by mail. What was promised comes."""
    preferences.choose(
        customer=visit.customer,
        topic=Preference.Topic.OFFERS_BY_MAIL,
        wanted=False,
        origin=Origin.MAIL,
        by=visit.by,
        at=at,
    )
