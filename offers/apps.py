"""Registers the offers storey with Django."""

from django.apps import AppConfig


class OffersConfig(AppConfig):
    name = "offers"

    def ready(self) -> None:
        from crm import forgetting
        from crm import own_data as crm_own_data
        from offers import ageing, erasing, own_data

        forgetting.register(forgetting.OFFERS, erasing.erase)
        crm_own_data.register(forgetting.OFFERS, own_data.tell)
        ageing.register()
