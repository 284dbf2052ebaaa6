"""Policies that somebody of the house wrote: drafts, and the versions that were activated."""

from __future__ import annotations

from django.db import models


class PolicyVersion(models.Model):
    """A version of a policy. A draft can be changed; what was activated never is.

    The presets are files of the release (crm/data/policies.yaml). `rules` is the JSON of
    crm.rules.Rules; `compared` what the dry run found, as it was shown before activation.
    """

    name = models.SlugField(max_length=20)
    version = models.CharField(max_length=20)
    title = models.CharField(max_length=120)
    rules = models.JSONField()
    copied_from = models.CharField(max_length=41)  # the label of a version, like "be@2015-07-11"
    drafted_at = models.DateTimeField()
    drafted_by = models.CharField(max_length=40)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=40)
    compared = models.JSONField(null=True)
    compared_at = models.DateTimeField(null=True)
    compared_by = models.CharField(max_length=40, blank=True)
    effective_from = models.DateField(null=True)
    activated_at = models.DateTimeField(null=True)
    activated_by = models.CharField(max_length=40, blank=True)
    dropped_at = models.DateTimeField(null=True)
    dropped_by = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["name", "version"]
        indexes = [
            # The gate looks at the newest of these with every question (kept_gate_rule).
            models.Index(
                fields=["activated_at"],
                name="policy_activated",
                condition=models.Q(activated_at__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "version"],
                condition=models.Q(dropped_at__isnull=True),
                name="policy_version_once",
            ),
            models.CheckConstraint(
                name="policy_activated_by_somebody",
                condition=models.Q(
                    activated_at__isnull=True, activated_by="", effective_from__isnull=True
                )
                | models.Q(activated_at__isnull=False, effective_from__isnull=False)
                & ~models.Q(activated_by=""),
            ),
            models.CheckConstraint(
                name="policy_dropped_by_somebody",
                condition=models.Q(dropped_at__isnull=True) ^ ~models.Q(dropped_by=""),
            ),
            models.CheckConstraint(
                name="policy_activated_is_not_dropped",
                condition=models.Q(activated_at__isnull=True) | models.Q(dropped_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"
