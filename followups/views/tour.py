"""The demo's guided tour: its page, where each step leads, and the strip that goes along."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from config import clock
from crm.views import reader
from followups import tour as tours
from followups.views.demo import demo_only


@demo_only
@require_http_methods(["GET", "HEAD", "POST"])
def tour(request: HttpRequest) -> HttpResponse:
    """Every step, and whether it was done. A POST leaves the tour: its strip goes."""
    user = reader(request)
    if request.method == "POST":
        request.session.pop(tours.PLACE, None)
        return redirect("home")
    rows = tours.shown(user, at=clock.now())
    words = {"rows": rows, "following": next((row for row in rows if not row.done), None)}
    return render(request, "followups/tour.html", words)


@demo_only
@require_safe
def step(request: HttpRequest, number: int) -> HttpResponse:
    """Goes where the step happens; the strip tells what to do there."""
    user = reader(request)
    if not 1 <= number <= len(tours.steps(user)):
        raise Http404
    request.session[tours.PLACE] = number
    place = tours.steps(user)[number - 1].where(user, clock.now())
    return redirect(reverse(place.name, args=[place.argument] if place.argument else []))
