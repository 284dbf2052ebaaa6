"""The short stairs: machines ask under /api/ and /health/ and meet nothing that is for people.

No session, no form token, no redirect to the log-in, no line in a log that holds a number; and
whatever goes wrong comes back as a problem that a machine can read.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _

from config import problems
from config.problems import Problem

Handler = Callable[[HttpRequest], HttpResponseBase]
SHORT = ("/api/", "/health/")
# Scripts and styles of the docs page come from our own static files; nothing is inline.
DOCS = "/api/v1/docs"
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# What a door of the API has to say in the headers of any answer: how often its key may ask.
LIMITS = "kept_limits"
LARGEST_BODY = 1024 * 1024
# A list is written to the disk as it comes.
LARGER = {"/api/v1/scrub": 2 * 1024**3}


class ApiShortcut:
    """First in the stack: answers machines itself, hands everybody else on."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.headers = dict(HEADERS)
        if settings.SECURE_HSTS_SECONDS:
            self.headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(SHORT):
            return self.get_response(request)
        # The language of whoever used this thread before us is not ours.
        translation.activate(settings.LANGUAGE_CODE)
        response = _answer(request)
        for name, value in (self.headers | getattr(request, LIMITS, {})).items():
            response.headers[name] = value
        if isinstance(response, HttpResponse) and not response.has_header("Content-Length"):
            response.headers["Content-Length"] = str(len(response.content))
        if request.path_info == DOCS:
            response.headers["Content-Security-Policy"] = DOCS_POLICY
        return response


def _answer(request: HttpRequest) -> HttpResponseBase:
    try:
        _refuse_unreadable(request)
        match = request.resolver_match = resolve(request.path_info)
        response = match.func(request, *match.args, **match.kwargs)
    except Exception as error:
        return problems.respond(problems.of(error))
    if response.status_code == 405 and response.headers["Content-Type"] != problems.MEDIA:
        allow = {"Allow": response.headers.get("Allow", "")}
        return problems.respond(Problem("method_not_allowed", headers=allow))
    return response


def _refuse_unreadable(request: HttpRequest) -> None:
    """Before anything is read: how long the body is, and whether a key went over an open line."""
    length = request.META.get("CONTENT_LENGTH") or ""
    most = LARGER.get(request.path_info, LARGEST_BODY)
    if length.isdigit() and int(length) > most:
        raise Problem("too_large", _("At most %(most)d bytes are read.") % {"most": most})
    if not length and request.META.get("HTTP_TRANSFER_ENCODING"):
        raise Problem("length_required")
    if settings.SECURE_SSL_REDIRECT and not request.is_secure() and request.path_info[1] == "a":
        raise Problem("forbidden", _("Keys travel over https only."))


class NoStore:
    """Last in the stack: no shared computer keeps a page that somebody had to log in for."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        user = getattr(request, "user", None)
        if user is not None and user.is_authenticated and isinstance(response, HttpResponse):
            patch_cache_control(response, no_store=True, private=True)
        return response
