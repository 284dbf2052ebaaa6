"""POST /calls: a call and the promises made in it, logged by telephony or another system."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from config.celery import nudge
from config.problems import Problem, invalid
from crm import calls
from crm.api import RETRIED, Caller, Key, Strict, answered_once, caller_of
from followups import conversations
from followups.api import contact
from followups.api.contact import Logged
from followups.models import Promise
from followups.terms import Refused

router = Router(tags=["calls"])


class Made(Strict):
    """A promise of this call."""

    reference: str
    kind: str
    channel: str
    status: str
    due_at: datetime


class Written(Strict):
    """What became of the call: new (201), more was known (revised), or the same again."""

    attempt: int
    new: bool
    revised: bool
    revision: int
    promises: list[Made]


@router.post(
    "/calls",
    auth=Key("calls:write"),
    response={200: Written, 201: Written},
    summary="Log a call and the promises made in it",
    openapi_extra=RETRIED,
)
def log(request: HttpRequest, call: Logged) -> HttpResponse:
    """All of it or nothing. The same `source` and `external_id` again is the same call."""
    caller = caller_of(request)
    return answered_once(request, operation="calls", body=call, act=lambda: _log(call, caller))


def _log(asked: Logged, caller: Caller) -> tuple[int, dict[str, Any]]:
    call, terms = contact.understood(asked, caller)
    try:
        recorded = conversations.record(call=call, terms=terms, by=caller.by, at=caller.at)
    except calls.Contradiction as error:
        raise Problem("contradiction", str(error)) from error
    except Refused as error:
        raise invalid(error.field, str(error)) from error
    if recorded.promises:
        nudge("send")
    logged = recorded.logged
    made: Iterable[Promise] = recorded.promises
    if not logged.new:
        made = Promise.objects.filter(attempt=logged.attempt).order_by("pk")
    written = Written(
        attempt=logged.attempt.pk,
        new=logged.new,
        revised=logged.revised,
        revision=logged.attempt.revision,
        promises=[_made(promise) for promise in made],
    )
    return (201 if logged.new else 200), written.model_dump(mode="json")


def _made(promise: Promise) -> Made:
    return Made(
        reference=promise.reference,
        kind=promise.kind,
        channel=promise.plan[promise.plan_step] if promise.plan else "",
        status=promise.status,
        due_at=promise.due_at,
    )
