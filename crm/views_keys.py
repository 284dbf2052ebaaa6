"""The machines' keys: which there are, one more, one revoked. The key itself is shown once."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config import clock
from crm import access, keys
from crm.actors import Actor
from crm.forms_keys import KeyForm
from crm.models import ApiKey
from crm.views import reader
from crm.views_confirmed import confirmed

ACT = "manage_keys"


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Those that hold, then those that do not any more; each by its name."""
    access.require(reader(request), ACT)
    at = clock.now()
    rows = [
        {"key": key, "holds": _holds(key, at), "quota": keys.quota_of(key)}
        for key in ApiKey.objects.select_related("team").order_by("name", "pk")
    ]
    rows.sort(key=lambda row: not row["holds"])
    return render(request, "crm/keys.html", {"rows": rows, "page_at": at})


def _holds(key: ApiKey, at: datetime) -> bool:
    ended = key.expires_at is not None and key.expires_at <= at
    return key.revoked_at is None and not ended


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed(ACT)
def add(request: HttpRequest) -> HttpResponse:
    """The new key stands in the answer itself, and nowhere else."""
    at = clock.now()
    form = KeyForm(request.POST or None, at=at)
    if request.method == "POST" and form.is_valid():
        issued = keys.issue(**form.facts(), by=Actor.person(reader(request)), at=at)
        return render(request, "crm/key_secret.html", {"issued": issued})
    status = 422 if request.method == "POST" else 200
    return render(request, "crm/key_add.html", {"form": form}, status=status)


@require_POST
@confirmed(ACT)
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(ApiKey, pk=pk)
    if keys.revoke(key=key, by=Actor.person(reader(request)), at=clock.now()):
        messages.success(request, _("%(name)s opens nothing any more.") % {"name": key.name})
    else:
        messages.info(request, _("It was revoked already."))
    return redirect("keys")
