"""That somebody's open things were handed over, all at once, and why."""

from __future__ import annotations

from django.db import models

from crm.models import User


class HandOver(models.Model):
    """One hand-over in bulk. What became of each promise stands among its events."""

    # Words are blanked when somebody named in them is forgotten; the code stays.
    owner = models.ForeignKey(User, models.PROTECT, related_name="handed_over")
    to = models.ForeignKey(User, models.PROTECT, related_name="taken_over")
    reason = models.CharField(max_length=12)
    words = models.TextField(blank=True)
    promises = models.PositiveIntegerField()
    items = models.PositiveIntegerField()
    at = models.DateTimeField()
    by = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="handover_to_another", condition=~models.Q(to=models.F("owner"))
            ),
        ]

    def __str__(self) -> str:
        return f"from user {self.owner_id} to user {self.to_id}"
