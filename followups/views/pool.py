"""Taking a call-back that a colleague missed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from config import clock
from crm import access
from crm.actors import Actor
from crm.views import reader
from followups import pool, unfinished
from followups.models import Promise
from followups.views import queue


@require_POST
def take(request: HttpRequest, reference: str) -> HttpResponse:
    """One press: it is the reader's, and the customer's sheet opens."""
    user, at = reader(request), clock.now()
    access.require(user, "mend_promises")
    theirs = Promise.objects.filter(kind=Promise.Kind.CALLBACK, team=user.team_id)
    row = get_object_or_404(theirs.select_related("customer"), reference=reference)
    before = unfinished.of(user, at=at)
    if before:
        return queue.back_to(request, before, at=at)
    if pool.take(promise=row, user=user, by=Actor.person(user), at=at):
        messages.success(request, _("The call-back is yours. You may call now."))
        return redirect("sheet", reference=row.customer.reference)
    messages.info(request, _("Somebody else was first, or it has been made."))
    return redirect("desk")
