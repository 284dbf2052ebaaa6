"""The sheet of one customer: the gate lamp, the contract, the promises, the call form."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.forms import BaseFormSet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from config import clock
from config.celery import nudge
from crm import access
from crm.actors import Actor
from crm.calls import Call, Contradiction
from crm.customers import sharing
from crm.models import Campaign, Customer, User
from crm.queries import campaigns_at_hand, campaigns_of
from crm.views import reader
from followups import (
    dossier,
    forms,
    leases,
    menu,
    proposals,
    queries,
    taking,
    unfinished,
    wrapup,
)
from followups.dossier import Permit
from followups.forms import NOBODY_SPOKE, CallForm
from followups.forms_override import AskForm
from followups.forms_promise import LINES, PromiseLine, PromiseLines
from followups.proposals import Holding
from followups.terms import Refused
from followups.views import queue


def customer_of(request: HttpRequest, reference: str, at: datetime) -> Customer:
    """Somebody whom the reader may open, or a 404 that does not tell the difference."""
    user = reader(request)
    access.require(user, "see_customers")
    rows = access.customers(user, at=at).select_related("text", "team", "postal", "contract")
    return get_object_or_404(
        rows.prefetch_related("numbers", "emails", "contract__lines"), reference=reference
    )


def _decision(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None


@require_safe
def sheet(request: HttpRequest, reference: str) -> HttpResponse:
    at = clock.now()
    customer = customer_of(request, reference, at)
    decision = _decision(request.GET.get("decision"))
    permit = dossier.permit(decision, user=reader(request), at=at)
    campaign = dossier.campaign(customer, reader(request), permit)
    form = forms.new_call(
        customer=customer,
        user=reader(request),
        at=at,
        asks=dossier.asks(customer, user=reader(request), at=at),
        talk=unfinished.talks(reader(request), at=at).filter(customer=customer).first(),
        decision=str(decision or ""),
        campaign=permit.campaign if permit and permit.campaign else campaign,
    )
    held = proposals.of(customer)
    lines = _lines(request, customer, at, held)
    return _page(request, customer, at, form, lines, held, permit, campaign)


def _lines(
    request: HttpRequest, customer: Customer, at: datetime, held: list[Holding]
) -> BaseFormSet[PromiseLine]:
    """The *We promise…* lines, empty or as they were sent, with what can be promised now."""
    found = menu.of(customer, holdings=held, user=reader(request), at=at)
    sent = request.method == "POST"
    return PromiseLines(
        request.POST if sent else None,
        request.FILES if sent else None,
        prefix=LINES,
        form_kwargs={"customer": customer, "menu": found},
    )


def _page(
    request: HttpRequest,
    customer: Customer,
    at: datetime,
    form: CallForm,
    lines: BaseFormSet[PromiseLine],
    held: list[Holding],
    permit: Permit | None,
    campaign: Campaign | None,
    status: int = 200,
) -> HttpResponse:
    user = reader(request)
    live = _live(request, customer, at, permit, campaign)
    words = {
        **dossier.read(customer, offers=held, at=at),
        "customer": customer,
        "form": form,
        "lines": lines,
        "empty_line": lines.empty_form,
        "saved": request.GET.get("saved", "")[:36],
        "permit": permit,
        "before": unfinished.of(user, at=at),
        "live": live,
        "plead": _plead(customer, user, at, permit, live["shown"]),
    }
    return render(request, "followups/sheet.html", words, status=status)


def _plead(
    customer: Customer, user: User, at: datetime, permit: Permit | None, shown: dict[str, Any]
) -> AskForm | None:
    """The request to a supervisor, where one could let this call through."""
    if permit and permit.standing:
        return None
    return AskForm() if dossier.may_plead(customer, user=user, at=at, shown=shown) else None


def _live(
    request: HttpRequest,
    customer: Customer,
    at: datetime,
    permit: Permit | None,
    campaign: Campaign | None,
) -> dict[str, Any]:
    """What moves by itself, rendered: the lamp and the journeys, and when to look again."""
    shown = dossier.live(customer, user=reader(request), at=at, permit=permit, campaign=campaign)
    words = shown | {"customer": customer, "permit": permit, "page_at": at}
    lamp = render_to_string("followups/_lamp.html", words, request=request)
    journeys = render_to_string("followups/_journeys.html", words, request=request)
    seen = hashlib.sha256((lamp + journeys).encode()).hexdigest()[:16]
    return {"lamp": lamp, "journeys": journeys, "seen": seen, "pace": shown["pace"], "shown": shown}


@require_safe
def live(request: HttpRequest, reference: str) -> HttpResponse:
    """The moving part again; 204 while nothing has changed, so that nothing on the page moves."""
    at = clock.now()
    customer = customer_of(request, reference, at)
    decision = _decision(request.GET.get("decision"))
    permit = dossier.permit(decision, user=reader(request), at=at)
    campaign = dossier.campaign(customer, reader(request), permit)
    words = _live(request, customer, at, permit, campaign)
    if words["seen"] == request.GET.get("seen"):
        return HttpResponse(status=204)
    more = {"live": words, "customer": customer, "permit": permit}
    return render(request, "followups/_live.html", more | {"again": True})


@require_POST
def take(request: HttpRequest, reference: str) -> HttpResponse:
    """Asks the gate for this call. An allow leases the customer; a deny says why on the sheet."""
    user, at = reader(request), clock.now()
    access.require(user, "log_calls")
    customer = customer_of(request, reference, at)
    before = unfinished.of(user, at=at, but=sharing(customer))
    if before:
        return queue.back_to(request, before, at=at)
    numbers = [row.e164 for row in customer.numbers.all()]
    wanted = request.POST.get("number") or (numbers[0] if numbers else None)
    if wanted is not None and wanted not in numbers:
        raise Http404
    owed = queries.called_back(customer=customer, user=user, at=at)
    campaigns = {} if owed else campaigns_at_hand([customer.pk], team=user.team_id)
    campaign = _named(request, user) or campaigns.get(customer.pk)
    try:
        answer = taking.ask(
            customer=customer, number=wanted, owed=owed, campaign=campaign, user=user, at=at
        )
    except taking.Busy as busy:
        return queue.to_held(request, busy.held, at=at)
    address = reverse("sheet", args=[customer.reference])
    if not answer.allow:
        messages.warning(request, answer.reason)
        return redirect(address)
    return redirect(f"{address}?decision={answer.id}")


def _named(request: HttpRequest, user: User) -> Campaign | None:
    """The campaign on whose list the desk shows them."""
    named = request.POST.get("campaign")
    return get_object_or_404(campaigns_of(user.team_id), slug=named) if named else None


@require_POST
def renew(request: HttpRequest, decision: uuid.UUID) -> HttpResponse:
    """The form is still open: the agent is still in the call."""
    user, at = reader(request), clock.now()
    access.require(user, "log_calls")
    until = at + leases.RENEWED_FOR
    leases.renew(decision_id=decision, holder=f"user:{user.pk}", until=until, at=at)
    return HttpResponse(status=204)


@require_POST
def save_call(request: HttpRequest, reference: str) -> HttpResponse:
    """One save for the call and everything promised in it."""
    user, at = reader(request), clock.now()
    access.require(user, "log_calls")
    customer = customer_of(request, reference, at)
    asks = dossier.asks(customer, user=user, at=at)
    form = CallForm(request.POST, customer=customer, user=user, asks=asks)
    held = proposals.of(customer)
    lines = _lines(request, customer, at, held)
    saved = _save(form, lines, customer=customer, user=user, at=at)
    if saved is None:
        for line in lines:
            line.ask_for_file_again()
        permit = dossier.permit(_decision(request.POST.get("decision")), user=user, at=at)
        campaign = dossier.campaign(customer, user, permit)
        return _page(request, customer, at, form, lines, held, permit, campaign, status=422)
    if saved.promises:
        nudge("send")
    if not saved.new:
        messages.info(request, _("This call was saved before; nothing was saved twice."))
    address = reverse("sheet", args=[customer.reference])
    return redirect(f"{address}?saved={form.cleaned_data['form_id']}#promises")


def _save(
    form: CallForm, lines: BaseFormSet[PromiseLine], *, customer: Customer, user: User, at: datetime
) -> wrapup.Saved | None:
    """None when something is wrong; the forms then say what, beside the field."""
    if not (form.is_valid() & lines.is_valid()):
        return None
    promising = [line for line in lines if line.wish_kind()]
    if promising and form.cleaned_data["result"] in NOBODY_SPOKE:
        form.add_error("result", _("Nobody was reached, so nothing can have been promised."))
        return None
    replies = form.replies()
    if replies and form.cleaned_data["result"] in NOBODY_SPOKE:
        form.add_error("result", _("Nobody was reached, so nothing can have been replied."))
        return None
    wishes = [wish for line in promising if (wish := line.wish())]
    call = _call(form, customer=customer, user=user, at=at)
    talk = form.cleaned_data["talk"]
    try:
        return wrapup.save(
            call=call, wishes=wishes, replies=replies, by=Actor.person(user), at=at, talk=talk
        )
    except Refused as refusal:
        _blame(form, promising, refusal)
    except Contradiction as other:
        form.add_error(None, str(other))
    return None


def _call(form: CallForm, *, customer: Customer, user: User, at: datetime) -> Call:
    data = form.cleaned_data
    campaign = data["campaign"]
    owed = queries.called_back(customer=customer, user=user, at=at)
    started = form.started_at(at)
    return Call(
        source=wrapup.SOURCE,
        external_id=str(data["form_id"]),
        direction=data["direction"],
        started_at=started,
        purpose=campaign.purpose if campaign else "callback" if owed else "sales",
        customer=customer,
        number=data["number"],
        campaign=campaign,
        agent=user,
        ended_at=at,
        result=data["result"],
        disposition=data["disposition"],
        note=data["note"],
        decision_id=data["decision"],
    )


def _blame(form: CallForm, promising: list[PromiseLine], refusal: Refused) -> None:
    """Puts a refusal of the storey below beside the field that it names."""
    place, _dot, rest = refusal.field.partition(".")
    number, _dot, field = rest.partition(".")
    if place != "promises" or not number.isdigit() or int(number) >= len(promising):
        form.add_error(place if place in form.fields else None, str(refusal))
        return
    line = promising[int(number)]
    line.blame(field, str(refusal))
