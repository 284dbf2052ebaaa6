"""Who was told, and who has something to do."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.columns import StretchField
from crm.models import Customer, User
from crm.triggers import append_only
from followups.models.promises import Promise
from offers.models import Delivery


class Escalation(models.Model):
    """A rung that was climbed. Once per promise, cycle, track and rung. Append-only."""

    promise = models.ForeignKey(Promise, models.PROTECT, related_name="escalations", db_index=False)
    cycle = models.PositiveSmallIntegerField()
    track = models.CharField(max_length=8, choices=Promise.Track)
    rung = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=20)
    due_at = models.DateTimeField()
    at = models.DateTimeField()
    by = models.CharField(max_length=40)
    stretch = StretchField()

    class Meta:
        indexes = [
            # The daily digest for management looks for them.
            models.Index(
                fields=["at"],
                name="escalation_to_management",
                condition=models.Q(role="management"),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["promise", "cycle", "track", "rung"], name="each_rung_once_per_cycle"
            ),
        ]
        triggers = append_only(name="escalation")

    def __str__(self) -> str:
        return f"{self.role} told of promise {self.promise_id}"


class Item(models.Model):
    """Something a named person has to do."""

    class Kind(models.TextChoices):
        ADDRESS_TO_FIX = "address_to_fix", _("address to fix")
        UNKNOWN_SEND = "unknown_send", _("may or may not have left")
        PLAN_EXHAUSTED = "plan_exhausted", _("no way left to deliver")
        ANSWER = "answer", _("the customer answered")
        ANSWER_TO_WRITE = "answer_to_write", _("an answer to write")
        ACCEPTED = "accepted", _("the customer accepts the offer")
        PAPER = "paper", _("not confirmed by the mail room")
        CONFLICT = "conflict", _("a call was promised, and they want none")

    kind = models.CharField(max_length=16, choices=Kind)
    owner = models.ForeignKey(User, models.PROTECT, related_name="items")
    customer = models.ForeignKey(Customer, models.PROTECT)
    promise = models.ForeignKey(Promise, models.PROTECT, null=True, related_name="items")
    delivery = models.ForeignKey(Delivery, models.PROTECT, null=True)
    opened_at = models.DateTimeField()
    opened_by = models.CharField(max_length=40)
    next_rung_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    escalated_by = models.CharField(max_length=40, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=40, blank=True)
    closed_cause = models.SlugField(max_length=40, blank=True, db_index=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["owner", "opened_at"],
                name="item_open_of_owner",
                condition=models.Q(closed_at__isnull=True),
            ),
            models.Index(
                fields=["next_rung_at"],
                name="item_next_rung",
                condition=models.Q(closed_at__isnull=True, next_rung_at__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "promise", "delivery"],
                name="item_open_once",
                condition=models.Q(closed_at__isnull=True),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="item_closed_by_somebody",
                condition=models.Q(closed_at__isnull=True) ^ ~models.Q(closed_by=""),
            ),
            models.CheckConstraint(
                name="item_escalated_by_somebody",
                condition=models.Q(escalated_at__isnull=True) ^ ~models.Q(escalated_by=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Notice(models.Model):
    """One message to one person: the outbox. A row with its own delivery state."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("waiting")
        CLAIMED = "claimed", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")

    user = models.ForeignKey(User, models.PROTECT, related_name="notices", db_index=False)
    kind = models.SlugField(max_length=40, db_index=False)
    promise = models.ForeignKey(Promise, models.PROTECT, null=True, db_index=False)
    item = models.ForeignKey(Item, models.PROTECT, null=True, db_index=False)
    escalation = models.ForeignKey(Escalation, models.PROTECT, null=True, db_index=False)
    data = models.JSONField(default=dict)
    at = models.DateTimeField()
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    lease_until_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["next_try_at"],
                name="notice_due",
                condition=models.Q(status__in=["queued", "claimed"]),
            ),
            # Those of its rungs are found through the rung.
            models.Index(
                fields=["promise"],
                name="notice_of_promise",
                condition=models.Q(promise__isnull=False, escalation__isnull=True),
            ),
            models.Index(
                fields=["item"], name="notice_of_item", condition=models.Q(item__isnull=False)
            ),
            models.Index(fields=["at"], name="notice_failed", condition=models.Q(status="failed")),
            models.Index(
                fields=["user", "-at"],
                name="notice_unread",
                condition=models.Q(read_at__isnull=True),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["user", "escalation"], name="told_once_per_rung"),
            models.CheckConstraint(
                name="notice_sent_has_instant",
                condition=~models.Q(status="sent") | models.Q(sent_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.user_id}"
