"""Codes for paper: what a customer types instead of pressing a link."""

from __future__ import annotations

from django.db import models

from offers.models.deliveries import Delivery


class PaperCode(models.Model):
    """The digest by which a typed code finds its delivery, and how often it was tried in vain.

    The code itself is never kept: it is derived from the delivery again when it is printed.
    """

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="codes")
    generation = models.PositiveSmallIntegerField()  # of the link; a newer one makes this void
    digest = models.BinaryField(max_length=32)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=40)
    tries = models.PositiveSmallIntegerField(default=0)  # with a postcode that is not theirs

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "generation"], name="code_per_generation"),
            models.UniqueConstraint(fields=["digest"], name="code_once"),
        ]

    def __str__(self) -> str:
        return f"code of delivery {self.delivery_id}"
