"""Pages of this storey: the way home, finding a customer, the screen pop."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from config import clock
from crm import access, customers, phone, queries
from crm.models import Customer, User

# How the reference of a promise may be written; the storey above knows which there are.
PROMISE = re.compile(r"P-?[0-9A-Z]{6}", re.IGNORECASE)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Each role has its own first page."""
    user = reader(request)
    if access.may(user, "see_board"):
        return redirect("board")
    if access.may(user, "log_calls"):
        return redirect("desk")
    return render(request, "crm/home.html")


def reader(request: HttpRequest) -> User:
    """Who is logged in; the middleware has sent everybody else to the log-in page."""
    if not isinstance(request.user, User):
        raise TypeError("this page is for people who are logged in")
    return request.user


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Customers by number, name or reference; the only one found opens at once, and so does a
    promise by its reference."""
    user, at = reader(request), clock.now()
    access.require(user, "see_customers")
    wanted = request.GET.get("q", "").strip()[:100]
    region = settings.DEFAULT_COUNTRY
    found = queries.search(wanted, user=user, at=at, region=region, limit=31)
    if len(found) == 1:
        return _open(found[0])
    if not found and PROMISE.fullmatch(wanted):
        return redirect(f"{reverse('find_promise')}?{urlencode({'q': wanted})}")
    prefetch_related_objects(found, "text", "team", "postal")
    return render(
        request, "crm/search.html", {"wanted": wanted, "rows": found[:30], "more": len(found) > 30}
    )


@require_safe
def pop(request: HttpRequest) -> HttpResponse:
    """The screen pop: whose call comes in. Several sharers: the agent asks and chooses."""
    user, at = reader(request), clock.now()
    access.require(user, "see_customers")
    typed = request.GET.get("phone", "")[: phone.LONGEST_INPUT]
    try:
        number = phone.normalise(typed, settings.DEFAULT_COUNTRY)
    except phone.NotANumber:
        words = {"wanted": "", "odd": typed.strip()[:60], "pop": True}
        return render(request, "crm/search.html", words)
    found = list(customers.of_number(number).select_related("text", "team", "postal")[:30])
    for customer in found:
        access.glance(user=user, customer=customer, at=at)
    if len(found) == 1:
        return _open(found[0])
    words = {"wanted": "", "number": number, "rows": found, "pop": True}
    return render(request, "crm/search.html", words)


def _open(customer: Customer) -> HttpResponse:
    return redirect(reverse("sheet", args=[customer.reference]))
