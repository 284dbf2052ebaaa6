"""Where call events come from: one row for each dialer that reports its calls."""

from __future__ import annotations

from django.db import models

from crm.models.calls import Campaign
from crm.models.people import Team


class CallSource(models.Model):
    """A dialer: how its payload is read, and how we know that it is the one who speaks.

    Of a secret that is presented, the SHA-256 is kept. A secret that signs has to be kept
    itself: no signature can be checked with a hash. Whoever reads `shared_secret` can forge the
    calls of this one dialer, and nothing else.
    """

    class Scheme(models.TextChoices):
        BEARER = "bearer"
        BASIC = "basic"
        TOKEN = "token"  # noqa: S105 (a scheme)
        HMAC = "hmac-sha256"
        TWILIO = "twilio"

    SIGNS = (Scheme.HMAC, Scheme.TWILIO)

    name = models.SlugField(max_length=32, unique=True)
    scheme = models.CharField(max_length=12, choices=Scheme)
    door = models.JSONField(default=dict)  # where the scheme's parts stand: crm/call_schemes.py
    fields = models.JSONField()  # the field map: crm/call_maps.py
    zone = models.CharField(max_length=40)
    region = models.CharField(max_length=2)  # of numbers without a country code
    campaign = models.ForeignKey(Campaign, models.PROTECT, null=True, blank=True)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True)
    secret_sha256 = models.BinaryField(max_length=32, null=True)
    shared_secret = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=40)
    rotated_at = models.DateTimeField(null=True, blank=True)
    rotated_by = models.CharField(max_length=40, blank=True)
    off_at = models.DateTimeField(null=True, blank=True)
    off_by = models.CharField(max_length=40, blank=True)
    last_heard_at = models.DateTimeField(null=True, blank=True)
    silence_told_at = models.DateTimeField(null=True, blank=True)  # of the newest silence

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="call_source_keeps_a_secret_only_to_check_signatures",
                condition=models.Q(scheme__in=["hmac-sha256", "twilio"], secret_sha256__isnull=True)
                & ~models.Q(shared_secret="")
                | models.Q(
                    scheme__in=["bearer", "basic", "token"],
                    secret_sha256__isnull=False,
                    shared_secret="",
                ),
            ),
            models.CheckConstraint(
                name="call_source_off_by_somebody",
                condition=models.Q(off_at__isnull=True) ^ ~models.Q(off_by=""),
            ),
            models.CheckConstraint(
                name="call_source_rotated_by_somebody",
                condition=models.Q(rotated_at__isnull=True) ^ ~models.Q(rotated_by=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name
