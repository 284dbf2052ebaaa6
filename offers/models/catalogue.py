"""The catalogue: plans that an agent can offer in three clicks."""

from __future__ import annotations

from django.db import models


class Plan(models.Model):
    """A plan on sale. Offers copy its lines, so that a change here changes no offer."""

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField(default=0)
    commitment_months = models.PositiveSmallIntegerField(default=0)
    termination_fee = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    valid_days = models.PositiveSmallIntegerField(default=30)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "code"]

    def __str__(self) -> str:
        return self.name


class PlanLine(models.Model):
    """A price line of a plan. Amounts in euro, tax included; a promotion counts in months."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=160)
    monthly = models.DecimalField(max_digits=10, decimal_places=2)
    promo_monthly = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    promo_months = models.PositiveSmallIntegerField(null=True, blank=True)
    one_off = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    speed_down_mbps = models.PositiveIntegerField(null=True, blank=True)
    speed_up_mbps = models.PositiveIntegerField(null=True, blank=True)
    volume = models.CharField(max_length=80, blank=True)
    # language -> label and volume as customers of that language read them
    texts = models.JSONField(default=dict)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "position"], name="plan_line_place"),
            models.CheckConstraint(
                name="plan_promo_has_length",
                condition=models.Q(promo_monthly__isnull=True)
                ^ models.Q(promo_months__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.label
