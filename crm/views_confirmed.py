"""Pages that open what is shut: for a role, and only to who has just confirmed who they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from crm import access
from crm.views import reader

View = Callable[..., HttpResponseBase]


def confirmed(action: str) -> Callable[[View], View]:
    """First the role (403), then the person: led to /account/confirm/, and back from there."""

    def decorate(view: View) -> View:
        asked: View = reauthentication_required(view)

        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            access.require(reader(request), action)
            return asked(request, *args, **kwargs)

        return answer

    return decorate
