"""One call in spite of the gate: agents ask, supervisors allow or refuse, operations sign."""

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
from django.views.decorators.http import require_http_methods, require_POST

from config import clock
from crm import access
from crm.actors import Actor
from crm.models import Customer, User
from crm.views import reader
from followups import overridable, override_lists, overrides
from followups.forms_override import AskForm, GrantForm, LetThroughForm, SignForm
from followups.models import Override
from followups.terms import Refused
from followups.views.sheet import customer_of


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, reference: str) -> HttpResponse:
    """The agent's request; what cannot be asked is said beside the form."""
    user, at = reader(request), clock.now()
    access.require(user, "ask_override")
    customer = customer_of(request, reference, at)
    form = AskForm(request.POST or None)

    def act() -> None:
        by = Actor.person(user)
        overrides.ask(customer=customer, reason=form.cleaned_data["reason"], by=by, at=at)

    if request.method == "POST" and _done(form, act):
        messages.info(request, _("Your supervisor was asked. The answer comes here by itself."))
        return redirect("sheet", reference=customer.reference)
    return _page(request, form, customer, agent=user, at=at)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def let_through(request: HttpRequest, reference: str) -> HttpResponse:
    """A supervisor lets one call through unasked."""
    user, at = reader(request), clock.now()
    access.require(user, "grant_override")
    customer = customer_of(request, reference, at)
    form = LetThroughForm(request.POST or None, request=request, user=user, at=at)

    def act() -> None:
        data = form.cleaned_data
        granted = overrides.let_through(
            customer=customer,
            agent=data["agent"],
            reason=data["reason"],
            by=Actor.person(user),
            at=at,
        )
        _say_so(request, granted)

    if request.method == "POST" and _done(form, act):
        return redirect("sheet", reference=customer.reference)
    return _page(request, form, customer, agent=user, at=at)


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def override(request: HttpRequest, pk: int) -> HttpResponse:
    """What waits for the reader: a request to decide, or a grant to sign."""
    user, at = reader(request), clock.now()
    row = _within_reach(user, pk)
    if not override_lists.of_reader(user, at=at).filter(pk=pk).exists():
        messages.info(request, _("Somebody has decided this already, or it is over."))
        return redirect("board")
    asked = access.may(user, "grant_override")
    if asked:
        # The agent looked at another team's customer: then so does who decides, audited as well.
        access.glance(user=user, customer=row.customer, at=at)
    kind = GrantForm if asked else SignForm
    form = kind(request.POST or None, request=request, user=user, at=at)

    def act() -> None:
        by = Actor.person(user)
        if asked:
            reason = form.cleaned_data["reason"]
            _say_so(request, overrides.grant(request=row, reason=reason, by=by, at=at))
        else:
            overrides.second(override=row, by=by, at=at)

    if request.method == "POST" and _done(form, act):
        return redirect("board")
    return _page(request, form, row.customer, agent=row.agent, at=at, override=row)


@require_POST
def refuse(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = reader(request), clock.now()
    access.require(user, "grant_override")
    try:
        overrides.refuse(request=_within_reach(user, pk), by=Actor.person(user), at=at)
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("board")


def _within_reach(user: User, pk: int) -> Override:
    """Something that is the reader's to decide, or a 404 that does not tell why not."""
    if not access.may(user, "second_override"):
        access.require(user, "grant_override")
    rows = override_lists.within_reach(user)
    return get_object_or_404(rows.select_related("customer__text", "agent", "text"), pk=pk)


def _done(form: forms.Form, act: Callable[[], None]) -> bool:
    """False when something is wrong; the form then says what, beside the field."""
    if not form.is_valid():
        return False
    try:
        act()
    except Refused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return False
    return True


def _say_so(request: HttpRequest, granted: Override) -> None:
    words = _("%(agent)s may call once within half an hour.")
    if granted.needs_second:
        words = _("Your ten calls of the week are used: operations have to sign this one too.")
    messages.info(request, words % {"agent": granted.agent})


def _page(
    request: HttpRequest,
    form: forms.Form,
    customer: Customer,
    *,
    agent: User,
    at: datetime,
    override: Override | None = None,
) -> HttpResponse:
    found = overridable.against(customer=customer, agent=agent, at=at)
    words: dict[str, Any] = {
        "customer": customer,
        "form": form,
        "override": override,
        "against": found,
        "signs": access.may(reader(request), "second_override"),
        "granter": override_lists.granter(override) if override else "",
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "followups/override.html", words, status=status)
