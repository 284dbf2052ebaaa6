"""One promise, and what can still become of it: one page, one address for each act."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from config import clock
from config.celery import nudge
from crm import access
from crm.actors import Actor
from crm.views import reader
from followups import amending, queries, signatures
from followups.forms_change import (
    AnewForm,
    CameForm,
    ClaimForm,
    PassForm,
    WithdrawForm,
    colleagues,
)
from followups.journeys import journey
from followups.models import Promise
from followups.terms import NotOpen, Refused

# Does what the form says and returns the promise that stands now, and what is said about it.
Act = Callable[[Promise, Any, Actor, datetime], tuple[Promise, str]]


@require_safe
def find(request: HttpRequest) -> HttpResponse:
    """A reference as it is said on the phone leads to its promise."""
    access.require(reader(request), "change_promises")
    wanted = request.GET.get("q", "").strip()[:20]
    row = _within_reach(request).filter(reference=_spelt(wanted)).first()
    if row:
        return redirect("promise", reference=row.reference)
    return render(request, "crm/search.html", {"wanted": wanted, "rows": []})


def _spelt(wanted: str) -> str:
    """ "p-7k2m9q", "P7K2M9Q" -> "P-7K2M9Q" """
    return f"P-{wanted.upper().removeprefix('P').removeprefix('-')}"


@require_safe
def promise(request: HttpRequest, reference: str) -> HttpResponse:
    row, at = _promise(request, reference), clock.now()
    return _page(request, row, _forms(request, row, at=at), at=at)


def _within_reach(request: HttpRequest) -> Any:
    """The promises of the reader's own team."""
    user = reader(request)
    access.require(user, "change_promises")
    rows = Promise.objects.filter(team=user.team_id).exclude(team=None)
    return queries.with_journeys(rows).select_related(
        "customer__text", "customer__postal", "text", "owner", "team", "attempt", "version__offer"
    )


def _promise(request: HttpRequest, reference: str) -> Promise:
    found: Promise = get_object_or_404(_within_reach(request), reference=reference)
    return found


def _forms(
    request: HttpRequest, row: Promise, *, at: datetime, sent: str = ""
) -> dict[str, forms.Form]:
    """What the reader can do about it, by name; the one that was sent is filled in."""
    if row.status != Promise.Status.OPEN:
        return {}
    user = reader(request)

    def data(name: str) -> Any:
        return request.POST if name == sent else None

    word: dict[str, Any] = {"promise": row, "request": request, "user": user, "at": at}
    asked = {one.verb: one for one in reversed(signatures.wanted(row))}
    found: dict[str, forms.Form] = {"anew": AnewForm(data("anew"), promise=row, at=at)}
    if row.kind != Promise.Kind.CALLBACK:
        found["came"] = CameForm(data("came"), asked=asked.get("came"), **word)
    found["withdraw"] = WithdrawForm(data("withdraw"), asked=asked.get("withdraw"), **word)
    found["pass"] = PassForm(data("pass"), people=colleagues(row))
    if row.owner_id != user.pk:
        found["claim"] = ClaimForm(data("claim"))
    return found


def _page(
    request: HttpRequest,
    row: Promise,
    shown: dict[str, forms.Form],
    *,
    at: datetime,
    status: int = 200,
) -> HttpResponse:
    reachable = access.customers(reader(request), at=at).filter(pk=row.customer_id)
    words = {
        "promise": row,
        "row": journey(row, at=at),
        "forms": shown,
        "opens": reachable.exists(),
        "instead": Promise.objects.filter(replaces=row, team=row.team_id).first(),
    }
    return render(request, "followups/promise.html", words, status=status)


