"""A call as another system tells it: its fields, and what they mean here."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from django.conf import settings
from django.utils.translation import gettext as _
from pydantic import Field

from config.problems import Fault, Problem, invalid
from crm import customers, phone, queries
from crm.api import Caller, Instant, Strict, Text
from crm.calls import Call, impossible
from crm.models import Attempt, Campaign, Customer, Disposition
from followups.api import words
from followups.models import Promise
from followups.terms import LATEST_DUE, Terms
from offers.models import Document, OfferVersion

THIS = "this"  # the first document promised in the same call


class PromiseLine(Strict):
    """A promise made in the call. `offer` is O-000001 (its newest version) or O-000001/2.

    A written_answer names no document: it is written later. A callback names its slot, `due_at`.
    """

    kind: Literal["send_offer", "send_document", "written_answer", "callback"]
    words: Annotated[Text, Field(min_length=1, max_length=2000)]
    channel: Annotated[Text, Field(max_length=12)] = "email"
    address: Annotated[Text, Field(max_length=254)] = ""
    address_accepted: bool = False
    offer: Annotated[Text, Field(max_length=22)] | None = None
    document: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    due_at: Instant | None = None
    move: bool = False  # a call-back: instead of the one that is promised already
    # Instead of an hour: "this" document of the call, or that promise, has come; and days more.
    after: Annotated[Text, Field(min_length=1, max_length=12)] | None = None
    after_days: Annotated[int, Field(ge=0, le=60)] = 0


class Logged(Strict):
    """A call. Instants carry their offset from UTC; `customer` is a reference or external id."""

    source: Annotated[Text, Field(min_length=1, max_length=40)]
    external_id: Annotated[Text, Field(min_length=1, max_length=120)]
    direction: Literal["outbound", "inbound"]
    number: Annotated[Text, Field(max_length=250)] | None = None
    customer: Annotated[Text, Field(max_length=64)] | None = None
    purpose: Literal["sales", "survey", "service", "callback"] | None = None
    campaign: Annotated[Text, Field(max_length=50)] | None = None
    agent: Annotated[Text, Field(max_length=150)] | None = None
    started_at: Instant
    answered_at: Instant | None = None
    ended_at: Instant | None = None
    result: (
        Literal["answered", "no_answer", "busy", "voicemail", "failed", "wrong_number", "cancelled"]
        | None
    ) = None
    disposition: Annotated[Text, Field(max_length=50)] | None = None
    note: Annotated[Text, Field(max_length=10_000)] = ""
    decision_id: uuid.UUID | None = None
    scrub_id: uuid.UUID | None = None
    recording_ref: Annotated[Text, Field(max_length=200)] = ""
    promises: Annotated[list[PromiseLine], Field(max_length=20)] = []


def understood(asked: Logged, caller: Caller) -> tuple[Call, list[Terms]]:
    """The call and its promises in the house's own words. Raises Problem by field."""
    faults = list(_times(asked, caller.at))
    if faults:
        raise Problem("invalid", faults=faults)
    number = _number(asked.number)
    customer = _customer(asked, number)
    campaign = words.campaign(asked.campaign, caller)
    call = Call(
        source=asked.source,
        external_id=asked.external_id,
        direction=asked.direction,
        started_at=asked.started_at,
        purpose=_purpose(asked, campaign),
        customer=customer,
        number=number,
        campaign=campaign,
        agent=words.agent(asked.agent, caller),
        team=caller.key.team,
        answered_at=asked.answered_at,
        ended_at=asked.ended_at,
        result=asked.result or "",
        disposition=_disposition(asked.disposition),
        note=asked.note,
        decision_id=asked.decision_id,
        scrub_id=asked.scrub_id,
        recording_ref=asked.recording_ref,
    )
    terms = [_terms(line, place, customer) for place, line in enumerate(asked.promises)]
    return call, terms


