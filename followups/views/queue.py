"""Taking the next call from the desk, and what becomes of whom one holds."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from config import clock
from crm import access, instants
from crm.actors import Actor
from crm.models import Customer
from crm.views import reader
from followups import leases, taking
from followups.models import Lease


def _sheet(reference: str, decision: uuid.UUID) -> HttpResponse:
    return redirect(f"{reverse('sheet', args=[reference])}?decision={decision}")


@require_POST
def take_next(request: HttpRequest) -> HttpResponse:
    """One press, one person: whoever is next, leased to the reader. One at a time: who holds
    somebody is led back to them."""
    user, at = reader(request), clock.now()
    access.require(user, "log_calls")
    held = leases.held(user=user, at=at).first()
    if held and held.customer:
        return back_to(request, held.customer, held)
    taken = taking.next_one(user=user, at=at)
    if taken is None:
        messages.info(request, _("Nobody can be called just now. Try again in a minute."))
        return redirect("desk")
    return _sheet(taken.customer.reference, taken.decision.id)


def back_to(request: HttpRequest, customer: Customer, held: Lease) -> HttpResponse:
    """To the one whom the user holds: one call at a time."""
    words = _("You still hold %(name)s: log the call, or let them go first.")
    messages.info(request, words % {"name": customer.text.name})
    return _sheet(customer.reference, held.decision_id)


@require_POST
def keep(request: HttpRequest, decision: uuid.UUID) -> HttpResponse:
    """Two minutes more, from the desk."""
    user, at = reader(request), clock.now()
    access.require(user, "log_calls")
    until = at + leases.RENEWED_FOR
    if leases.renew(decision_id=decision, holder=f"user:{user.pk}", until=until, at=at):
        said = {"when": instants.brief(until, now=at)}
        messages.success(request, _("Yours until %(when)s.") % said)
    else:
        messages.warning(request, _("That was over already: take them anew."))
    return redirect("desk")


@require_POST
def let_go(request: HttpRequest, decision: uuid.UUID) -> HttpResponse:
    """No call will be made: somebody else may call them at once."""
    user, at = reader(request), clock.now()
    access.require(user, "log_calls")
    if not leases.let_go(decision_id=decision, user=user, by=Actor.person(user), at=at):
        messages.info(request, _("That was over already."))
    return redirect("desk")
