"""Offers by version, and the documents made of them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.models import Customer
from crm.triggers import fixed_until_forgotten


class Offer(models.Model):
    """What we propose to one customer; what it says stands in its versions."""

    reference = models.CharField(max_length=16, unique=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="offers")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=40)
    withdrawn_at = models.DateTimeField(null=True, blank=True)  # by us: it binds nobody any more
    withdrawn_by = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="offer_withdrawn_by_somebody",
                condition=models.Q(withdrawn_at__isnull=True) ^ ~models.Q(withdrawn_by=""),
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class OfferVersion(models.Model):
    """One state of an offer; a change is a new version, so this row never changes.

    Validity is counted in days from the moment the customer can read it.
    """

    offer = models.ForeignKey(Offer, models.PROTECT, related_name="versions")
    number = models.PositiveSmallIntegerField()
    issue_date = models.DateField()
    valid_days = models.PositiveSmallIntegerField(default=30)
    plan = models.CharField(max_length=120)
    commitment_until_date = models.DateField(null=True, blank=True)
    today_plan = models.CharField(max_length=120)
    today_commitment_until_date = models.DateField(null=True, blank=True)
    today_termination_fee = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    termination_fee = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["offer", "number"], name="version_once_per_offer"),
        ]
        triggers = fixed_until_forgotten(
            name="offer_version",
            customer="SELECT o.customer_id FROM offers_offer o WHERE o.id = OLD.offer_id",
            blanked="plan,today_plan",
        )

    def __str__(self) -> str:
        return f"{self.offer.reference} v{self.number}"


class OfferLine(models.Model):
    """A price line, of today's contract or of the proposed one. Euro a month, tax included."""

    class Side(models.TextChoices):
        TODAY = "today", _("today")
        PROPOSED = "proposed", _("proposed")

    version = models.ForeignKey(OfferVersion, models.PROTECT, related_name="lines")
    side = models.CharField(max_length=8, choices=Side)
    position = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=160)
    monthly = models.DecimalField(max_digits=10, decimal_places=2)
    promo_monthly = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    promo_until_date = models.DateField(null=True, blank=True)
    one_off = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    speed_down_mbps = models.PositiveIntegerField(null=True, blank=True)
    speed_up_mbps = models.PositiveIntegerField(null=True, blank=True)
    volume = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["side", "position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "side", "position"], name="line_place"),
            models.CheckConstraint(
                name="offer_promo_has_end",
                condition=models.Q(promo_monthly__isnull=True)
                ^ models.Q(promo_until_date__isnull=False),
            ),
        ]
        triggers = fixed_until_forgotten(
            name="offer_line",
            customer="SELECT o.customer_id FROM offers_offer o JOIN offers_offerversion v"
            " ON v.offer_id = o.id WHERE v.id = OLD.version_id",
        )

    def __str__(self) -> str:
        return self.label


class Document(models.Model):
    """The immutable rendering of an offer version, or a document that was uploaded.

    Bytes live in PostgreSQL, so that several machines share them.
    """

    class Kind(models.TextChoices):
        OFFER = "offer", _("offer")
        UPLOAD = "upload", _("uploaded document")
        ANSWER = "answer", _("written answer")

    kind = models.CharField(max_length=8, choices=Kind)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="documents")
    version = models.ForeignKey(OfferVersion, models.PROTECT, null=True, related_name="documents")
    language = models.CharField(max_length=2, choices=Customer.Language)
    title = models.CharField(max_length=160)
    pdf = models.BinaryField()
    html = models.TextField(blank=True)
    sha256 = models.CharField(max_length=64)
    pages = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "language"], name="one_rendering"),
            models.CheckConstraint(
                name="offer_document_has_version",
                condition=models.Q(kind__in=["upload", "answer"], version__isnull=True)
                | models.Q(kind="offer", version__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"document {self.pk}"
