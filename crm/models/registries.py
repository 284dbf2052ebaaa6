"""National do-not-call lists: which numbers stand on our copy, and of which day it is."""

from __future__ import annotations

from django.db import models


class NationalList(models.Model):
    """Our newest copy of a list, by the name that policies call it (crm/data/policies.yaml)."""

    name = models.SlugField(max_length=30, primary_key=True)
    as_of_date = models.DateField()  # the day of which the list is, as its publisher says
    numbers = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    imported_at = models.DateTimeField()
    imported_by = models.CharField(max_length=40)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} of {self.as_of_date}"


class ListedNumber(models.Model):
    """A number on a list, E.164, and since when, if the list says so."""

    list = models.ForeignKey(NationalList, models.CASCADE, related_name="entries")
    e164 = models.CharField(max_length=16, db_index=True)
    since_date = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["list", "e164"], name="number_once_per_list"),
        ]

    def __str__(self) -> str:
        return f"listed number {self.pk}"
