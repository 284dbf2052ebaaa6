"""A call from a number that nobody we know has: it is logged all the same, without a person."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config import clock
from crm import access, customers, phone
from crm.actors import Actor
from crm.calls import Call
from crm.models import Attempt
from crm.views import reader
from followups import conversations, forms_stranger, wrapup
from followups.forms_stranger import StrangerForm


@require_http_methods(["GET", "HEAD", "POST"])
def call(request: HttpRequest) -> HttpResponse:
    """The form, and its save. A number that somebody has by now leads to them instead."""
    user, at = reader(request), clock.now()
    access.require(user, "log_calls")
    if request.method != "POST":
        form = forms_stranger.new(request.GET.get("phone", "")[: phone.LONGEST_INPUT].strip())
        return render(request, "followups/stranger.html", {"form": form})
    form = StrangerForm(request.POST)
    if not form.is_valid():
        return render(request, "followups/stranger.html", {"form": form}, status=422)
    data = form.cleaned_data
    if customers.of_number(data["number"]).exists():
        messages.info(request, _("This number is somebody's: log the call with them."))
        return redirect(f"{reverse('pop')}?{urlencode({'phone': data['number']})}")
    if Attempt.objects.filter(source=wrapup.SOURCE, external_id=data["form_id"]).exists():
        messages.info(request, _("This call was saved before; nothing was saved twice."))
        return redirect("desk")
    heard = Call(
        source=wrapup.SOURCE,
        external_id=str(data["form_id"]),
        direction="inbound",
        started_at=at,
        ended_at=at,
        purpose="service",
        number=data["number"],
        agent=user,
        result=data["result"],
        disposition=data["disposition"],
        note=data["note"],
    )
    conversations.record(call=heard, by=Actor.person(user), at=at)
    messages.success(request, _("The call is saved, without a person."))
    return redirect("desk")
