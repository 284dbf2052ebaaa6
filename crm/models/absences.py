"""When somebody is away, and who stands in for them."""

from __future__ import annotations

from django.db import models

from crm.models.people import User


class Absence(models.Model):
    """A person is away from `from_at` until just before `until_at`, or until it was ended.

    The deputy is told and may do what the person would; what the person owns stays theirs.
    Without a deputy it goes to whoever is next: the supervisor.
    """

    user = models.ForeignKey(User, models.PROTECT, related_name="absences")
    deputy = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="standing_in"
    )
    from_at = models.DateTimeField()
    until_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=40)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [models.Index(fields=["until_at"], name="absence_until")]
        constraints = [
            models.CheckConstraint(
                name="absence_ends_after_it_began",
                condition=models.Q(until_at__gt=models.F("from_at")),
            ),
            # So that nobody is made a deputy for what has been.
            models.CheckConstraint(
                name="absence_written_down_first",
                condition=models.Q(from_at__gte=models.F("created_at")),
            ),
            models.CheckConstraint(
                name="absence_deputy_is_another",
                condition=models.Q(deputy__isnull=True) | ~models.Q(deputy=models.F("user")),
            ),
            models.CheckConstraint(
                name="absence_ended_by_somebody",
                condition=models.Q(ended_at__isnull=True) ^ ~models.Q(ended_by=""),
            ),
        ]

    def __str__(self) -> str:
        return f"absence {self.pk} of user {self.user_id}"
