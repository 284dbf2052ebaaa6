"""The cellar: settings, clock, timetable, wiring. It knows no subject."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
