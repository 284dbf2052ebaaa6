"""Registers the crm storey with Django."""

from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"
