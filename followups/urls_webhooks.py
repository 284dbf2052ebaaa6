"""Addresses of the webhooks' pages, for operations."""

from __future__ import annotations

from django.urls import path

from followups.views import webhooks

urlpatterns = [
    path("", webhooks.webhooks, name="webhooks"),
    path("add/", webhooks.add, name="add_webhook"),
    path("<int:pk>/", webhooks.webhook, name="webhook"),
    path("<int:pk>/change/", webhooks.change, name="change_webhook"),
    path("<int:pk>/rotate/", webhooks.rotate, name="rotate_webhook"),
    path("<int:pk>/off/", webhooks.off, name="webhook_off"),
    path("<int:pk>/on/", webhooks.on, name="webhook_on"),
    path("<int:pk>/test/", webhooks.test, name="test_webhook"),
    path("<int:pk>/replay/", webhooks.replay_dead, name="replay_webhooks"),
    path("<int:pk>/replay/<int:message>/", webhooks.replay, name="replay_webhook"),
]
