"""What the gate answered, and who is allowed to call just now."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from crm.columns import StretchField
from crm.models import Campaign, Customer


class GateCheck(models.Model):
    """One answer of the gate: to whom, about whom, why, under which policy.

    The table is partitioned by month of `at` (followups/checks.py keeps the partitions), so
    that old months are dropped instead of deleted. The id is a UUID of version 7 and carries
    `at`, so that a look-up by id touches one partition. No number: a keyed hash of it.
    """

    id = models.UUIDField(primary_key=True)
    at = models.DateTimeField()
    by = models.CharField(max_length=40)
    agent_id = models.BigIntegerField(null=True)
    customer_ids = ArrayField(models.BigIntegerField())
    number_hash = models.BinaryField(max_length=16, null=True)
    purpose = models.CharField(max_length=10, choices=Campaign.Purpose)
    campaign_id = models.BigIntegerField(null=True)
    decision = models.CharField(max_length=5)
    code = models.CharField(max_length=20)
    codes = ArrayField(models.CharField(max_length=20))
    reserve = models.BooleanField()
    request_id = models.CharField(max_length=80, blank=True)
    policy = models.CharField(max_length=40)
    valid_until_at = models.DateTimeField()
    answer = models.JSONField()  # codes, instants, ids
    stretch = StretchField(by_month="at")

    class Meta:
        managed = False
        db_table = "followups_gatecheck"

    def __str__(self) -> str:
        return f"{self.decision} {self.code}"


class Lease(models.Model):
    """Somebody was just allowed to call this person, or is in the call."""

    customer = models.ForeignKey(Customer, models.PROTECT, null=True)
    number_hash = models.BinaryField(max_length=16, null=True)
    decision_id = models.UUIDField()
    holder = models.CharField(max_length=40)
    taken_at = models.DateTimeField()
    taken_by = models.CharField(max_length=40)
    until_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)
    released_by = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["customer", "until_at"],
                name="lease_of_customer",
                condition=models.Q(released_at__isnull=True),
            ),
            models.Index(
                fields=["number_hash", "until_at"],
                name="lease_of_number",
                condition=models.Q(released_at__isnull=True, number_hash__isnull=False),
            ),
            models.Index(fields=["decision_id"], name="lease_of_decision"),
            models.Index(
                fields=["holder", "until_at"],
                name="lease_of_holder",
                condition=models.Q(released_at__isnull=True),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="lease_of_somebody",
                condition=models.Q(customer__isnull=False) | models.Q(number_hash__isnull=False),
            ),
            models.CheckConstraint(
                name="lease_released_by_somebody",
                condition=models.Q(released_at__isnull=True) ^ ~models.Q(released_by=""),
            ),
        ]

    def __str__(self) -> str:
        return f"lease {self.pk}"
