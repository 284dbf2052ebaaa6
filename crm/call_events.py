"""One event of a call, told by a dialer, together with what is known of that call already."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from crm import customers, phone, queries
from crm.call_maps import OVER, Told, Unreadable
from crm.calls import Call, Contradiction, impossible
from crm.models import Attempt, CallSource, Campaign, Customer, Disposition, User

Result = Attempt.Result
TALKED = frozenset({"", Result.ANSWERED, Result.VOICEMAIL})


@dataclass(frozen=True)
class Times:
    """When the call started, was answered, ended, as far as an event tells."""

    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None


def understood(*, source: CallSource, told: Told, at: datetime) -> Call:
    """The call as it is to be logged. Raises Unreadable by field, or Contradiction.

    What the dialer says in so many words has to agree with what it said before. What is worked
    out here (an event without an instant happened now; talking ended with the call) only fills
    what nobody has said yet, so that events may come late, twice, or in another order.
    """
    known = _known(source, told)
    number = _number(source, told, known)
    campaign = _campaign(source, told, known)
    times = _times(told, known, at)
    return Call(
        source=source.name,
        external_id=told["external_id"],
        direction=told["direction"],
        purpose=_purpose(told, campaign, known),
        customer=_customer(told, number, known),
        number=number,
        campaign=campaign,
        agent=_agent(source, told),
        team=source.team,
        started_at=times.started_at,
        answered_at=times.answered_at,
        ended_at=times.ended_at,
        result=told["result"] or (Result.FAILED if told.event == "failed" else ""),
        disposition=_disposition(told),
        note=told["note"],
        decision_id=_decision(told) or (known.decision_id if known else None),
        scrub_id=_id(told, "scrub_id", _("This is not the id of a scrub.")),
        recording_ref=told["recording_ref"],
    )


def _known(source: CallSource, told: Told) -> Attempt | None:
    rows = Attempt.objects.select_related("text", "customer", "campaign")
    return rows.filter(source=source.name, external_id=told["external_id"]).first()


# --- when -------------------------------------------------------------------------------------


def _times(told: Told, known: Attempt | None, at: datetime) -> Times:
    faults = tuple(impossible(told.instants, at=at))
    if faults:
        raise Unreadable(*faults)
    said = told.instants
    moment = said.get("at", at)
    ended = said.get("ended_at") or (moment if told.event in OVER else None)
    answered = said.get("answered_at") or (moment if told.event == "answered" else None)
    if ended and told.talk and told.event == "ended" and told["result"] in TALKED:
        answered = answered or ended - told.talk
    started = said.get("started_at") or (known.started_at if known else None)
    started = started or min(filter(None, (answered, ended, moment)))
    if known and known.answered_at and "answered_at" not in said:
        answered = known.answered_at
    if known and known.ended_at and "ended_at" not in said:
        ended = known.ended_at
    return Times(
        started_at=started,
        answered_at=max(answered, started) if answered else None,
        ended_at=max(ended, started) if ended else None,
    )


# --- who --------------------------------------------------------------------------------------


def _number(source: CallSource, told: Told, known: Attempt | None) -> str:
    logged = known.text.number if known else ""
    if not told["number"].strip():
        return logged
    try:
        number = phone.normalise(told["number"], source.region)
    except phone.NotANumber as error:
        raise Unreadable(("number", _("This is not a phone number."))) from error
    if logged and number != logged:
        raise Contradiction(["number"])
    return number


def _customer(told: Told, number: str, known: Attempt | None) -> Customer | None:
    """Named; or as it was logged; or the only person with this number.

    A number that several people share names none of them: the attempt is kept with the number.
    """
    if told["customer"]:
        found = queries.named(told["customer"])
        if found is None:
            raise Unreadable(("customer", _("There is no such customer.")))
        return found
    if known:
        return known.customer
    if not number:
        raise Unreadable(("number", _("Give the number or the customer.")))
    people = list(customers.of_number(number)[:2])
    return people[0] if len(people) == 1 else None


def _agent(source: CallSource, told: Told) -> User | None:
    """By external id or log-in name; a supplier's dialer knows the people of its own team."""
    if not told["agent"]:
        return None
    found = queries.person(told["agent"])
    if found is None or (source.team_id and found.team_id != source.team_id):
        raise Unreadable(("agent", _("There is no such person.")))
    return found


# --- what about -------------------------------------------------------------------------------


def _campaign(source: CallSource, told: Told, known: Attempt | None) -> Campaign | None:
    """A supplier's dialer knows the campaigns of its own team and those of everybody."""
    if not told["campaign"]:
        return known.campaign if known else source.campaign
    found = Campaign.objects.filter(slug=told["campaign"], active=True).first()
    foreign = found and source.team_id and found.team_id not in {None, source.team_id}
    if found is None or foreign:
        raise Unreadable(("campaign", _("There is no such campaign.")))
    return found


def _purpose(told: Told, campaign: Campaign | None, known: Attempt | None) -> str:
    """What was not said: as it was logged, or the campaign's, or selling when it was we."""
    if told["purpose"] or known or campaign:
        return told["purpose"] or (known.purpose if known else campaign.purpose if campaign else "")
    outbound = told["direction"] == Attempt.Direction.OUTBOUND
    return Campaign.Purpose.SALES if outbound else Campaign.Purpose.SERVICE


def _disposition(told: Told) -> Disposition | None:
    if not told["disposition"]:
        return None
    found = Disposition.objects.filter(pk=told["disposition"]).first()
    if found is None:
        raise Unreadable(("disposition", _("There is no such disposition.")))
    return found


def _decision(told: Told) -> uuid.UUID | None:
    return _id(told, "decision_id", _("This is not the id of a decision."))


def _id(told: Told, name: str, otherwise: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(told[name]) if told[name] else None
    except ValueError as error:
        raise Unreadable((name, otherwise)) from error
