"""Overrides: a supervisor lets one agent call one person once, in spite of the gate."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from crm.models import Customer, User


class Override(models.Model):
    """One call, one customer, one agent, half an hour; used once, by the gate itself.

    An agent asks, or a supervisor grants unasked; nobody grants what they asked for.

    `blocks` are those that stood when it was granted, as `code:promise` (the promise empty for
    codes that name none): what came afterwards denies again. Over the week's quota it holds only
    when operations signed too.
    """

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="overrides")
    agent = models.ForeignKey(User, models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=10)
    blocks = ArrayField(models.CharField(max_length=40))
    asked_at = models.DateTimeField(null=True)
    asked_by = models.CharField(max_length=40, blank=True)
    refused_at = models.DateTimeField(null=True)
    refused_by = models.CharField(max_length=40, blank=True)
    granted_at = models.DateTimeField(null=True)
    granted_by = models.CharField(max_length=40, blank=True)
    until_at = models.DateTimeField(null=True)
    needs_second = models.BooleanField(default=False)
    seconded_at = models.DateTimeField(null=True)
    seconded_by = models.CharField(max_length=40, blank=True)
    used_at = models.DateTimeField(null=True)
    used_by = models.CharField(max_length=40, blank=True)
    decision_id = models.UUIDField(null=True, unique=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["agent", "customer"],
                name="override_unused",
                condition=models.Q(used_at__isnull=True),
            ),
            models.Index(fields=["granted_by", "granted_at"], name="override_quota"),
        ]
        constraints = [
            models.CheckConstraint(
                name="override_granted_by_another",
                condition=models.Q(granted_at__isnull=True, granted_by="", until_at__isnull=True)
                | models.Q(granted_at__isnull=False, until_at__isnull=False, refused_at=None)
                & ~models.Q(granted_by="")
                & ~models.Q(granted_by=models.F("asked_by")),
            ),
            models.CheckConstraint(
                name="override_used_with_its_decision",
                condition=models.Q(used_at__isnull=True, used_by="", decision_id__isnull=True)
                | models.Q(
                    used_at__isnull=False, decision_id__isnull=False, granted_at__isnull=False
                )
                & ~models.Q(used_by=""),
            ),
            models.CheckConstraint(
                name="override_seconded_by_another",
                condition=models.Q(seconded_at__isnull=True, seconded_by="")
                | models.Q(seconded_at__isnull=False)
                & ~models.Q(seconded_by="")
                & ~models.Q(seconded_by=models.F("granted_by")),
            ),
            models.CheckConstraint(name="override_of_something", condition=~models.Q(blocks=[])),
            models.UniqueConstraint(
                name="override_asked_once",
                fields=["agent", "customer"],
                condition=models.Q(granted_at__isnull=True, refused_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"override {self.pk}"


class OverrideText(models.Model):
    """Why: in the agent's words when they asked, and in the supervisor's; blanked on erasure."""

    override = models.OneToOneField(Override, models.CASCADE, primary_key=True, related_name="text")
    asked_for = models.TextField(blank=True)
    reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"reason of override {self.pk}"
