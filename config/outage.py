"""The page when something broke: 503 while the database cannot be reached, else 500."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader


def server_error(request: HttpRequest) -> HttpResponse:
    """Renders without the request: what broke may be what the usual page needs."""
    away = isinstance(sys.exc_info()[1], OperationalError | InterfaceError)
    status = 503 if away else 500
    response = HttpResponse(loader.render_to_string(f"{status}.html"), status=status)
    if away:
        response["Retry-After"] = "10"
    return response
