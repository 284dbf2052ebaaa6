"""One's own account: what it is, where one is logged in, and the way out."""

from __future__ import annotations

from typing import Any

from allauth.account import views as account
from allauth.account.internal.decorators import login_not_required
from allauth.socialaccount import views as social
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm import log_ins, second_factors
from crm.models import User
from crm.views import reader

log_out = LogoutView.as_view()
sso_error = login_not_required(social.login_error)


@login_not_required
def new_password(request: HttpRequest, **words: Any) -> HttpResponseBase:
    """The link of an invitation or of a forgotten password. A HEAD of a mail scanner is a GET."""
    return account.password_reset_from_key(request, **words)


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Who one is here, with what one logs in, and where one is logged in now."""
    user = reader(request)
    context = {
        "factors": second_factors.kinds(user),
        "sessions": log_ins.sessions_of(user, current=request.session.session_key),
    }
    return render(request, "crm/account.html", context)


@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """One log-in of one's own, on another machine."""
    get_object_or_404(_others(request), pk=pk).end()
    messages.success(request, _("That log-in is ended."))
    return redirect("account")


@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """Every log-in of one's own but this one."""
    for session in _others(request):
        session.end()
    messages.success(request, _("The other log-ins are ended."))
    return redirect("account")


def _others(request: HttpRequest) -> Any:
    mine: User = reader(request)
    return UserSession.objects.filter(user=mine).exclude(session_key=request.session.session_key)
