"""Wishes on the sheet: one is written down with its proof, and ended by a supervisor."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config import clock
from config.celery import nudge
from crm import access, actors, merges, wishes
from crm.actors import Actor
from crm.models import Suppression
from crm.views import reader
from followups.forms_wish import EndForm, WishForm
from followups.views.sheet import customer_of

# Looks for calls that were promised to those who want none, and for those who want them again.
SWEEP = "reconcile"


@require_http_methods(["GET", "HEAD", "POST"])
def record(request: HttpRequest, reference: str) -> HttpResponse:
    """One form; what the rules refuse stands beside the field that it is about."""
    at = clock.now()
    customer = customer_of(request, reference, at)
    access.require(reader(request), "record_wishes")
    form = WishForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        by = Actor.person(reader(request))
        try:
            wishes.record(customer=customer, said=form.said(), by=by, at=at)
        except wishes.Refused as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            nudge(SWEEP)
            messages.success(request, _("Written down. The gate knows it from now on."))
            return redirect("sheet", reference=customer.reference)
    words = {"customer": customer, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "followups/wish.html", words, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """What stands, with its author and proof, and the ground on which it ends."""
    user, at = reader(request), clock.now()
    customer = customer_of(request, reference, at)
    access.require(user, "end_wishes")
    wish = get_object_or_404(
        wishes.on_file(merges.group_of([customer.pk])).filter(lifted_at=None), pk=pk
    )
    form = EndForm(request.POST or None, wish=wish, request=request, user=user, at=at)
    if request.method == "POST" and form.is_valid() and _ended(request, wish, form, at):
        return redirect("sheet", reference=customer.reference)
    names = actors.names([wish.created_by])
    words = {"customer": customer, "wish": wish, "form": form, "names": names}
    status = 422 if request.method == "POST" else 200
    return render(request, "followups/wish_end.html", words, status=status)


def _ended(request: HttpRequest, wish: Suppression, form: EndForm, at: datetime) -> bool:
    data = form.cleaned_data
    try:
        won = wishes.end(
            suppression=wish,
            ground=data["ground"],
            proof=data["proof"],
            words=data["words"],
            by=Actor.person(reader(request)),
            at=at,
        )
    except wishes.Refused as refusal:
        form.add_error(refusal.field, str(refusal))
        return False
    if won:
        nudge(SWEEP)
        messages.success(request, _("It has ended. It stays on file with its end."))
    else:
        messages.info(request, _("It had ended already."))
    return True
