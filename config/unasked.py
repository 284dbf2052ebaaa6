"""What browsers and robots ask for by themselves, at addresses that nobody links."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.http import require_safe


@login_not_required
@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Our pages name their icon; this is for those that are no pages, such as a PDF."""
    return redirect(static("icon.svg"))


@login_not_required
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Nothing here is for a search engine, the customers' pages least of all."""
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain")
