"""Who may report from outside what became of a delivery, in our own words and signed."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

SCHEME = "hmac-sha256"
# Where a report carries its signature and the instant that is signed with it.
DOOR = {
    "header": "X-Signature",
    "timestamp_header": "X-Timestamp",
    "encoding": "hex",
    "prefix": "",
}


class EvidenceSource(models.Model):
    """A print or mail provider that signs its reports (POST /evidence).

    A secret that signs has to be kept itself. Whoever reads it can forge the reports of this one
    provider about what it carries, and needs a key besides.
    """

    class Carries(models.TextChoices):
        PAPER = "paper", _("letters and inserts")
        MAIL = "mail", _("mails")

    name = models.SlugField(max_length=30, unique=True)
    carries = models.CharField(max_length=5, choices=Carries)
    shared_secret = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=40)
    rotated_at = models.DateTimeField(null=True, blank=True)
    rotated_by = models.CharField(max_length=40, blank=True)
    off_at = models.DateTimeField(null=True, blank=True)
    off_by = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="evidence_source_has_a_secret", condition=~models.Q(shared_secret="")
            ),
            models.CheckConstraint(
                name="evidence_source_off_by_somebody",
                condition=models.Q(off_at__isnull=True) ^ ~models.Q(off_by=""),
            ),
            models.CheckConstraint(
                name="evidence_source_rotated_by_somebody",
                condition=models.Q(rotated_at__isnull=True) ^ ~models.Q(rotated_by=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scheme(self) -> str:
        """In the words of crm/call_schemes.py, which checks it."""
        return SCHEME

    @property
    def door(self) -> dict[str, str]:
        return DOOR

    @property
    def secret_sha256(self) -> None:
        """Nothing is presented here that a hash could be compared with."""
        return None
