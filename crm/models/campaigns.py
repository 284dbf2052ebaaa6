"""The list of a campaign: whom it shall reach, and how far it has come with each."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models.calls import Attempt, Campaign
from crm.models.customers import Customer
from crm.models.people import Team


class CampaignEntry(models.Model):
    """One customer on the list of one campaign. Written only by crm/campaign_entries.py.

    `tries`, `fresh`, `last_attempt` and `next_try_at` repeat what the campaign's attempts say, so
    that the next ones are found by an index. `team` repeats the customer's: a trigger keeps it.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("open")
        DONE = "done", _("done")

    class Priority(models.IntegerChoices):
        FIRST = 1, _("first")
        USUAL = 2, _("usual")
        LAST = 3, _("last")

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="entries")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="entries")
    team = models.ForeignKey(Team, models.PROTECT)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.USUAL)
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=40)
    status = models.CharField(max_length=4, choices=Status, default=Status.OPEN)
    tries = models.PositiveSmallIntegerField(default=0)
    # Never tried nor put off: comes after those whose time to be tried again has come.
    fresh = models.BooleanField(default=True)
    last_attempt = models.ForeignKey(Attempt, models.PROTECT, null=True, blank=True)
    next_try_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=40, blank=True)
    closed_cause = models.SlugField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["campaign", "team", "priority", "fresh", "next_try_at", "id"],
                name="entry_next_of_campaign",
                condition=models.Q(status="open"),
            ),
            models.Index(fields=["campaign", "status"], name="entry_count_of_campaign"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "campaign"], name="entry_once_per_campaign"
            ),
            models.CheckConstraint(
                name="entry_priority", condition=models.Q(priority__range=(1, 3))
            ),
            models.CheckConstraint(
                name="entry_closed_iff_done",
                condition=models.Q(
                    status="open", closed_at__isnull=True, closed_by="", closed_cause=""
                )
                | (
                    models.Q(status="done", closed_at__isnull=False)
                    & ~models.Q(closed_by="")
                    & ~models.Q(closed_cause="")
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"entry {self.pk} of campaign {self.campaign_id}"
