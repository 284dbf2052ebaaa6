"""Taking the next call from the desk, and what becomes of whom one holds."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from config import clock
from crm import access, instants
from crm.actors import Actor
from crm.views import reader
from followups import leases, taking, unfinished
from followups.models import Lease
from followups.unfinished import Unfinished


def _sheet(reference: str, decision: uuid.UUID) -> HttpResponse:
    return redirect(f"{reverse('sheet', args=[reference])}?decision={decision}")


@require_POST
def take_next(request: HttpRequest) -> HttpResponse:
    """One press, one person: whoever is next, leased to the reader. One at a time: who has not said
    what came of the last call is led back to it."""
    user, at = reader(request), clock.now()
    access.require(user, "log_calls")
    before = unfinished.of(user, at=at)
    if before:
        return back_to(request, before, at=at)
    try:
        taken = taking.next_one(user=user, at=at)
    except taking.Busy as busy:
        return to_held(request, busy.held, at=at)
    if taken is None:
        messages.info(request, _("Nobody can be called just now. Try again in a minute."))
        return redirect("desk")
    return _sheet(taken.customer.reference, taken.decision.id)


def back_to(request: HttpRequest, before: Unfinished, *, at: datetime) -> HttpResponse:
    """To the call of which nobody has said what came of it: that comes first, with a way to do it.
    Whoever was given to the reader can be opened for it, of whatever team they are."""
    messages.info(request, before.sentence(at=at))
    access.glance(user=reader(request), customer=before.customer, at=at)
    if before.held:
        return _sheet(before.customer.reference, before.held.decision_id)
    return redirect(f"{reverse('sheet', args=[before.customer.reference])}#call")


def to_held(request: HttpRequest, held: Lease, *, at: datetime) -> HttpResponse:
    """Another window of the same person was first: to what it took."""
    before = unfinished.of(reader(request), at=at)
    return back_to(request, before, at=at) if before else redirect("desk")


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
    """No call will be made, or was: somebody else may call them at once. Not against what the
    telephone system says."""
    user, at = reader(request), clock.now()
    access.require(user, "log_calls")
    talk = unfinished.talks(user, at=at).filter(decision_id=decision).first()
    if talk and talk.customer:
        before = Unfinished(talk.customer, talk.started_at, decision, talked=talk)
        return back_to(request, before, at=at)
    if not leases.let_go(decision_id=decision, user=user, by=Actor.person(user), at=at):
        messages.info(request, _("That was over already."))
    return redirect("desk")
