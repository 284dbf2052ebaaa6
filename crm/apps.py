"""Registers the crm storey with Django."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"

    def ready(self) -> None:
        from crm import ageing, erasing, forgetting, log_ins, own_data

        log_ins.listen()
        forgetting.register(forgetting.CRM, erasing.erase)
        own_data.register(forgetting.CRM, own_data.tell)
        ageing.register()
