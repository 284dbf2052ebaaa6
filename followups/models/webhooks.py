"""Webhooks out: who wants to be told what, and every message to them with its own state."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class WebhookEndpoint(models.Model):
    """An address of another system that is told of events.

    The secret signs, so it has to be kept itself: nothing can be signed with a hash. Whoever reads
    it can forge messages to this one receiver, and nothing else. After a rotation the old one signs
    beside the new one until `old_secret_until_at`.
    """

    name = models.SlugField(max_length=32, unique=True)
    url = models.CharField(max_length=500)
    types = ArrayField(models.CharField(max_length=40))
    secret = models.CharField(max_length=100)
    old_secret = models.CharField(max_length=100, blank=True)
    old_secret_until_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=40)
    changed_at = models.DateTimeField(null=True, blank=True)
    changed_by = models.CharField(max_length=40, blank=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    rotated_by = models.CharField(max_length=40, blank=True)
    off_at = models.DateTimeField(null=True, blank=True)
    off_by = models.CharField(max_length=40, blank=True)
    off_cause = models.CharField(max_length=20, blank=True)  # gone: its 410 said so
    failures = models.PositiveIntegerField(default=0)  # in a row
    failing_since_at = models.DateTimeField(null=True, blank=True)
    rests_until_at = models.DateTimeField(null=True, blank=True)  # is not knocked at before
    last_ok_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="webhook_endpoint_off_by_somebody",
                condition=models.Q(off_at__isnull=True, off_by="", off_cause="")
                | models.Q(off_at__isnull=False) & ~models.Q(off_by="") & ~models.Q(off_cause=""),
            ),
            models.CheckConstraint(
                name="webhook_endpoint_changed_by_somebody",
                condition=models.Q(changed_at__isnull=True) ^ ~models.Q(changed_by=""),
            ),
            models.CheckConstraint(
                name="webhook_endpoint_rotated_by_somebody",
                condition=models.Q(rotated_at__isnull=True) ^ ~models.Q(rotated_by=""),
            ),
            models.CheckConstraint(
                name="webhook_old_secret_has_its_end",
                condition=models.Q(old_secret_until_at__isnull=True) ^ ~models.Q(old_secret=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WebhookMessage(models.Model):
    """One event for one endpoint: the outbox, and what became of it.

    It names the row of the event and no more: what is sent is read from there each time, and comes
    out the same.
    """

    class Source(models.TextChoices):
        PROMISE = "promise"  # PromiseEvent
        GATE = "gate"  # GateChange, the first of its transaction and customer
        DELIVERY = "delivery"  # DeliveryEvent
        EVIDENCE = "evidence"  # Evidence
        TEST = "test"  # of nobody: the button

    class Status(models.TextChoices):
        PENDING = "pending", _("waiting")
        CLAIMED = "claimed", _("being sent")
        DELIVERED = "delivered", _("delivered")
        DEAD = "dead", _("given up")

    endpoint = models.ForeignKey(
        WebhookEndpoint, models.PROTECT, related_name="messages", db_index=False
    )
    source = models.CharField(max_length=8, choices=Source)
    source_id = models.BigIntegerField()
    type = models.CharField(max_length=40)
    at = models.DateTimeField()  # of the event
    queued_at = models.DateTimeField()
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    token = models.PositiveIntegerField(default=0)  # fencing: who claims last, decides
    tries = models.PositiveSmallIntegerField(default=0)  # begun, since it was queued or replayed
    next_try_at = models.DateTimeField(null=True)  # of a claimed one: the end of its lease
    settled_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)  # HTTP, of the last try
    last_error = models.CharField(max_length=20, blank=True)  # why there was none
    replayed_at = models.DateTimeField(null=True)
    replayed_by = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["endpoint", "next_try_at"],
                name="webhook_due",
                condition=models.Q(status__in=["pending", "claimed"]),
            ),
            models.Index(
                fields=["endpoint", "id"],
                name="webhook_dead",
                condition=models.Q(status="dead"),
            ),
            models.Index(fields=["endpoint", "id"], name="webhook_of_endpoint"),
            models.Index(
                fields=["settled_at"],
                name="webhook_settled",
                condition=models.Q(settled_at__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "source", "source_id"], name="webhook_once_per_endpoint"
            ),
            models.CheckConstraint(
                name="webhook_waits_or_is_settled",
                condition=models.Q(
                    status__in=["pending", "claimed"],
                    next_try_at__isnull=False,
                    settled_at__isnull=True,
                )
                | models.Q(
                    status__in=["delivered", "dead"],
                    next_try_at__isnull=True,
                    settled_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="webhook_replayed_by_somebody",
                condition=models.Q(replayed_at__isnull=True) ^ ~models.Q(replayed_by=""),
            ),
        ]

    def __str__(self) -> str:
        return self.webhook_id

    @property
    def webhook_id(self) -> str:
        """The same for every try and every endpoint. The instant tells it from an event that had
        this number before a restore."""
        if self.source == self.Source.TEST:
            return f"test-{self.source_id}"
        return f"{self.source}-{self.source_id}-{int(self.at.timestamp())}"


class WebhookCursor(models.Model):
    """Up to where events have become messages. One row.

    `xact`: every event of a transaction below it has been read. `since_at`: after a restore, which
    counts its transactions anew, nothing older is told again.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    house = models.BigIntegerField()  # the database cluster, as PostgreSQL identifies it
    xact = models.BigIntegerField()
    since_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(name="one_webhook_cursor", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return f"webhooks up to {self.xact}"
