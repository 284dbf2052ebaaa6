"""The customers' door: pages under /o/ need no session, no cookie and no form token.

The address itself is the whole authority: who does not know it can forge nothing, and a browser
adds nothing to a request that another site makes up. So no cookie is set, and none is read.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.utils import translation

Handler = Callable[[HttpRequest], HttpResponseBase]
DOOR = "/o/"
LARGEST_BODY = 64 * 1024
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}


class CustomersDoor:
    """Before sessions and form tokens: answers customers itself, hands everybody else on."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(DOOR):
            return self.get_response(request)
        # The language of whoever used this thread before us is not ours.
        translation.activate(settings.LANGUAGE_CODE)
        response = self._answer(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    @staticmethod
    def _answer(request: HttpRequest) -> HttpResponseBase:
        length = request.META.get("CONTENT_LENGTH") or ""
        if length.isdigit() and int(length) > LARGEST_BODY:
            return HttpResponse(status=413)
        match = request.resolver_match = resolve(request.path_info)
        return match.func(request, *match.args, **match.kwargs)
