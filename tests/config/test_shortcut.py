"""The short stairs and the last step: who takes which, and what stands on the answer."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import translation

from config.shortcut import ApiShortcut, NoStore
from crm.models import User


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("a page")


@pytest.mark.parametrize("path", ["/", "/apiary", "/healthy", "/desk/api/"])
def test_people_take_the_long_stairs(path: str) -> None:
    answer = ApiShortcut(page)(RequestFactory().get(path))
    assert answer.content == b"a page"
    assert "Content-Security-Policy" not in answer


@pytest.mark.parametrize("path", ["/api/x", "/health/x"])
def test_machines_take_the_short_ones(path: str) -> None:
    answer = ApiShortcut(page)(RequestFactory().get(path))
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_the_language_of_the_last_visitor_is_forgotten() -> None:
    with translation.override("fr"):
        answer = ApiShortcut(page)(RequestFactory().get("/api/x"))
    assert b"There is nothing here" in answer.content


@pytest.mark.parametrize(("user", "stored"), [(AnonymousUser(), True), (User(), False)])
def test_no_page_behind_the_log_in_is_stored(user: User | AnonymousUser, stored: bool) -> None:
    request = RequestFactory().get("/")
    request.user = user
    assert ("no-store" not in NoStore(page)(request).get("Cache-Control", "")) is stored
