"""The page when something broke: 503 while the database cannot be reached or is too slow, else
500."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader


class TooSlow(Exception):
    """The database works, and what was asked takes it longer than a page may wait."""


def server_error(request: HttpRequest) -> HttpResponse:
    """Renders without the request: what broke may be what the usual page needs."""
    error = sys.exc_info()[1]
    slow = isinstance(error, TooSlow)
    away = slow or isinstance(error, OperationalError | InterfaceError)
    status = 503 if away else 500
    page = loader.render_to_string(f"{status}.html", {"slow": slow})
    response = HttpResponse(page, status=status)
    if away:
        response["Retry-After"] = "10"
    return response
