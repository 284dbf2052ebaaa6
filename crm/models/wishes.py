"""Suppressions: stored wishes and duties not to call."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.calls import Campaign
from crm.models.customers import Customer


class Suppression(models.Model):
    """Do not call: whose wish, from when, until when, and who lifted it."""

    class Kind(models.TextChoices):
        DNC_COMPANY = "dnc_company", _("never call me")
        COMPLAINT = "complaint", _("open complaint")
        BEREAVEMENT = "bereavement", _("bereavement")

    class Origin(models.TextChoices):
        CALL = "call", _("said on a call")
        PAGE = "page", _("said on the customer's page")
        MAIL = "mail", _("reported by mail")
        IMPORT = "import", _("import")

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="suppressions")
    kind = models.CharField(max_length=20, choices=Kind)
    campaign = models.ForeignKey(Campaign, models.PROTECT, null=True, blank=True)
    origin = models.CharField(max_length=10, choices=Origin)
    proof = models.CharField(max_length=80, blank=True)  # an id: attempt, evidence, import run
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=40)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["customer"],
                name="suppression_standing",
                condition=models.Q(lifted_at__isnull=True),
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="suppression_lifted_by_somebody",
                condition=models.Q(lifted_at__isnull=True) ^ ~models.Q(lifted_by=""),
            ),
            models.CheckConstraint(
                name="complaint_expires",
                condition=models.Q(kind="dnc_company") | models.Q(until_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of customer {self.customer_id}"


class SuppressionText(models.Model):
    """What the customer said; blanked on erasure, the wish itself stays."""

    suppression = models.OneToOneField(
        Suppression, models.CASCADE, primary_key=True, related_name="text"
    )
    words = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"text of suppression {self.pk}"
