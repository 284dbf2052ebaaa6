"""Consents: what makes a sales call lawful where the policy asks for it, with its proof."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customers import Customer


class Consent(models.Model):
    """A person agreed to be called to be sold something, or is in a relation that stands for it.

    Withdrawing is a new fact on the row, never a deletion: who is asked for proof has to show
    that it stood at the time of the call. What ran out is closed by its sweep.
    """

    class Basis(models.TextChoices):
        CONSENT = "consent", _("the person's consent")
        RELATION = "relation", _("a contract or customer relation that stands for it")

    class Origin(models.TextChoices):
        CALL = "call", _("said on a call")
        FORM = "form", _("signed on paper")
        WEB = "web", _("ticked on a web page")
        PAGE = "page", _("said on the customer's page")
        IMPORT = "import", _("import")

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="consents")
    basis = models.CharField(max_length=10, choices=Basis, default=Basis.CONSENT)
    origin = models.CharField(max_length=10, choices=Origin)
    # Where the proof lies: a recording, a form, a log entry. An id or an address, not the thing.
    proof = models.CharField(max_length=200)
    given_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=40)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["customer"],
                name="consent_standing",
                condition=models.Q(withdrawn_at__isnull=True),
            ),
            models.Index(
                fields=["until_at"],
                name="consent_running_out",
                condition=models.Q(withdrawn_at__isnull=True, until_at__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="consent_withdrawn_by_somebody",
                condition=models.Q(withdrawn_at__isnull=True) ^ ~models.Q(withdrawn_by=""),
            ),
            models.CheckConstraint(name="consent_has_proof", condition=~models.Q(proof="")),
            models.CheckConstraint(
                name="consent_ends_after_it_began",
                condition=models.Q(until_at__isnull=True)
                | models.Q(until_at__gt=models.F("given_at")),
            ),
            models.UniqueConstraint(
                fields=["customer", "basis", "proof"],
                condition=models.Q(withdrawn_at__isnull=True),
                name="consent_once_per_proof",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.basis} of customer {self.customer_id}"


class ConsentText(models.Model):
    """What was asked and answered, word for word; blanked on erasure, the fact stays."""

    consent = models.OneToOneField(Consent, models.CASCADE, primary_key=True, related_name="text")
    words = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"text of consent {self.pk}"
