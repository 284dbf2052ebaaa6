"""The table of contents."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language

from config import unasked
from config.api import api
from followups.api import health
from offers import api_hooks

urlpatterns: list[URLPattern | URLResolver] = [
    # First, because a dialer asks more often than everybody else together.
    path("api/v1/", api.urls),
    path("api/v1/hooks/email/<slug:esp>/", api_hooks.email, name="email-hook"),
    path("", include("followups.urls_page")),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("", include("crm.urls_account")),
    path("", include("crm.urls")),
    path("", include("offers.urls")),
    path("", include("followups.urls")),
    path("favicon.ico", unasked.favicon, name="favicon"),
    path("robots.txt", unasked.robots, name="robots"),
    path("language/", set_language, name="language"),
]
handler400 = "config.refused.bad_request"
handler500 = "config.outage.server_error"
