"""Registers the cellar with Django, for its commands and its task."""

from django.apps import AppConfig


class CellarConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401 (registers the system checks)
