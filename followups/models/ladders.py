"""Ladders that the house wrote, version by version, and which team climbs which."""

from __future__ import annotations

from django.db import models

from crm.columns import StretchField
from crm.models import Team
from crm.triggers import append_only


class LadderVersion(models.Model):
    """A version of a ladder. From the moment it is made its rungs never change.

    `ladder` is followups.ladder.Ladder.to_dict(). It is climbed by promises that are made from
    `effective_from` on, once somebody has activated it; each promise keeps its own copy.
    """

    name = models.SlugField(max_length=20)
    version = models.PositiveIntegerField()
    ladder = models.JSONField()
    copied_from = models.CharField(max_length=32, blank=True)  # a label, like "default@1"
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=40)
    effective_from = models.DateField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    activated_at = models.DateTimeField(null=True)
    activated_by = models.CharField(max_length=40, blank=True)
    dropped_at = models.DateTimeField(null=True)
    dropped_by = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="ladder_version_once"),
            models.CheckConstraint(
                name="ladder_activated_by_somebody",
                condition=models.Q(
                    activated_at__isnull=True, activated_by="", effective_from__isnull=True
                )
                | models.Q(activated_at__isnull=False, effective_from__isnull=False)
                & ~models.Q(activated_by=""),
            ),
            models.CheckConstraint(
                name="ladder_dropped_by_somebody",
                condition=models.Q(dropped_at__isnull=True) ^ ~models.Q(dropped_by=""),
            ),
            models.CheckConstraint(
                name="ladder_activated_is_not_dropped",
                condition=models.Q(activated_at__isnull=True) | models.Q(dropped_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class LadderChoice(models.Model):
    """From `at` on the promises of this team climb the ladder of that name. Append-only."""

    team = models.ForeignKey(Team, models.PROTECT, related_name="ladder_choices")
    name = models.SlugField(max_length=20)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()
    by = models.CharField(max_length=40)
    stretch = StretchField()

    class Meta:
        indexes = [models.Index(fields=["team", "-at"], name="ladder_choice_of_team")]
        triggers = append_only(name="ladder_choice")

    def __str__(self) -> str:
        return f"{self.name} for team {self.team_id}"
