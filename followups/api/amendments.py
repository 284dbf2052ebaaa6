"""POST /promises/{reference}/…: another system withdraws, renegotiates, hands over, sends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Router
from pydantic import Field

from config.celery import nudge
from config.problems import Problem, invalid
from crm.api import RETRIED, Caller, Instant, Key, Strict, Text, answered_once, caller_of
from crm.idempotency import Answer
from crm.models import Attempt
from followups import amending, plans
from followups.api import contact, story, words
from followups.api.story import Shown
from followups.models import Promise
from followups.terms import LATEST_DUE, NotOpen, Refused, Terms
from offers import postal
from offers.channels import CHANNELS
from offers.models.deliveries import PAPER

router = Router(tags=["promises"])
KEY = Key("promises:write")
PLACE = ("street", "postcode", "city")
Act = Callable[[Promise, Caller], Promise]


class Spoken(Strict):
    """A call that was logged before: the one in which the customer said so."""

    source: Annotated[Text, Field(min_length=1, max_length=40)]
    external_id: Annotated[Text, Field(min_length=1, max_length=120)]


class Withdrawal(Strict):
    """The customer no longer wants what was promised."""

    reason: amending.Unwanted
    call: Spoken


class Arrival(Strict):
    """The customer said that it came."""

    call: Spoken


class Renegotiation(Strict):
    """What is agreed instead. What is left out stays as it was; the due time is set anew."""

    reason: amending.Agreed
    call: Spoken
    words: Annotated[Text, Field(min_length=1, max_length=2000)] | None = None
    channel: Annotated[Text, Field(max_length=12)] | None = None
    address: Annotated[Text, Field(max_length=254)] | None = None
    address_accepted: bool = False
    offer: Annotated[Text, Field(max_length=22)] | None = None
    document: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    due_at: Instant | None = None


class Handover(Strict):
    """Who keeps the promise from now on, by external id or log-in name."""

    reason: amending.Passed
    owner: Annotated[Text, Field(min_length=1, max_length=150)]


class Place(Strict):
    """Where paper goes."""

    street: Annotated[Text, Field(min_length=1, max_length=200)]
    postcode: Annotated[Text, Field(min_length=1, max_length=16)]
    city: Annotated[Text, Field(min_length=1, max_length=100)]


class Sending(Strict):
    """Which way it goes now. Without an address it goes to the one on file."""

    channel: Annotated[Text, Field(max_length=12)] = "email"
    address: Annotated[Text, Field(max_length=254)] | None = None
    postal: Place | None = None


@router.post(
    "/promises/{reference}/withdraw",
    auth=KEY,
    response=Shown,
    summary="The customer no longer wants it",
    openapi_extra=RETRIED,
)
def withdraw(request: HttpRequest, reference: str, asked: Withdrawal) -> HttpResponse:
    """Needs a later call, inbound or answered, that telephony has reported by itself."""

    def act(promise: Promise, caller: Caller) -> Promise:
        attempt = _call(asked.call)
        amending.withdraw(
            promise=promise, attempt=attempt, reason=asked.reason, by=caller.by, at=caller.at
        )
        return promise

    return _done(request, reference, "withdraw", asked, act)


@router.post(
    "/promises/{reference}/came",
    auth=KEY,
    response=Shown,
    summary="The customer says that it came",
    openapi_extra=RETRIED,
)
def came(request: HttpRequest, reference: str, asked: Arrival) -> HttpResponse:
    """The highest proof, so the call must have been reported as for a withdrawal, after it left."""

    def act(promise: Promise, caller: Caller) -> Promise:
        amending.came(promise=promise, attempt=_call(asked.call), by=caller.by, at=caller.at)
        return promise

    return _done(request, reference, "came", asked, act)


@router.post(
    "/promises/{reference}/renegotiate",
    auth=KEY,
    response={201: Shown},
    summary="Another promise takes its place",
    openapi_extra=RETRIED,
)
def renegotiate(request: HttpRequest, reference: str, asked: Renegotiation) -> HttpResponse:
    """Needs a later, answered call with the customer, in which they agreed."""

    def act(promise: Promise, caller: Caller) -> Promise:
        return amending.renegotiate(
            promise=promise,
            terms=_terms(asked, promise, caller),
            attempt=_call(asked.call),
            reason=asked.reason,
            by=caller.by,
            at=caller.at,
        )

    return _done(request, reference, "renegotiate", asked, act, status=201)


@router.post(
    "/promises/{reference}/reassign",
    auth=KEY,
    response=Shown,
    summary="Somebody else keeps it",
    openapi_extra=RETRIED,
)
def reassign(request: HttpRequest, reference: str, asked: Handover) -> HttpResponse:
    """The new owner is told. The due time and the ladder stay as they are."""

    def act(promise: Promise, caller: Caller) -> Promise:
        owner = words.agent(asked.owner, caller, "owner")
        if owner is None:
            raise invalid("owner", _("There is no such person."))
        amending.reassign(
            promise=promise, owner=owner, reason=asked.reason, by=caller.by, at=caller.at
        )
        return promise

    return _done(request, reference, "reassign", asked, act)


@router.post(
    "/promises/{reference}/send",
    auth=KEY,
    response=Shown,
    summary="Send it now, this way",
    openapi_extra=RETRIED,
)
def send(request: HttpRequest, reference: str, asked: Sending) -> HttpResponse:
    """A new delivery each time; what still waits is taken back. The address goes on file."""

    def act(promise: Promise, caller: Caller) -> Promise:
        address = _address(asked, promise)
        plans.resend(
            promise=promise, address=address, channel=asked.channel, by=caller.by, at=caller.at
        )
        return promise

    return _done(request, reference, "send", asked, act)


def _done(
    request: HttpRequest, reference: str, verb: str, asked: Strict, act: Act, *, status: int = 200
) -> HttpResponse:
    """Finds the promise, acts, and shows the promise that stands now."""
    caller = caller_of(request)
    promise = story.one(reference, caller)

    def once() -> Answer:
        try:
            stands = act(promise, caller)
        except NotOpen as error:
            more = {"promise_status": error.status}
            raise Problem("not_open", str(error), more=more) from error
        except Refused as error:
            field = error.field.removeprefix("promises.0.")
            raise invalid(field or "promise", str(error)) from error
        nudge("send")
        shown = story.shown(story.one(stands.reference, caller), caller)
        return status, shown.model_dump(mode="json")

    operation = f"promises/{promise.reference}/{verb}"
    return answered_once(request, operation=operation, body=asked, act=once)


def _call(spoken: Spoken) -> Attempt:
    rows = Attempt.objects.select_related("agent", "customer", "campaign")
    found = rows.filter(source=spoken.source, external_id=spoken.external_id).first()
    if found is None:
        raise invalid("call", _("There is no such call."))
    return found


def _terms(asked: Renegotiation, promise: Promise, caller: Caller) -> Terms:
    """The old terms with what was agreed instead."""
    if asked.due_at and not caller.at < asked.due_at <= caller.at + LATEST_DUE:
        raise invalid("due_at", _("A promise is due within a year from now."))
    return Terms(
        kind=promise.kind,
        words=asked.words or promise.text.words,
        due_at=asked.due_at,
        **_content(asked, promise),
        **_way(asked, promise),
    )


def _content(asked: Renegotiation, promise: Promise) -> dict[str, Any]:
    """The same offer or document, or another of the same kind."""
    if asked.offer and promise.kind != Promise.Kind.SEND_OFFER:
        raise invalid("offer", _("This promise is not about an offer."))
    if asked.document and promise.kind != Promise.Kind.SEND_DOCUMENT:
        raise invalid("document", _("This promise is not about a document."))
    document = contact.document_of(asked.document, "document", promise.customer)
    return {
        "version": contact.version_of(asked.offer, "offer") or promise.version,
        "document": document or promise.document,
    }


def _way(asked: Renegotiation, promise: Promise) -> dict[str, Any]:
    """The same way to the same address, unless one of them was agreed anew."""
    plan = None
    if promise.plan and asked.channel not in {None, promise.plan[0]}:
        plan = (str(asked.channel),)
    return amending.way(promise, plan=plan, address=asked.address, accepted=asked.address_accepted)


def _address(asked: Sending, promise: Promise) -> str:
    """Where it goes: as it was told, or as it stands on file."""
    if asked.channel not in CHANNELS:
        raise invalid("channel", _("This channel is not available."))
    told = _on_paper(asked) if asked.channel in PAPER else _by_mail(asked)
    found = told or CHANNELS[asked.channel].address_of(promise.customer)
    if not found:
        field = "postal" if asked.channel in PAPER else "address"
        raise invalid(field, _("There is no address on file for this channel."))
    return found


def _on_paper(asked: Sending) -> str:
    if asked.address is not None:
        raise invalid("address", _("Paper goes to a postal address."))
    if asked.postal is None:
        return ""
    found = postal.lines(**{name: getattr(asked.postal, name) for name in PLACE})
    if not found:
        raise invalid("postal", _("Paper needs the whole address."))
    return found


def _by_mail(asked: Sending) -> str:
    if asked.postal is not None:
        raise invalid("postal", _("A mail goes to a mail address."))
    if asked.address is None:
        return ""
    try:
        validate_email(asked.address)
    except ValidationError as error:
        raise invalid("address", _("This is not a mail address.")) from error
    return asked.address
