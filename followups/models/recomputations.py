"""That open promises were worked out anew by a changed calendar, why, and how far it has come."""

from __future__ import annotations

from django.db import models

from crm.models import CalendarVersion


class Recomputation(models.Model):
    """One run over the open promises of a calendar's teams. What became of each stands among its
    events; `reached` is the last promise that was looked at, from which a run goes on."""

    version = models.ForeignKey(CalendarVersion, models.PROTECT, related_name="recomputations")
    words = models.TextField()
    reached = models.BigIntegerField(default=0)
    moved = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()
    by = models.CharField(max_length=40)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version"],
                condition=models.Q(ended_at__isnull=True),
                name="recomputation_one_at_a_time",
            ),
            models.CheckConstraint(
                name="recomputation_ended_by_somebody",
                condition=models.Q(ended_at__isnull=True) ^ ~models.Q(ended_by=""),
            ),
        ]

    def __str__(self) -> str:
        return f"recomputation {self.pk}"
