"""Deliveries: one journey of one document through one channel to one address."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.columns import StretchField, XactField
from crm.models import Customer
from crm.triggers import append_only, change_has_event
from offers.models.offers import Document, OfferVersion

# Carried by a print run; everything else leaves over the network.
PAPER = ("post", "bill_insert")


class Delivery(models.Model):
    """Where a journey stands. Moved only by offers/deliveries.py, by conditional UPDATE."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("waiting to leave")
        CLAIMED = "claimed", _("being prepared")
        SENDING = "sending", _("leaving now")
        SENT = "sent", _("accepted by the next mail server")
        RETRY = "retry", _("will be tried again")
        FAILED = "failed", _("failed")
        UNKNOWN = "unknown", _("may or may not have left")
        CANCELLED = "cancelled", _("cancelled")

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=12)
    version = models.ForeignKey(OfferVersion, models.PROTECT, null=True)
    document = models.ForeignKey(Document, models.PROTECT, null=True)
    language = models.CharField(max_length=2, choices=Customer.Language)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    token = models.PositiveIntegerField(default=0)  # fencing: who claims last, decides
    lease_until_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField()
    queued_by = models.CharField(max_length=40)
    why = models.SlugField(max_length=40, default="promised")  # promised, next_channel, resend
    sending_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)  # SENT, FAILED, UNKNOWN or CANCELLED
    reply_code = models.PositiveSmallIntegerField(null=True, blank=True)
    reply_status = models.CharField(max_length=12, blank=True)  # RFC 3463, such as 5.1.1
    link_generation = models.PositiveSmallIntegerField(default=1)  # one more revokes older links

    class Meta:
        indexes = [
            models.Index(
                fields=["next_try_at"],
                name="delivery_due",
                condition=models.Q(status__in=["queued", "retry"]),
            ),
            models.Index(
                fields=["lease_until_at"],
                name="delivery_leased",
                condition=models.Q(status__in=["claimed", "sending"]),
            ),
            models.Index(fields=["sending_at"], name="delivery_rate"),
            models.Index(
                fields=["settled_at"],
                name="delivery_unknown",
                condition=models.Q(status="unknown"),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="delivery_carries_something",
                condition=models.Q(version__isnull=False) | models.Q(document__isnull=False),
            ),
            models.CheckConstraint(
                name="lease_while_held",
                condition=models.Q(status__in=["claimed", "sending"], lease_until_at__isnull=False)
                # What goes on paper is held by its run, which has no lease.
                | models.Q(
                    status__in=["claimed", "sending"],
                    channel__in=["post", "bill_insert"],
                    lease_until_at__isnull=True,
                )
                | (
                    ~models.Q(status__in=["claimed", "sending"])
                    & models.Q(lease_until_at__isnull=True)
                ),
            ),
            models.CheckConstraint(
                name="next_try_while_waiting",
                condition=models.Q(status__in=["queued", "retry"], next_try_at__isnull=False)
                | (~models.Q(status__in=["queued", "retry"]) & models.Q(next_try_at__isnull=True)),
            ),
        ]
        triggers = [
            change_has_event(name="delivery", events="offers_deliveryevent", column="delivery_id")
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class DeliveryEvent(models.Model):
    """A move of a delivery, in the same transaction. Append-only."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="events")
    from_status = models.CharField(max_length=10, blank=True)
    to_status = models.CharField(max_length=10)
    token = models.PositiveIntegerField()
    at = models.DateTimeField()
    by = models.CharField(max_length=40)
    cause = models.SlugField(max_length=40)
    xact = XactField()
    stretch = StretchField()

    class Meta:
        indexes = [
            models.Index(fields=["delivery", "id"], name="events_of_delivery"),
            models.Index(
                fields=["xact"],
                name="delivery_doubt_cursor",
                condition=models.Q(to_status="unknown"),
            ),
        ]
        triggers = append_only(name="delivery_event")

    def __str__(self) -> str:
        return f"{self.from_status} to {self.to_status}"


class DeliveryText(models.Model):
    """To whom, with which words, and the complete reply of the next hop; blanked on erasure."""

    delivery = models.OneToOneField(Delivery, models.CASCADE, primary_key=True, related_name="text")
    to_name = models.CharField(max_length=200)
    address = models.CharField(max_length=400)  # a mailbox, or the lines of a postal address
    domain = models.CharField(max_length=254, blank=True)  # of a mailbox
    reference = models.CharField(max_length=16)  # of the promise, as said on the phone
    words = models.TextField(blank=True)
    promised_date = models.DateField()
    reading_days = models.PositiveSmallIntegerField()  # as the mail says it
    reply = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"text of delivery {self.pk}"
