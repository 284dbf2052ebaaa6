"""GET and POST /call-events: a dialer tells, in its own words, what happens in its calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.utils.translation import gettext as _
from ninja import Router

from config import clock
from config.problems import DOCUMENTED, Fault, Problem
from crm import call_maps, call_schemes, call_sources
from crm.actors import Actor
from crm.api import CHALLENGE, Strict
from crm.call_schemes import Knock
from crm.calls import Contradiction
from crm.models import CallSource
from followups import call_events
from followups.api.wire import FORM, json_object

router = Router(tags=["calls"])
NAMES_THE_SOURCE = "source"
PORTS = {"https": 443, "http": 80}


class Taken(Strict):
    """What became of the event. `ignored`: the source's map knows this event and wants none."""

    ignored: bool = False
    attempt: int | None = None
    new: bool = False
    revised: bool = False
    revision: int | None = None


DESCRIBED = {
    "parameters": [
        {
            "in": "query",
            "name": NAMES_THE_SOURCE,
            "required": False,
            "description": "Whose event it is. In a form or JSON it may stand in the body.",
            "schema": {"type": "string", "maxLength": 32},
        }
    ],
    **DOCUMENTED,
}
ANYTHING = {"schema": {"type": "object", "additionalProperties": True}}
BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": ANYTHING, FORM: ANYTHING},
    }
}


@router.get(
    "/call-events",
    response=Taken,
    summary="An event of a call, as the query of an address",
    openapi_extra=DESCRIBED,
)
def by_query(request: HttpRequest) -> HttpResponse:
    """For dialers that only call an address. The source's field map says what its names mean."""
    return _take(request, _once(request.GET))


@router.post(
    "/call-events",
    response=Taken,
    summary="An event of a call, as JSON or as a form",
    openapi_extra={**DESCRIBED, **BODY},
)
def by_post(request: HttpRequest) -> HttpResponse:
    """The body is the dialer's own; the source's field map and scheme say how it is read."""
    return _take(request, _body(request))


def _take(request: HttpRequest, payload: Mapping[str, Any]) -> HttpResponse:
    at = clock.now()
    source = _source(request, payload, at)
    try:
        told = call_maps.read(source.fields, payload, zone=source.zone)
        if told is None:
            return _answer(Taken(ignored=True))
        by = Actor(code=f"source:{source.name}")
        logged = call_events.take(source=source, told=told, by=by, at=at)
    except call_maps.Unreadable as error:
        raise Problem("invalid", faults=[Fault(*fault) for fault in error.faults]) from error
    except Contradiction as error:
        raise Problem("contradiction", str(error)) from error
    taken = Taken(
        attempt=logged.attempt.pk,
        new=logged.new,
        revised=logged.revised,
        revision=logged.attempt.revision,
    )
    return _answer(taken)


def _answer(taken: Taken) -> HttpResponse:
    """Always a 200: what is not, some dialers take for a failure and send again, or stop."""
    return JsonResponse(taken.model_dump())


def _source(request: HttpRequest, payload: Mapping[str, Any], at: datetime) -> CallSource:
    """The dialer that speaks. Unknown, switched off and not believed look the same."""
    given: list[Any] = request.GET.getlist(NAMES_THE_SOURCE) or [payload.get(NAMES_THE_SOURCE)]
    name = given[0] if len(given) == 1 and isinstance(given[0], str) else ""
    source = call_sources.named(name)
    if source is None:
        raise Problem("unauthorized", headers=CHALLENGE)
    try:
        call_schemes.verify(source, _knock(request, payload), at=at)
    except call_schemes.Untrusted as error:
        stale = _("This was signed too long ago, or on a clock that is wrong.")
        detail = stale if error.stale else ""
        raise Problem("unauthorized", detail, headers=CHALLENGE) from error
    call_sources.heard(source=source, at=at)
    return source


def _knock(request: HttpRequest, payload: Mapping[str, Any]) -> Knock:
    form = request.POST.lists() if request.content_type == FORM else ()
    return Knock(
        method=str(request.method),
        headers=request.headers,
        body=request.body,
        payload=payload,
        urls=_addresses(request),
        form=tuple((name, value) for name, values in form for value in values),
    )


def _addresses(request: HttpRequest) -> tuple[str, ...]:
    """Our address as the outside knows it, with and without the port that goes without saying."""
    base = urlsplit(settings.BASE_URL)
    query = request.META.get("QUERY_STRING", "")
    tail = request.path_info + (f"?{query}" if query else "")
    port = base.port or PORTS[base.scheme]
    hosts = [base.netloc]
    if port == PORTS[base.scheme]:
        hosts = [str(base.hostname), f"{base.hostname}:{port}"]
    return tuple(f"{base.scheme}://{host}{tail}" for host in hosts)


def _body(request: HttpRequest) -> dict[str, Any]:
    if request.content_type == FORM:
        return _once(request.POST)
    if request.content_type != "application/json":
        raise Problem("unsupported_media_type", _("Send JSON, a form or a query."))
    return json_object(request.body)


def _once(given: QueryDict) -> dict[str, Any]:
    """A field that comes twice is none of text or number: the map refuses it, when it reads it."""
    return {name: values[0] if len(values) == 1 else values for name, values in given.lists()}
