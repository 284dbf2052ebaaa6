"""Contact attempts: the only writer. One call is one attempt; how it ended is revised."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from config.transactions import joined
from crm import campaign_entries, customers, forgotten, suppressions
from crm.actors import Actor
from crm.columns import this_transaction
from crm.models import (
    Attempt,
    AttemptRevision,
    AttemptText,
    Campaign,
    Customer,
    Disposition,
    Suppression,
    Team,
    User,
)

IDENTITY = ("customer_id", "campaign_id", "purpose", "direction", "started_at")
# Clocks differ a little; an instant from further ahead is in the wrong zone.
AHEAD = timedelta(minutes=5)
OLDEST = timedelta(days=3660)
OUTCOME = ("answered_at", "ended_at", "result", "disposition_id")
# What was asked before the call; and what of a call is judged afterwards.
ASKED = ("decision_id", "scrub_id")
JUDGED = frozenset({*ASKED, "team"})


class Contradiction(ValueError):
    """The same call was logged before, with something else in it."""

    def __init__(self, fields: list[str]) -> None:
        self.fields = fields
        super().__init__(
            _("This call was logged before with another %(what)s.")
            % {"what": ", ".join(fields).replace("_id", "")}
        )


@dataclass(frozen=True)
class Call:
    """A contact attempt as an edge brings it. Instants are aware; the number is E.164."""

    source: str
    external_id: str
    direction: str
    started_at: datetime
    purpose: str
    customer: Customer | None = None
    number: str = ""
    campaign: Campaign | None = None
    agent: User | None = None
    team: Team | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    result: str = ""
    disposition: Disposition | None = None
    note: str = ""
    decision_id: uuid.UUID | None = None
    scrub_id: uuid.UUID | None = None
    recording_ref: str = ""


@dataclass(frozen=True)
class Logged:
    """What became of a logged call: a new attempt, a revision of a known one, or neither."""

    attempt: Attempt
    new: bool
    revised: bool


def impossible(said: Mapping[str, datetime | None], *, at: datetime) -> Iterator[tuple[str, str]]:
    """(name, why) of the instants of a call that cannot be: ahead of now, long ago, or in the
    wrong order. `at` among them is when an event happened, in whatever order it comes."""
    earlier = at - OLDEST
    for name in ("started_at", "answered_at", "ended_at", "at"):
        instant = said.get(name)
        if instant is None:
            continue
        if instant > at + AHEAD:
            yield name, _("This lies in the future.")
        elif instant < at - OLDEST:
            yield name, _("This lies too far in the past.")
        elif instant < earlier and name != "at":
            yield name, _("This lies before the part of the call that came first.")
        earlier = max(earlier, instant)


@joined()
def log(*, call: Call, by: Actor, at: datetime) -> Logged:
    """Writes the attempt; the same (source, external_id) again is the same attempt.

    More about how it ended is a revision. Raises Contradiction, and changes nothing, when
    something that was already said is now said differently. Holds the customer.
    """
    if call.customer:
        customers.hold([call.customer.pk])
    if gone := of_somebody_forgotten(call.source, call.external_id):
        return Logged(attempt=gone, new=False, revised=False)
    attempt, new = Attempt.objects.get_or_create(
        source=call.source,
        external_id=call.external_id,
        defaults={
            "customer": call.customer,
            "campaign": call.campaign,
            "purpose": call.purpose,
            "agent": call.agent,
            "team": call.team or (call.agent.team if call.agent else None),
            "direction": call.direction,
            "started_at": call.started_at,
            "decision_id": call.decision_id,
            "scrub_id": call.scrub_id,
            "logged_at": at,
            "logged_by": by.code,
            "revision": 1,
            **_outcome(call),
        },
    )
    revised = True
    if new:
        AttemptText.objects.create(
            attempt=attempt,
            number=call.number,
            note=call.note,
            recording_ref=call.recording_ref,
        )
        if call.customer:
            customers.note_change(customer=call.customer, cause="attempt", at=at)
        _add_revision(attempt, by=by, at=at)
    else:
        attempt = Attempt.objects.select_for_update().get(pk=attempt.pk)
        _refuse_another(attempt, call)
        revised = _revise(attempt, call, by=by, at=at)
    if revised:
        _heed(attempt, call, by=by, at=at)
    return Logged(attempt=attempt, new=new, revised=revised and not new)


def of_somebody_forgotten(source: str, external_id: str) -> Attempt | None:
    """The call with this id, if whoever was called has been forgotten since: nothing is added."""
    known_as = forgotten.known_as(external_id)
    return Attempt.objects.filter(source=source, external_id=known_as).first()


def blank(ids: Iterable[int], *, numbers: Iterable[str]) -> None:
    """Takes out of calls what names these customers: numbers, notes, the ids of other systems.

    Also of calls with those numbers before anybody knew whose they were.
    """
    mine = Q(customer__in=list(ids)) | Q(customer=None, text__number__in=list(numbers))
    rows = list(Attempt.objects.filter(mine).exclude(external_id__startswith=forgotten.FORGOTTEN))
    for row in rows:
        row.external_id = forgotten.known_as(row.external_id)
    Attempt.objects.bulk_update(rows, ["external_id"], batch_size=500)
    texts = AttemptText.objects.filter(
        Q(attempt__customer__in=list(ids)) | Q(attempt__in=[row.pk for row in rows])
    )
    texts.update(number="", note="", recording_ref="")


def _refuse_another(attempt: Attempt, call: Call) -> None:
    if other := contradictions(attempt, call):
        raise Contradiction(other)


def contradictions(attempt: Attempt, call: Call) -> list[str]:
    """What of a call that is known already is now said differently."""
    said = {
        "customer_id": call.customer.pk if call.customer else None,
        "campaign_id": call.campaign.pk if call.campaign else None,
        "purpose": call.purpose,
        "direction": call.direction,
        "started_at": call.started_at,
    }
    other = [name for name in IDENTITY if getattr(attempt, name) != said[name]]
    outcome = _outcome(call)
    return other + [
        name
        for name in OUTCOME
        if outcome[name] and getattr(attempt, name) and getattr(attempt, name) != outcome[name]
    ]


def tells_more(attempt: Attempt, call: Call) -> bool:
    """Whether the call says something that was not known of it."""
    said = _outcome(call) | {name: getattr(call, name) for name in ASKED}
    return any(value and not getattr(attempt, name) for name, value in said.items())


def _outcome(call: Call) -> dict[str, object]:
    return {
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "result": call.result,
        "disposition_id": call.disposition.pk if call.disposition else None,
    }


def _revise(attempt: Attempt, call: Call, *, by: Actor, at: datetime) -> bool:
    """Adds a revision when the call says more than is known; returns whether it did."""
    said = _outcome(call) | {name: getattr(call, name) for name in ASKED}
    more = {k: v for k, v in said.items() if v and not getattr(attempt, k)}
    if not more:
        return False
    if call.agent and not attempt.agent:  # who dials first often does not know who will talk
        more |= {"agent": call.agent, "team": attempt.team or call.agent.team}
    more["revision"] = attempt.revision + 1
    # The row is ours, under its customer's lock: reading it again would only say this.
    for name, value in more.items():
        setattr(attempt, name, value)
    _add_revision(attempt, by=by, at=at)
    again = {"xact": this_transaction()} if JUDGED & set(more) else {}
    Attempt.objects.filter(pk=attempt.pk).update(**more, **again)
    if call.note or call.recording_ref:
        text = attempt.text
        text.note = "\n".join(part for part in (text.note, call.note) if part)
        text.recording_ref = text.recording_ref or call.recording_ref
        text.save(update_fields=["note", "recording_ref"])
    return True


def add_note(*, attempt: Attempt, note: str) -> None:
    """Puts a note under what is noted of the call, unless it stands there already."""
    text = AttemptText.objects.select_for_update().get(attempt=attempt)
    if note and note not in text.note:
        text.note = "\n".join(part for part in (text.note, note) if part)
        text.save(update_fields=["note"])


def _add_revision(attempt: Attempt, *, by: Actor, at: datetime) -> None:
    """Keeps how the call ended as it is known from now on."""
    AttemptRevision.objects.create(
        attempt=attempt,
        revision=attempt.revision,
        recorded_at=at,
        recorded_by=by.code,
        **{name: getattr(attempt, name) for name in OUTCOME},
    )


def _heed(attempt: Attempt, call: Call, *, by: Actor, at: datetime) -> None:
    """What the customer wished in the call takes effect with the call, also on campaign lists; what
    passes has passed by now when the call was long ago."""
    campaign_entries.heed(attempt=attempt, by=by, at=at)
    kind = wish(call.disposition) if call.disposition else ""
    over = kind in suppressions.LASTS and call.started_at + suppressions.LASTS[kind] <= at
    if kind and attempt.customer and not over:
        suppressions.add(
            customer=attempt.customer,
            kind=kind,
            origin=Suppression.Origin.CALL,
            proof=f"attempt:{attempt.pk}",
            by=by,
            at=at,
        )


def wish(disposition: Disposition) -> str:
    """The suppression that a disposition asks for; empty for most."""
    if disposition.do_not_call:
        return Suppression.Kind.DNC_COMPANY
    return suppressions.HEARD.get(disposition.code, "")
