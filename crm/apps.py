"""Registers the crm storey with Django."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"

    def ready(self) -> None:
        from crm import log_ins

        log_ins.listen()
