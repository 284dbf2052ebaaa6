"""What a campaign wants to know, and what customers replied: so that nobody is asked twice."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from crm.columns import StretchField
from crm.models.calls import Attempt, Campaign
from crm.models.customers import Customer
from crm.triggers import append_only


class Question(models.Model):
    """A question that agents of a campaign ask. Another wording is another question."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="questions")
    words = models.CharField(max_length=200)
    choices = ArrayField(models.CharField(max_length=60), default=list)  # empty: in own words
    good_days = models.PositiveSmallIntegerField()  # for so long a reply is not asked for again
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=40)
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_by = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="question_retired_by_somebody",
                condition=models.Q(retired_at__isnull=True) ^ ~models.Q(retired_by=""),
            ),
            models.UniqueConstraint(
                fields=["campaign", "words"],
                condition=models.Q(retired_at__isnull=True),
                name="question_asked_once_per_campaign",
            ),
        ]

    def __str__(self) -> str:
        return self.words


class Reply(models.Model):
    """What a customer replied to a question, in one call. Append-only: a new reply is a new row."""

    question = models.ForeignKey(Question, models.PROTECT, related_name="replies")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="replies")
    attempt = models.ForeignKey(Attempt, models.PROTECT, related_name="replies", db_index=False)
    replied_at = models.DateTimeField()
    replied_by = models.CharField(max_length=40)  # who heard it
    stretch = StretchField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attempt", "question"], name="one_reply_per_call"),
        ]
        triggers = append_only(name="reply")

    def __str__(self) -> str:
        return f"reply {self.pk}"


class ReplyText(models.Model):
    """What was said; blanked on erasure."""

    reply = models.OneToOneField(Reply, models.CASCADE, primary_key=True, related_name="text")
    words = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"text of reply {self.pk}"
