"""Addresses for customers: their page, the form for a letter's code, the one-click of a mail."""

from __future__ import annotations

from django.urls import path, re_path

from followups.views import customer, doors

urlpatterns = [
    path("o/", doors.paper, name="paper"),
    re_path(r"^o/(?P<token>[\w-]+)/?$", customer.page, name="page"),
    re_path(r"^o/(?P<token>[\w-]+)/(?P<name>\w+)/?$", customer.page, name="page_of"),
    re_path(r"^o/", doors.nothing),
    # Under the short stairs (config/shortcut.py), like everything that machines press.
    path("api/v1/unsubscribe/<str:token>", doors.unsubscribe, name="unsubscribe"),
]
