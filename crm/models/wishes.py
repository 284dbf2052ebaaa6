"""Suppressions: stored wishes and duties not to call."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.columns import StretchField
from crm.models.calls import Campaign
from crm.models.customers import Customer
from crm.triggers import append_only


class Suppression(models.Model):
    """Do not call: whose wish, from when, until when, and who lifted it."""

    class Kind(models.TextChoices):
        DNC_COMPANY = "dnc_company", _("never call me")
        DNC_CAMPAIGN = "dnc_campaign", _("not for this campaign")
        DECEASED = "deceased", _("has died")
        COMPLAINT = "complaint", _("open complaint")
        BEREAVEMENT = "bereavement", _("bereavement")
        SEPARATED = "separated", _("promised while it was thought to be somebody else")
        CUSTOMER_PAUSE = "customer_pause", _("no call until I answer")
        REFUSAL_COOLOFF = "refusal_cooloff", _("said no a short while ago")

    class Origin(models.TextChoices):
        CALL = "call", _("said on a call")
        PAGE = "page", _("said on the customer's page")
        MAIL = "mail", _("reported by mail")
        LETTER = "letter", _("written to us")
        IMPORT = "import", _("import")
        MERGE = "merge", _("a merge that was undone")

    class Ground(models.TextChoices):
        ASKED = "asked", _("the customer asked for it")
        SETTLED = "settled", _("the matter is settled")
        MISTAKE = "mistake", _("it was written down by mistake")

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
    lift_ground = models.CharField(max_length=10, choices=Ground, blank=True)
    lift_proof = models.CharField(max_length=80, blank=True)  # as `proof`

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
                name="suppression_lifted_for_a_ground",
                condition=models.Q(lifted_at__isnull=True) ^ ~models.Q(lift_ground=""),
            ),
            models.CheckConstraint(
                name="complaint_expires",
                condition=models.Q(kind__in=["dnc_company", "dnc_campaign", "deceased"])
                | models.Q(until_at__isnull=False),
            ),
            models.CheckConstraint(
                name="suppression_of_its_campaign",
                condition=models.Q(kind="dnc_campaign", campaign__isnull=False)
                | ~models.Q(kind="dnc_campaign") & models.Q(campaign__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of customer {self.customer_id}"


class Preference(models.Model):
    """What a customer wants to be written about, one line a change; the newest line counts.

    It never stops what was promised: it stops what nobody asked for.
    """

    class Topic(models.TextChoices):
        OFFERS_BY_MAIL = "offers_by_mail", _("offers by e-mail that I did not ask for")
        OFFERS_BY_POST = "offers_by_post", _("offers by post that I did not ask for")

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="preferences")
    topic = models.CharField(max_length=20, choices=Topic)
    wanted = models.BooleanField()
    origin = models.CharField(max_length=10, choices=Suppression.Origin)
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=40)
    stretch = StretchField()

    class Meta:
        indexes = [models.Index(fields=["customer", "topic", "-id"], name="preference_newest")]
        triggers = append_only(name="preference")

    def __str__(self) -> str:
        return f"{self.topic} of customer {self.customer_id}"


class SuppressionText(models.Model):
    """What the customer said, and why it ended; blanked on erasure, the wish itself stays."""

    suppression = models.OneToOneField(
        Suppression, models.CASCADE, primary_key=True, related_name="text"
    )
    words = models.TextField(blank=True)
    lift_words = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"text of suppression {self.pk}"
