"""Customers. Whatever names or reaches a person lives in rows that can be blanked."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from crm.columns import Words, in_order
from crm.models.people import Team


class Customer(models.Model):
    """A person or household with a contract: ids and codes only, nothing personal."""

    class Language(models.TextChoices):
        FR = "fr", _("French")
        NL = "nl", _("Dutch")
        DE = "de", _("German")
        EN = "en", _("English")

    class BillMedium(models.TextChoices):
        PAPER = "paper", _("paper bill")
        ELECTRONIC = "electronic", _("electronic bill")

    reference = models.CharField(max_length=16, unique=True)
    external_id = models.CharField(max_length=64, null=True, unique=True)  # noqa: DJ001 (unique or absent)
    language = models.CharField(max_length=2, choices=Language)
    country = models.CharField(max_length=2)
    bill_medium = models.CharField(max_length=10, choices=BillMedium, default=BillMedium.PAPER)
    bill_day = models.PositiveSmallIntegerField(null=True, blank=True)
    team = models.ForeignKey(Team, models.PROTECT, related_name="customers")
    generated = models.BooleanField(default=False)  # made up from a seed, and called so
    # One person, several rows: all of them, the root too, point at the root (crm/merges.py).
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="group", db_index=False
    )
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)
    erased_by = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["merged_into"],
                name="customer_of_group",
                condition=models.Q(merged_into__isnull=False),
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="bill_day_of_a_month",
                condition=models.Q(bill_day__isnull=True) | models.Q(bill_day__range=(1, 28)),
            ),
            models.CheckConstraint(
                name="customer_erased_by_somebody",
                condition=models.Q(erased_at__isnull=True) ^ ~models.Q(erased_by=""),
            ),
        ]

    def __str__(self) -> str:
        return self.reference


class Merge(models.Model):
    """Two customers were found to be one person, and perhaps later to be two after all.

    `moved` are the rows that came with `customer`: itself, and who had been merged into it.
    """

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="merges")
    root = models.ForeignKey(Customer, models.PROTECT, related_name="merges_in")
    moved = ArrayField(models.BigIntegerField())
    merged_at = models.DateTimeField()
    merged_by = models.CharField(max_length=40)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=40, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="merge_undone_by_somebody",
                condition=models.Q(undone_at__isnull=True) ^ ~models.Q(undone_by=""),
            ),
            models.CheckConstraint(
                name="merge_of_two", condition=~models.Q(customer=models.F("root"))
            ),
            models.UniqueConstraint(
                fields=["customer"],
                condition=models.Q(undone_at__isnull=True),
                name="merged_once",
            ),
        ]

    def __str__(self) -> str:
        return f"merge {self.pk}"


class CustomerText(models.Model):
    """Name and note of a customer; blanked on erasure."""

    customer = models.OneToOneField(Customer, models.CASCADE, primary_key=True, related_name="text")
    name = models.CharField(max_length=200)
    folded_name = models.CharField(max_length=200)  # lower case, no accents
    note = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(in_order("folded_name"), name="customer_by_name"),
            GinIndex(Words("folded_name"), name="customer_by_words"),
        ]

    def __str__(self) -> str:
        return f"text of customer {self.pk}"


class PhoneNumber(models.Model):
    """A number of a customer, E.164. Several per person; several persons may share one."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="numbers")
    e164 = models.CharField(max_length=16, db_index=True)
    position = models.PositiveSmallIntegerField(default=0)
    # Somebody who had it asked to be forgotten (crm/forgotten.py): it is not called to sell.
    barred = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ["position", "pk"]
        indexes = [
            models.Index(
                fields=["customer"], name="number_barred", condition=models.Q(barred=True)
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["customer", "e164"], name="number_once_per_customer"),
        ]

    def __str__(self) -> str:
        return f"number {self.pk}"


class EmailAddress(models.Model):
    """A mail address of a customer. `bad_at`: a report said that the address does not exist."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="emails")
    address = models.CharField(max_length=254)
    position = models.PositiveSmallIntegerField(default=0)
    bad_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["customer", "address"], name="email_once_per_customer"),
        ]

    def __str__(self) -> str:
        return f"email {self.pk}"


class PostalAddress(models.Model):
    """Where the paper bill goes."""

    customer = models.OneToOneField(
        Customer, models.CASCADE, primary_key=True, related_name="postal"
    )
    street = models.CharField(max_length=200)
    postcode = models.CharField(max_length=16)
    city = models.CharField(max_length=100)

    def __str__(self) -> str:
        return f"postal address of customer {self.pk}"


class Contract(models.Model):
    """The contract in force, as the import said it."""

    customer = models.OneToOneField(Customer, models.CASCADE, related_name="contract")
    plan = models.CharField(max_length=120)
    commitment_until_date = models.DateField(null=True, blank=True)
    termination_fee = models.DecimalField(max_digits=10, decimal_places=2, default=0)
    since_date = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return self.plan


class ContractLine(models.Model):
    """One price line of the contract in force. Amounts in euro a month, tax included."""

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=160)
    monthly = models.DecimalField(max_digits=10, decimal_places=2)
    promo_monthly = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    promo_until_date = models.DateField(null=True, blank=True)
    speed_down_mbps = models.PositiveIntegerField(null=True, blank=True)
    speed_up_mbps = models.PositiveIntegerField(null=True, blank=True)
    volume = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "position"], name="contract_line_place"),
            models.CheckConstraint(
                name="contract_promo_has_end",
                condition=models.Q(promo_monthly__isnull=True)
                ^ models.Q(promo_until_date__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.label
