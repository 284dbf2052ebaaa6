"""The page on which open promises follow a changed calendar: what would move, and the run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from config import clock
from crm import access, actors, calendars
from crm.actors import Actor
from crm.models import WorkCalendar
from crm.views import reader
from followups import recomputing
from followups.forms_recompute import RecomputeForm
from followups.models import Recomputation
from followups.terms import Refused


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """A POST begins a run, or lets the one that is under way go on for some seconds."""
    user, at = reader(request), clock.now()
    access.require(user, "write_calendars")
    calendar = get_object_or_404(calendars.readable(user), pk=pk)
    run, by = recomputing.newest(calendar), Actor.person(user)
    under_way = run if run and run.ended_at is None else None
    if request.method == "POST" and under_way:
        return _gone_on(request, recomputing.go_on(run=under_way, by=by, at=at))
    words = _words(calendar, run, at)
    if request.method == "POST" and (form := _form(words, request.POST)).is_valid():
        try:
            begun = recomputing.begin(calendar=calendar, **form.cleaned_data, by=by, at=at)
        except Refused as refusal:
            form.add_error(refusal.field or None, str(refusal))
        else:
            return _gone_on(request, recomputing.go_on(run=begun, by=by, at=at))
    if not under_way:
        words["form"] = form if request.method == "POST" else _form(words, None)
    status = 422 if request.method == "POST" else 200
    return render(request, "followups/recompute.html", words, status=status)


def _gone_on(request: HttpRequest, run: Recomputation) -> HttpResponse:
    if run.ended_at:
        words = ngettext("%(n)s promise was moved.", "%(n)s promises were moved.", run.moved)
        messages.info(request, words % {"n": run.moved})
    return redirect("recompute_calendar", run.version.calendar_id)


def _words(calendar: WorkCalendar, run: Recomputation | None, at: datetime) -> dict[str, Any]:
    versions = list(calendar.versions.all())
    held = calendars.in_force(versions, at=at)
    under_way = run is not None and run.ended_at is None
    return {
        "calendar": calendar,
        "held": held,
        "coming": calendars.coming(versions, at=at),
        "teams": calendar.teams.order_by("name", "pk"),
        "run": run,
        "under_way": under_way,
        # While it runs, what is left changes with every look.
        "preview": None if under_way else recomputing.preview(held, at=at),
        "out_of_hours": recomputing.out_of_hours(held, at=at),
        "names": actors.names([run.by] if run else []),
    }


def _form(words: dict[str, Any], sent: Any) -> RecomputeForm:
    preview = words["preview"]
    all_counted = preview and not preview.left
    return RecomputeForm(sent, seen=words["held"].number, total=preview.total if all_counted else 0)
