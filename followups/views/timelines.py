"""The timeline of a customer, page by page: in place on the sheet, or as a page of its own."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config import clock
from followups import timeline
from followups.views.sheet import customer_of


@require_safe
def page(request: HttpRequest, reference: str) -> HttpResponse:
    """What was before, or another kind. A part of the page for htmx, else the whole page."""
    at = clock.now()
    customer = customer_of(request, reference, at)
    kind, below = request.GET.get("kind", ""), request.GET.get("below", "")
    try:
        found = timeline.of(customer, kind=kind, below=below)
    except timeline.NoSuchPage as error:
        raise Http404 from error
    words = {"customer": customer, "timeline": found, "kinds": timeline.KINDS, "page_at": at}
    part = "_timeline_rows.html" if below else "_timeline.html"
    name = part if request.headers.get("HX-Request") else "timeline.html"
    return render(request, f"followups/{name}", words | {"fresh": bool(below)})
