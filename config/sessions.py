"""How long a log-in holds: so long without a touch (SESSION_IDLE), and so long in all.

Real seconds, not the product's clock: the demo may jump by a day without logging anybody out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

Handler = Callable[[HttpRequest], HttpResponseBase]
BEGAN, SEEN = "kept_began", "kept_seen"
# A touch is written down at most once a minute.
STEP = 60


def begin(request: HttpRequest, **event: Any) -> None:
    """Somebody has logged in: both limits count from now (a receiver of user_logged_in)."""
    request.session[BEGAN] = request.session[SEEN] = int(time.time())


def touched_at(session: SessionBase) -> int | None:
    """Unix seconds of its last touch, to the minute; None for a session of nobody."""
    return session.get(SEEN)


class SessionLimits:
    """After the messages: logs out whoever is over a limit, and says why on the log-in page."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            self._look(request, int(time.time()))
        return self.get_response(request)

    @staticmethod
    def _look(request: HttpRequest, now: int) -> None:
        began, seen = request.session.get(BEGAN, now), request.session.get(SEEN, now)
        if now - seen > settings.SESSION_IDLE or now - began > settings.SESSION_COOKIE_AGE:
            logout(request)
            messages.info(request, _("You were logged out after a while: please log in again."))
        elif now - seen >= STEP and not _by_itself(request):
            request.session[SEEN] = now


def _by_itself(request: HttpRequest) -> bool:
    """Whether the page asks for its live part: nobody need be sitting there."""
    return request.method == "GET" and "HX-Request" in request.headers