def _do(request: HttpRequest, reference: str, name: str, act: Act) -> HttpResponse:
    """Acts once; what is refused stands beside its field, and nothing has changed then."""
    row, at = _promise(request, reference), clock.now()
    shown = _forms(request, row, at=at, sent=name)
    form = shown.get(name)
    if form is None:
        return _nothing_to_do(request, row)
    try:
        if form.is_valid():
            stands, said = act(row, form, Actor.person(reader(request)), at)
            nudge("send")
            messages.success(request, said)
            return redirect("promise", reference=stands.reference)
    except NotOpen:  # somebody was first, or the button was pressed twice
        return _nothing_to_do(request, row)
    except Refused as refusal:
        field = refusal.field.removeprefix("promises.0.")
        field = {"due_at": "slot" if row.kind == Promise.Kind.CALLBACK else "day"}.get(field, field)
        form.add_error(field if field in form.fields else None, str(refusal))
    return _page(request, row, shown, at=at, status=422)


def _nothing_to_do(request: HttpRequest, row: Promise) -> HttpResponse:
    messages.info(request, _("This was done before, or the promise is not open any more."))
    return redirect("promise", reference=row.reference)


@require_POST
def renegotiate(request: HttpRequest, reference: str) -> HttpResponse:
    def act(row: Promise, form: Any, by: Actor, at: datetime) -> tuple[Promise, str]:
        data = form.cleaned_data
        made = amending.renegotiate(
            promise=row,
            terms=form.terms(),
            attempt=data["call"],
            reason=data["reason"],
            by=by,
            at=at,
        )
        return made, _("Agreed anew: %(reference)s takes its place.") % {
            "reference": made.reference
        }

    return _do(request, reference, "anew", act)


@sensitive_post_parameters("withdraw-password")
@require_POST
def withdraw(request: HttpRequest, reference: str) -> HttpResponse:
    def act(row: Promise, form: Any, by: Actor, at: datetime) -> tuple[Promise, str]:
        data = form.cleaned_data
        if form.asks:
            return _asked(row, form, "withdraw", by, at)
        amending.withdraw(
            promise=row,
            attempt=data["call"],
            reason=data["reason"],
            by=by,
            at=at,
            signed=form.signed,
        )
        return row, _("The promise is withdrawn. Nothing more leaves for it.")

    return _do(request, reference, "withdraw", act)


@sensitive_post_parameters("came-password")
@require_POST
def came(request: HttpRequest, reference: str) -> HttpResponse:
    def act(row: Promise, form: Any, by: Actor, at: datetime) -> tuple[Promise, str]:
        call = form.cleaned_data["call"]
        if form.asks:
            return _asked(row, form, "came", by, at)
        amending.came(promise=row, attempt=call, by=by, at=at, signed=form.signed)
        return row, _("Written down: the customer has it.")

    return _do(request, reference, "came", act)


def _asked(
    row: Promise, form: Any, verb: amending.Signed, by: Actor, at: datetime
) -> tuple[Promise, str]:
    """Nothing changes yet: a supervisor is told that their signature is wanted."""
    data = form.cleaned_data
    told = amending.ask_to_sign(
        promise=row, verb=verb, attempt=data["call"], reason=data.get("reason", ""), by=by, at=at
    )
    names = ", ".join(str(user) for user in told)
    return row, _("%(names)s was asked to sign. Nothing changes before.") % {"names": names}


@require_POST
def hand_over(request: HttpRequest, reference: str) -> HttpResponse:
    def act(row: Promise, form: Any, by: Actor, at: datetime) -> tuple[Promise, str]:
        owner, reason = form.cleaned_data["owner"], form.cleaned_data["reason"]
        amending.reassign(promise=row, owner=owner, reason=reason, by=by, at=at)
        return row, _("%(owner)s keeps it from now on.") % {"owner": owner}

    return _do(request, reference, "pass", act)


@require_POST
def claim(request: HttpRequest, reference: str) -> HttpResponse:
    def act(row: Promise, form: Any, by: Actor, at: datetime) -> tuple[Promise, str]:
        amending.claim(promise=row, reason=form.cleaned_data["reason"], by=by, at=at)
        return row, _("It is yours from now on.")

    return _do(request, reference, "claim", act)
