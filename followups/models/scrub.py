"""Whole lists that were asked about at once."""

from __future__ import annotations

from django.db import models

from crm.columns import StretchField
from crm.models import Campaign
from crm.triggers import append_only


class ScrubRun(models.Model):
    """One list of numbers, judged at one moment: how many, and how many were answered what.

    Written when the whole list has its answers; a run that was cut off has no row, and its
    `scrub_id` means nothing. No number, not even hashed: the list is the caller's.
    """

    class Kind(models.TextChoices):
        LIST = "list", "list"
        BATCH = "batch", "batch"

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=5, choices=Kind)
    at = models.DateTimeField(db_index=True)
    by = models.CharField(max_length=40)
    purpose = models.CharField(max_length=10, choices=Campaign.Purpose)
    campaign = models.ForeignKey(Campaign, models.PROTECT, null=True)
    policy = models.CharField(max_length=40)
    rows_read = models.PositiveBigIntegerField()
    rows_denied = models.PositiveBigIntegerField()
    codes = models.JSONField()  # code -> how many rows
    valid_until_at = models.DateTimeField()
    stretch = StretchField()

    class Meta:
        triggers = append_only(name="scrub_run")

    def __str__(self) -> str:
        return f"{self.kind} of {self.rows_read} rows"
