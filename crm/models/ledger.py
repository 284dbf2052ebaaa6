"""What the house writes down about itself: changes, answers, heartbeats, the audit."""

from __future__ import annotations

from django.db import models

from crm.columns import StretchField, XactField
from crm.models.customers import Customer
from crm.models.people import User
from crm.triggers import append_only


class GateChange(models.Model):
    """Something happened that can open or close the gate for this customer.

    Written beside the lock (crm/customers.py). The feed reads these in the order of
    (xact, id) and stops below the oldest running transaction.
    """

    customer = models.ForeignKey(Customer, models.PROTECT)
    cause = models.SlugField(max_length=40)
    at = models.DateTimeField()
    xact = XactField()
    stretch = StretchField()

    class Meta:
        indexes = [models.Index(fields=["xact", "id"], name="gate_change_cursor")]
        triggers = append_only(name="gate_change")

    def __str__(self) -> str:
        return f"{self.cause} for customer {self.customer_id}"


class IdempotentAnswer(models.Model):
    """What a POST with this key was answered; kept seven days (crm/idempotency.py)."""

    actor = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["actor", "key"], name="one_answer_per_key"),
            models.CheckConstraint(
                name="answer_with_its_status",
                condition=models.Q(status__isnull=True, answer__isnull=True)
                | models.Q(status__isnull=False, answer__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"answer to {self.actor}"


class AuditEntry(models.Model):
    """Who did what, when; ids and codes only."""

    at = models.DateTimeField()
    by = models.CharField(max_length=40)
    action = models.SlugField(max_length=60)
    subject = models.CharField(max_length=80)
    data = models.JSONField(default=dict)
    xact = XactField()
    stretch = StretchField()

    class Meta:
        indexes = [
            models.Index(fields=["subject", "at"], name="audit_of_subject"),
            models.Index(fields=["by", "-id"], name="audit_by_whom"),
            models.Index(fields=["action", "-id"], name="audit_of_action"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]
        triggers = append_only(name="audit_entry")

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"


class Heartbeat(models.Model):
    """When a sweep last ran, and when its worker last started."""

    name = models.SlugField(primary_key=True)
    beat_at = models.DateTimeField()
    grace_until_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class ClockOffset(models.Model):
    """How far the demo's clock is ahead of the database's. At most one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    shift = models.DurationField()

    class Meta:
        constraints = [models.CheckConstraint(name="one_clock", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return str(self.shift)


class ImportRun(models.Model):
    """One import: who, what, how far, how many rows were refused."""

    kind = models.SlugField(max_length=30)
    file_sha256 = models.CharField(max_length=64)
    started_at = models.DateTimeField()
    started_by = models.CharField(max_length=40)
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True)
    rows_read = models.PositiveIntegerField(default=0)
    rows_new = models.PositiveIntegerField(default=0)
    rows_changed = models.PositiveIntegerField(default=0)
    rows_same = models.PositiveIntegerField(default=0)
    rows_refused = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} import {self.pk}"
