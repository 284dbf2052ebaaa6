"""Pages instead of blank answers, where the request is at fault and nothing was changed."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults

Handler = Callable[[HttpRequest], HttpResponse]
PAGES = {405, 409, 413}  # what Django, and our own short refusals, answer without a word


class NoBlankPages:
    """Writes the page of a refusal that came without one, for who reads pages."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        blank = response.status_code in PAGES and not response.streaming and not response.content
        if not blank or "text/html" not in request.headers.get("Accept", ""):
            return response
        page = render(request, f"{response.status_code}.html", status=response.status_code)
        if "Allow" in response:
            page["Allow"] = response["Allow"]
        return page


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """413 for a form that is larger than any of ours, else Django's 400."""
    if isinstance(exception, RequestDataTooBig):
        return render(request, "413.html", status=413)
    return defaults.bad_request(request, exception)
