"""Registers the offers storey with Django."""

from django.apps import AppConfig


class OffersConfig(AppConfig):
    name = "offers"
