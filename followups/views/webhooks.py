"""Webhooks out, for operations: who is told, how that goes, what was given up, sending it again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config import clock
from config.celery import nudge
from crm import access
from crm.actors import Actor
from crm.views import reader
from followups.forms_webhook import EndpointForm
from followups.models import WebhookEndpoint, WebhookMessage
from followups.terms import Refused
from followups.webhooks import endpoints, events, health, outbox

SWEEP = "webhooks"
PER_PAGE = 50
MOST = 1_000


def _worker(request: HttpRequest) -> Actor:
    user = reader(request)
    access.require(user, "work_webhooks")
    return Actor.person(user)


def _endpoint(request: HttpRequest, pk: int) -> tuple[WebhookEndpoint, Actor, datetime]:
    by = _worker(request)
    return get_object_or_404(WebhookEndpoint, pk=pk), by, clock.now()


@require_safe
def webhooks(request: HttpRequest) -> HttpResponse:
    """Every endpoint with its health."""
    _worker(request)
    rows = health.of(WebhookEndpoint.objects.all())
    words = {"rows": rows, "alarms": sum(row.alarm for row in rows)}
    return render(request, "followups/webhooks.html", words)


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """A new endpoint; its secret stands on the answer, this once."""
    by = _worker(request)
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            opened = endpoints.add(**form.cleaned_data, by=by, at=clock.now())
            return _secret(request, opened)
        except Refused as refused:
            form.add_error(refused.field, str(refused))
    status = 422 if form.errors else 200
    return render(request, "followups/webhook_form.html", {"form": form}, status=status)


def _secret(request: HttpRequest, opened: endpoints.Opened) -> HttpResponse:
    """Shown in the answer itself: it is kept in no session, and a reload brings no other page."""
    words = {"endpoint": opened.endpoint, "secret": opened.secret}
    return render(request, "followups/webhook_secret.html", words)


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, pk: int) -> HttpResponse:
    endpoint, by, at = _endpoint(request, pk)
    form = EndpointForm(request.POST or None, endpoint=endpoint)
    if request.method == "POST" and form.is_valid():
        try:
            endpoints.change(endpoint=endpoint, **form.cleaned_data, by=by, at=at)
            nudge(SWEEP)
            return redirect("webhook", pk=pk)
        except Refused as refused:
            form.add_error(refused.field, str(refused))
    status = 422 if form.errors else 200
    words = {"form": form, "endpoint": endpoint}
    return render(request, "followups/webhook_form.html", words, status=status)


@require_safe
def webhook(request: HttpRequest, pk: int) -> HttpResponse:
    """One endpoint: where it stands, and what it was told of late."""
    endpoint, _by, at = _endpoint(request, pk)
    status = request.GET.get("status", "")
    pages = Paginator(health.messages(endpoint, status=status)[:MOST], PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    (state,) = health.of(WebhookEndpoint.objects.filter(pk=pk))
    words: dict[str, Any] = {
        "row": state,
        "endpoint": endpoint,
        "told": [(code, events.TYPES[code]) for code in endpoint.types],
        "both": len(endpoints.keys(endpoint, at=at)) > 1,
        "page": page,
        "rows": [(row, health.ending(row)) for row in page],
        "status": status,
        "most": MOST,
        "statuses": [
            ("waiting", _("waiting")),
            (WebhookMessage.Status.DELIVERED, _("delivered")),
            (WebhookMessage.Status.DEAD, _("given up")),
        ],
    }
    return render(request, "followups/webhook.html", words)


@require_POST
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    endpoint, by, at = _endpoint(request, pk)
    return _secret(request, endpoints.rotate(endpoint=endpoint, by=by, at=at))


@require_POST
def off(request: HttpRequest, pk: int) -> HttpResponse:
    endpoint, by, at = _endpoint(request, pk)
    endpoints.switch_off(endpoint=endpoint, by=by, at=at)
    return redirect("webhook", pk=pk)


@require_POST
def on(request: HttpRequest, pk: int) -> HttpResponse:
    endpoint, by, at = _endpoint(request, pk)
    endpoints.switch_on(endpoint=endpoint, by=by, at=at)
    nudge(SWEEP)
    return redirect("webhook", pk=pk)


@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """A test event, sent at once like any other."""
    endpoint, by, at = _endpoint(request, pk)
    outbox.test(endpoint=endpoint, by=by, at=at)
    nudge(SWEEP)
    return redirect("webhook", pk=pk)


@require_POST
def replay_dead(request: HttpRequest, pk: int) -> HttpResponse:
    """Every dead letter of the endpoint once more."""
    endpoint, _by, _at = _endpoint(request, pk)
    return _again(request, endpoint, outbox.dead(endpoint))


@require_POST
def replay(request: HttpRequest, pk: int, message: int) -> HttpResponse:
    """One message once more, also when it was taken before."""
    endpoint, _by, _at = _endpoint(request, pk)
    return _again(request, endpoint, health.messages(endpoint).filter(pk=message))


def _again(request: HttpRequest, endpoint: WebhookEndpoint, rows: Any) -> HttpResponse:
    by = _worker(request)
    count = outbox.replay(endpoint=endpoint, rows=rows, by=by, at=clock.now())
    if count:
        nudge(SWEEP)
        words = ngettext(
            "%(n)s message goes again, under the id it had.",
            "%(n)s messages go again, under the ids they had.",
            count,
        )
        messages.info(request, words % {"n": count})
    else:
        messages.warning(request, _("It is on its way already, or was not there."))
    return redirect("webhook", pk=endpoint.pk)
