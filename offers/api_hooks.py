"""POST /api/v1/hooks/email/<provider>/: a mail provider tells what became of our mails."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from anymail.exceptions import AnymailWebhookValidationFailure
from anymail.signals import AnymailTrackingEvent
from anymail.webhooks.base import AnymailBaseWebhookView
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.module_loading import import_string

from config import clock, providers
from config.celery import nudge
from config.problems import Problem
from crm.actors import Actor
from offers import canaries, intake, provider_events

# A signature of Mailgun covers an instant and not the body: it is believed while it is new.
WINDOW = timedelta(seconds=300)
CHALLENGE = {"WWW-Authenticate": 'Basic realm="webhooks"'}


def email(request: HttpRequest, esp: str) -> HttpResponse:
    """Any provider but ours is not there; what cannot be believed or read is refused in words."""
    if esp != settings.ANYMAIL_ESP or not esp:
        raise Http404
    if request.method == "HEAD":  # how some providers look whether anybody is at home
        return HttpResponse()
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST", "HEAD"])
    at = clock.now()
    view = import_string(providers.webhook(esp))()
    _believe(view, request)
    events = _read(view, request)
    if esp == "mailgun":
        _refuse_stale(request, at)
    new = provider_events.take(esp=esp, events=events, by=Actor(code=f"esp:{esp}"), at=at)
    if canaries.trusted(at=at):
        intake.seen(name="esp", at=at)
    if new:
        nudge("send")  # a failure may have queued the next channel
    return HttpResponse(b"{}", content_type="application/json")


def _believe(view: AnymailBaseWebhookView, request: HttpRequest) -> None:
    """The shared secret, and the signature of those that sign. What breaks the check was no body
    that a provider writes."""
    try:
        view.run_validators(request)
    except AnymailWebhookValidationFailure as error:
        raise Problem("unauthorized", headers=CHALLENGE) from error
    except Exception as error:
        raise Problem("bad_request") from error


def _read(view: AnymailBaseWebhookView, request: HttpRequest) -> list[AnymailTrackingEvent]:
    """The events of a body; whatever a body does to its reader, it is a body nobody can read."""
    try:
        return list(view.parse_events(request))
    except Exception as error:
        raise Problem("bad_request") from error


def _refuse_stale(request: HttpRequest, at: datetime) -> None:
    try:
        signed = float(json.loads(request.body)["signature"]["timestamp"])
    except (ValueError, KeyError, TypeError) as error:
        raise Problem("bad_request") from error
    if abs(at.timestamp() - signed) > WINDOW.total_seconds():
        raise Problem("unauthorized", headers=CHALLENGE)
