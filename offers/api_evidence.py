"""POST /evidence: a print or mail provider reports, signed, what became of a delivery."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import Router
from pydantic import BaseModel, Field

from config.celery import nudge
from config.problems import DOCUMENTED, Problem, invalid
from crm import call_schemes
from crm.api import CHALLENGE, Caller, Instant, Key, Strict, Text, caller_of
from crm.call_schemes import Knock
from offers import evidence_sources, provider_reports
from offers.models import Delivery, EvidenceSource
from offers.models.sources import DOOR
from offers.provider_reports import Report
from offers.returned import CODE

router = Router(tags=["evidence"])


class Reported(Strict):
    """One event. `delivery` is the mark on the sheet (D000000012), or the number alone.

    `hard`: the address itself is bad. `status_code` is that of RFC 3463, such as 5.1.1.
    """

    source: Annotated[Text, Field(min_length=1, max_length=30)]
    event_id: Annotated[Text, Field(min_length=1, max_length=200)]
    delivery: (
        Annotated[int, Field(ge=1, lt=2**63)] | Annotated[Text, Field(min_length=1, max_length=20)]
    )
    kind: Literal[
        "print_accepted",
        "posted",
        "returned",
        "relayed",
        "delivered",
        "delayed",
        "complaint",
        "failed",
    ]
    occurred_at: Instant
    hard: bool = False
    status_code: Annotated[str, Field(pattern=r"^([245]\.[0-9]{1,3}\.[0-9]{1,3})?$")] = ""


class Recorded(BaseModel):
    """What is known now; `new` (201), or the same as before (200). `occurred_at` is ours when the
    reporter's could not be."""

    delivery: int
    kind: str
    grade: int
    occurred_at: datetime
    new: bool


SIGNED = [
    {
        "in": "header",
        "name": DOOR["timestamp_header"],
        "required": True,
        "description": "Seconds since 1970, at most 300 from now.",
        "schema": {"type": "string"},
    },
    {
        "in": "header",
        "name": DOOR["header"],
        "required": True,
        "description": "HMAC-SHA256 in hex over the timestamp, a full stop and the raw body.",
        "schema": {"type": "string"},
    },
]


@router.post(
    "/evidence",
    auth=Key("evidence:write"),
    response={200: Recorded, 201: Recorded},
    summary="What became of a delivery, told by who carries it",
    openapi_extra={"parameters": SIGNED, **DOCUMENTED},
)
def report(request: HttpRequest, told: Reported) -> HttpResponse:
    """The same source and event id again change nothing; told differently they are refused."""
    caller = caller_of(request)
    source = _source(request, told, caller)
    event = Report(
        event_id=told.event_id,
        kind=told.kind,
        occurred_at=told.occurred_at,
        hard=told.hard,
        status_code=told.status_code,
    )
    delivery = _delivery(told.delivery, caller)
    try:
        row, new = provider_reports.take(
            source=source, delivery=delivery, report=event, by=caller.by, at=caller.at
        )
    except provider_reports.Foreign as error:
        raise invalid(error.field, str(error)) from error
    except provider_reports.Contradiction as error:
        raise Problem("contradiction", str(error)) from error
    if new:
        nudge("send")  # a failure may have queued the next channel
    taken = Recorded(
        delivery=row.delivery_id,
        kind=row.kind,
        grade=row.grade,
        occurred_at=row.occurred_at,
        new=new,
    )
    return JsonResponse(taken.model_dump(mode="json"), status=201 if new else 200)


def _source(request: HttpRequest, told: Reported, caller: Caller) -> EvidenceSource:
    """Who speaks. Unknown, switched off and not believed look the same."""
    source = evidence_sources.named(told.source)
    if source is None:
        raise Problem("unauthorized", headers=CHALLENGE)
    knock = Knock("POST", request.headers, request.body, {})
    try:
        call_schemes.verify(source, knock, at=caller.at)
    except call_schemes.Untrusted as error:
        stale = _("This was signed too long ago, or on a clock that is wrong.")
        raise Problem("unauthorized", stale if error.stale else "", headers=CHALLENGE) from error
    return source


def _delivery(named: int | str, caller: Caller) -> Delivery:
    """A supplier's key reports about its own team's customers."""
    found = CODE.fullmatch(str(named))
    rows = Delivery.objects.filter(pk=int(found[1]) if found else 0)
    if caller.key.team_id:
        rows = rows.filter(customer__team=caller.key.team_id)
    delivery = rows.first()
    if delivery is None:
        raise invalid("delivery", _("There is no such delivery."))
    return delivery
