"""Evidence: recorded events that prove something about a delivery."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.columns import StretchField, XactField
from crm.triggers import append_only
from offers.models.deliveries import Delivery

# What moves a delivery on its way, as other systems are told of it: it was taken, it came, it
# came back.
MILESTONES = (
    "relay_accepted",
    "relayed",
    "print_accepted",
    "batch_mailed",
    "delivered",
    "posted",
    "failed",
    "returned",
)


class Evidence(models.Model):
    """An event from the outside world, or time that passed without one. Append-only."""

    class Kind(models.TextChoices):
        RELAY_ACCEPTED = "relay_accepted", _("accepted by the next mail server")
        RELAYED = "relayed", _("relayed")
        DELIVERED = "delivered", _("delivered to the mailbox")
        QUIET = "quiet", _("nothing came back")
        READ_RECEIPT = "read_receipt", _("read receipt")
        REPLY = "reply", _("the customer answered")
        PRESSED = "pressed", _("the customer opened it on the page")
        ANSWERED = "answered", _("the customer decided on the page")
        FETCHED = "fetched", _("a link was fetched")
        PRINT_ACCEPTED = "print_accepted", _("taken by the printer")
        BATCH_MAILED = "batch_mailed", _("mailed with its batch")
        POSTED = "posted", _("confirmed by the mail room, line by line")
        RETURNED = "returned", _("came back by post")
        CONFIRMED = "confirmed", _("the customer says it came")
        COMPLAINT = "complaint", _("reported as unwanted")
        DELAYED = "delayed", _("delayed")
        FAILED = "failed", _("could not be delivered")
        NEVER_RECEIVED = "never_received", _("the customer says it never came")

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="evidence")
    source = models.CharField(max_length=40)
    event_id = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=Kind)
    grade = models.PositiveSmallIntegerField()  # 0 to 5; of a failure: 0
    hard = models.BooleanField(default=False)  # the address itself is bad
    status_code = models.CharField(max_length=12, blank=True)  # RFC 3463
    occurred_at = models.DateTimeField()
    occurred_clamped = models.BooleanField(default=False)  # a third party's clock was not believed
    received_at = models.DateTimeField()
    received_by = models.CharField(max_length=40)
    xact = XactField(null=True)  # null: written before anybody outside was told
    stretch = StretchField()

    class Meta:
        indexes = [
            models.Index(fields=["delivery", "id"], name="evidence_of_delivery"),
            models.Index(
                fields=["xact"],
                name="evidence_cursor",
                condition=models.Q(kind__in=MILESTONES),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["source", "event_id"], name="evidence_once"),
            models.CheckConstraint(
                name="evidence_grade", condition=models.Q(grade__gte=0, grade__lte=5)
            ),
        ]
        triggers = append_only(name="evidence")

    def __str__(self) -> str:
        return f"{self.kind} of delivery {self.delivery_id}"


class EvidenceText(models.Model):
    """What the other side wrote (diagnostics, the answer); blanked on erasure."""

    evidence = models.OneToOneField(Evidence, models.CASCADE, primary_key=True, related_name="text")
    words = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"text of evidence {self.pk}"


class DeliveryProof(models.Model):
    """The fold over a delivery's evidence, kept beside it for lists and sweeps.

    Written only by offers/evidence.py in the evidence's own transaction; the reconcile sweep
    folds again and compares.
    """

    delivery = models.OneToOneField(
        Delivery, models.CASCADE, primary_key=True, related_name="proof"
    )
    grade = models.PositiveSmallIntegerField(default=0)  # highest standing; 0 when nothing stands
    failed = models.BooleanField(default=False)
    hard = models.BooleanField(default=False)
    first_delayed_at = models.DateTimeField(null=True, blank=True)
    ripens_at = models.DateTimeField(null=True, blank=True)  # when the quiet period can end

    class Meta:
        indexes = [
            models.Index(
                fields=["ripens_at"],
                name="proof_ripening",
                condition=models.Q(ripens_at__isnull=False),
            ),
            models.Index(
                fields=["first_delayed_at"],
                name="proof_delayed",
                condition=models.Q(first_delayed_at__isnull=False, grade__lt=3, failed=False),
            ),
        ]

    def __str__(self) -> str:
        return f"proof of delivery {self.pk}: E{self.grade}"


class IntakeSpan(models.Model):
    """A stretch of time in which somebody listened for bounces."""

    intake = models.SlugField(max_length=20)
    from_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="span_forward", condition=models.Q(seen_at__gte=models.F("from_at"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.intake} {self.pk}"


class UnmatchedReport(models.Model):
    """Incoming mail that matched no delivery yet: kept, tried again for 7 days, listed."""

    raw = models.BinaryField()
    sha256 = models.CharField(max_length=64, unique=True)
    received_at = models.DateTimeField()
    received_by = models.CharField(max_length=40)
    next_try_at = models.DateTimeField(null=True, db_index=True)  # null: given up, or matched
    matched_at = models.DateTimeField(null=True, blank=True)
    matched_by = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="report_matched_by_somebody",
                condition=models.Q(matched_at__isnull=True) ^ ~models.Q(matched_by=""),
            ),
        ]

    def __str__(self) -> str:
        return f"report {self.pk}"
