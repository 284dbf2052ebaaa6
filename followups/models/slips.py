"""Slips: the customer is told, once, that a promise is late."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from followups.models.promises import Promise


class Slip(models.Model):
    """One message about one late promise: an outbox of its own, because it is no evidence.

    Whom it goes to and what it says is read when it leaves; nothing personal is kept here.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("waiting")
        CLAIMED = "claimed", _("being prepared")
        SENDING = "sending", _("leaving")
        SENT = "sent", _("sent")
        UNKNOWN = "unknown", _("may or may not have left")
        FAILED = "failed", _("failed")
        DROPPED = "dropped", _("not needed, or not possible")

    promise = models.ForeignKey(Promise, models.PROTECT, related_name="slips")
    cycle = models.PositiveSmallIntegerField()
    found_at = models.DateTimeField()
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    token = models.PositiveIntegerField(default=0)  # of the last who held it
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)  # while it is held: the end of the lease
    told_date = models.DateField(null=True)  # the day by which the customer was told it comes
    sent_at = models.DateTimeField(null=True)
    cause = models.SlugField(max_length=40, blank=True)  # why it was dropped or failed

    class Meta:
        indexes = [
            models.Index(
                fields=["next_try_at"],
                name="slip_due",
                condition=models.Q(next_try_at__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["promise", "cycle"], name="slip_told_once_per_cycle"),
            models.CheckConstraint(
                name="slip_sent_says_when_and_what",
                condition=~models.Q(status="sent")
                | models.Q(sent_at__isnull=False, told_date__isnull=False),
            ),
            models.CheckConstraint(
                name="slip_is_due_while_it_waits",
                condition=models.Q(
                    status__in=["queued", "claimed", "sending"], next_try_at__isnull=False
                )
                | (
                    ~models.Q(status__in=["queued", "claimed", "sending"])
                    & models.Q(next_try_at__isnull=True)
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"slip of promise {self.promise_id}"
