"""Canaries: mails that must come back, so that somebody knows that returned mail does."""

from __future__ import annotations

from django.db import models


class Canary(models.Model):
    """One flight. Out while `back_at` is empty; lost is derived from the time that has passed.

    `refused`: our own relay would not carry it, so nothing can come back.
    """

    sent_at = models.DateTimeField()
    refused = models.BooleanField(default=False)
    back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["-sent_at"], name="canary_newest")]
        constraints = [
            models.CheckConstraint(
                name="canary_refused_never_returns",
                condition=models.Q(refused=False) | models.Q(back_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"canary {self.pk}"
