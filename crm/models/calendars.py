"""Calendars by name: the working time of teams, in versions by date that never change."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower

from crm.columns import StretchField
from crm.triggers import append_only


class WorkCalendar(models.Model):
    """A calendar that teams work by. What it says stands in its versions."""

    name = models.CharField(max_length=80)
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=40)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="calendar_name_once")]

    def __str__(self) -> str:
        return self.name


class CalendarVersion(models.Model):
    """What a calendar says from a day on. Append-only.

    On any day the version with the latest `valid_from` that has come is in force; of several that
    begin on the same day, the newest. The first has none: it holds for every day before.
    """

    calendar = models.ForeignKey(WorkCalendar, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    valid_from = models.DateField(null=True, blank=True)
    hours = models.JSONField()  # crm.workdays.Calendar.to_dict()
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=40)
    stretch = StretchField()

    class Meta:
        ordering = ["calendar", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["calendar", "number"], name="calendar_version_once"),
            models.CheckConstraint(
                name="calendar_first_version_holds_before",
                condition=models.Q(number=1, valid_from__isnull=True)
                | models.Q(number__gt=1, valid_from__isnull=False),
            ),
        ]
        triggers = append_only(name="calendar_version")

    def __str__(self) -> str:
        return f"{self.calendar_id} v{self.number}"