def _times(asked: Logged, at: datetime) -> Iterator[Fault]:
    """Instants that cannot be: ahead of now, or in the wrong order."""
    said = {name: getattr(asked, name) for name in ("started_at", "answered_at", "ended_at")}
    for fault in impossible(said, at=at):
        yield Fault(*fault)
    for place, line in enumerate(asked.promises):
        if line.due_at and not at < line.due_at <= at + LATEST_DUE:
            yield Fault(f"promises.{place}.due_at", _("A promise is due within a year from now."))


def _purpose(asked: Logged, campaign: Campaign | None) -> str:
    """What was not said: the campaign's, or selling when it was we who called."""
    if asked.purpose or campaign:
        return str(asked.purpose or (campaign and campaign.purpose))
    return Campaign.Purpose.SALES if asked.direction == "outbound" else Campaign.Purpose.SERVICE


def _number(raw: str | None) -> str:
    if not raw:
        return ""
    try:
        return phone.normalise(raw, settings.DEFAULT_COUNTRY)
    except phone.NotANumber as error:
        raise invalid("number", _("This is not a phone number.")) from error


def _customer(asked: Logged, number: str) -> Customer | None:
    """Named, or the only person with this number. Nobody, for a number that nobody has."""
    if asked.customer:
        found = queries.named(asked.customer)
        if found is None:
            raise invalid("customer", _("There is no such customer."))
        return found
    if not number:
        text = _("Give the number or the customer.")
        raise Problem("invalid", faults=[Fault("number", text), Fault("customer", text)])
    known = _as_logged(asked, number)
    if known:
        return known.customer
    people = list(customers.of_number(number)[:2])
    if len(people) > 1:
        raise invalid("customer", _("Several customers share this number; say which one."))
    return people[0] if people else None


def _as_logged(asked: Logged, number: str) -> Attempt | None:
    """The same call told again stays that person's, whoever shares the number by now."""
    rows = Attempt.objects.select_related("customer")
    same = rows.filter(source=asked.source, external_id=asked.external_id, text__number=number)
    return same.first()


def _disposition(code: str | None) -> Disposition | None:
    if not code:
        return None
    found = Disposition.objects.filter(pk=code).first()
    if found is None:
        raise invalid("disposition", _("There is no such disposition."))
    return found


def _terms(line: PromiseLine, place: int, customer: Customer | None) -> Terms:
    return Terms(
        kind=line.kind,
        words=line.words,
        plan=() if line.kind == "callback" else (line.channel,),
        address=line.address,
        address_accepted=line.address_accepted,
        version=version_of(line.offer, f"promises.{place}.offer"),
        document=document_of(line.document, f"promises.{place}.document", customer),
        due_at=line.due_at,
        moves=line.move,
        after=_awaited(line.after, f"promises.{place}.after", customer),
        after_this=line.after == THIS,
        after_days=line.after_days,
    )


def _awaited(reference: str | None, field: str, customer: Customer | None) -> Promise | None:
    if not reference or reference == THIS:
        return None
    found = Promise.objects.filter(reference=reference, customer=customer).first()
    if found is None:
        raise invalid(field, _("No promise of this customer has this reference."))
    return found


def version_of(reference: str | None, field: str) -> OfferVersion | None:
    """O-000001 is its newest version, O-000001/2 its second."""
    if not reference:
        return None
    offer, slash, number = reference.partition("/")
    rows = OfferVersion.objects.filter(offer__reference=offer).select_related("offer")
    if slash:
        rows = rows.filter(number=int(number) if number.isdecimal() and len(number) < 5 else 0)
    found = rows.order_by("-number").first()
    if found is None:
        raise invalid(field, _("There is no such offer."))
    return found


def document_of(pk: int | None, field: str, customer: Customer | None) -> Document | None:
    if pk is None:
        return None
    found = Document.objects.defer("pdf", "html").filter(pk=pk, customer=customer).first()
    if found is None:
        raise invalid(field, _("There is no such document of this customer."))
    return found
