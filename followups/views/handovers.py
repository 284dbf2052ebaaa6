"""The page on which a supervisor hands everything open of one person to another."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config import clock
from crm import access
from crm.actors import Actor
from crm.views import reader
from followups import handovers
from followups.forms_handover import HandOverForm
from followups.terms import Refused


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """What is open of whom in the team, and the form; a refusal stands beside its field."""
    user, at = reader(request), clock.now()
    access.require(user, "hand_over")
    loads = handovers.loads(user)
    form = HandOverForm(request.POST or None, reader=user, loads=loads)
    if request.method == "POST" and form.is_valid():
        owner, to = form.cleaned_data["owner"], form.cleaned_data["to"]
        by = Actor.person(user)
        try:
            done = handovers.hand_over(owner=owner, to=to, reason=form.why(), by=by, at=at)
        except Refused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            said = _("%(name)s has taken over: promises %(promises)s, things to settle %(items)s.")
            values = {"name": to, "promises": done.promises, "items": done.items}
            messages.success(request, said % values)
            return redirect("hand_over")
    status = 422 if request.method == "POST" else 200
    words = {"loads": loads, "form": form}
    return render(request, "followups/hand_over.html", words, status=status)
