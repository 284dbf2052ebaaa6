"""What stays of somebody who was forgotten: that it was done, and keyed hashes."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.customers import Customer


class Erasure(models.Model):
    """A person was forgotten: on what ground, under which case, by whom. One row a customer.

    What arrives late about them (a bounce, the end of a mail that was leaving) is forgotten again
    until `until_at`.
    """

    class Ground(models.TextChoices):
        ASKED = "asked", _("the person asked for it")
        CONSENT = "consent", _("consent was withdrawn, and nothing else stands for it")
        ORDER = "order", _("an authority or a court ordered it")
        MISTAKE = "mistake", _("they should never have been on file")
        AGAIN = "again", _("forgotten before, and brought back by a backup")

    customer = models.OneToOneField(Customer, models.PROTECT, related_name="erasure")
    ground = models.CharField(max_length=8, choices=Ground)
    case = models.CharField(max_length=40)  # a number in the house's own register, never a name
    at = models.DateTimeField()
    by = models.CharField(max_length=40)
    # When it is looked for late arrivals next; never again once `until_at` has passed.
    again_at = models.DateTimeField(null=True)
    until_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["again_at"], name="erasure_again")]

    def __str__(self) -> str:
        return f"erasure of customer {self.customer_id}"


class ForgottenMark(models.Model):
    """A keyed hash of a number, of an id of another system, or of a call: it can be recognised
    when it comes again, and not be read. Numbers are not called to sell while their mark stands.
    """

    class Kind(models.TextChoices):
        NUMBER = "number"
        EXTERNAL_ID = "external_id"

    kind = models.CharField(max_length=12, choices=Kind)
    mark = models.BinaryField(max_length=16)  # crm/forgotten.py
    at = models.DateTimeField()
    by = models.CharField(max_length=40)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mark", "kind"], name="forgotten_mark_once"),
            models.CheckConstraint(
                name="forgotten_mark_lifted_by_somebody",
                condition=models.Q(lifted_at__isnull=True) ^ ~models.Q(lifted_by=""),
            ),
        ]

    def __str__(self) -> str:
        return f"mark {self.pk} of a {self.kind}"
