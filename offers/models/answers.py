"""What customers answered on their page: each answer a row, the newest counts."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.columns import StretchField
from crm.models import Customer
from crm.triggers import append_only
from offers.models.deliveries import Delivery
from offers.models.offers import OfferVersion


class Answer(models.Model):
    """One button of the customer's page, pressed. Append-only; its words can be blanked."""

    class Kind(models.TextChoices):
        ACCEPTED = "accepted", _("accepts the offer")
        DECLINED = "declined", _("does not want the offer")
        ASKED = "asked", _("asked a question")
        NEVER_RECEIVED = "never_received", _("says it never came")
        PAUSED = "paused", _("wants no call until an answer")
        NEVER_CALL = "never_call", _("wants no more calls about offers")
        CALL_ME = "call_me", _("asked for a call")

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="answers")
    delivery = models.ForeignKey(Delivery, models.PROTECT, null=True, related_name="answers")
    version = models.ForeignKey(OfferVersion, models.PROTECT, null=True, related_name="answers")
    kind = models.CharField(max_length=16, choices=Kind)
    at = models.DateTimeField()
    by = models.CharField(max_length=40)
    stretch = StretchField()

    class Meta:
        indexes = [models.Index(fields=["customer", "-id"], name="answers_of_customer")]
        triggers = append_only(name="answer")

    def __str__(self) -> str:
        return f"{self.kind} by customer {self.customer_id}"


class AnswerText(models.Model):
    """The customer's own words; blanked on erasure."""

    answer = models.OneToOneField(Answer, models.CASCADE, primary_key=True, related_name="text")
    words = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"text of answer {self.pk}"
