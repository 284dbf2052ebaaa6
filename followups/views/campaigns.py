"""Campaigns for those who plan them: how far each has come, who is blocked, and a file of more."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from config import clock
from crm import access, campaign_counts, campaign_files, wording
from crm.actors import Actor
from crm.campaign_files import Taken
from crm.models import Campaign
from crm.tables import Unreadable
from crm.views import reader
from followups import campaign_calls
from followups.board.wanted import teams_of
from followups.forms_campaign import ListForm
from followups.suppliers import AGAINST

SHOWN = 20
BLOCKED = AGAINST | {
    "dnc_campaign": gettext_lazy("never for this campaign"),
    "deceased": gettext_lazy("has died"),
    "leased": gettext_lazy("is just being called"),
    "number_invalid": gettext_lazy("no telephone number"),
    "clock_unsafe": gettext_lazy("Kept is not sure of itself"),
}
ENDS = {
    "tried_in_vain": gettext_lazy("never reached"),
    "wrong_number": gettext_lazy("wrong number, and no other"),
}


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    user, at = reader(request), clock.now()
    access.require(user, "see_campaigns")
    rows = campaign_counts.progress(campaign_counts.campaigns(user), at=at)
    return render(request, "followups/campaigns.html", {"rows": rows})


def _found(request: HttpRequest, slug: str, action: str) -> Campaign:
    user = reader(request)
    access.require(user, action)
    found: Campaign = get_object_or_404(campaign_counts.campaigns(user), slug=slug)
    return found


def _sample(request: HttpRequest, row: Campaign, at: datetime) -> dict[str, Any]:
    teams = [team.pk for team in teams_of(reader(request))]
    found = campaign_calls.sample(row, teams=teams, at=at)
    reasons = [(BLOCKED.get(code, code), n) for code, n in found.reasons]
    return {"sample": found, "reasons": reasons}


@require_safe
def blocked(request: HttpRequest, slug: str) -> HttpResponse:
    """How many of the first in line are blocked: asked for apart, because the gate judges them."""
    row = _found(request, slug, "see_campaigns")
    words = _sample(request, row, clock.now())
    return render(request, "followups/_blocked.html", words)


@require_http_methods(["GET", "HEAD", "POST"])
def campaign(request: HttpRequest, slug: str) -> HttpResponse:
    """One campaign; a POST puts the customers of a file on its list."""
    adds = request.method == "POST"
    row, at = _found(request, slug, "work_campaigns" if adds else "see_campaigns"), clock.now()
    form = ListForm(request.POST or None, request.FILES or None)
    taken = None
    if adds and form.is_valid():
        taken = _take_in(request, row, form, at)
        if taken and taken.added:
            _say(request, taken)
            return redirect("campaign", slug=slug)
    (progress,) = campaign_counts.progress(Campaign.objects.filter(pk=row.pk), at=at)
    words = {
        "row": progress,
        "form": form,
        "taken": taken,
        "faults": taken.faults[:SHOWN] if taken else [],
        "causes": [
            (ENDS.get(code) or wording.disposition(code), n)
            for code, n in campaign_counts.causes(row)
        ],
        **_sample(request, row, at),
    }
    return render(request, "followups/campaign.html", words, status=422 if adds else 200)


def _take_in(request: HttpRequest, row: Campaign, form: ListForm, at: datetime) -> Taken | None:
    upload: UploadedFile = form.cleaned_data["file"]
    suffix = Path(upload.name or "").suffix.lower() or ".csv"
    by, leave_bad = Actor.person(reader(request)), form.cleaned_data["leave_bad"]
    with tempfile.NamedTemporaryFile(prefix="kept-campaign-", suffix=suffix) as file:
        for chunk in upload.chunks():
            file.write(chunk)
        file.flush()
        try:
            return campaign_files.take_in(
                Path(file.name), campaign=row, by=by, at=at, leave_bad=leave_bad
            )
        except Unreadable as error:
            form.add_error("file", str(error))
    return None


def _say(request: HttpRequest, taken: Taken) -> None:
    if taken.added is None:
        return
    said = {
        "new": taken.added.new,
        "known": taken.added.known + taken.added.done,
        "bad": len(taken.faults),
    }
    words = _("%(new)s put on the list; %(known)s stood on it before; %(bad)s bad lines left out.")
    messages.success(request, words % said)
