"""The audit chain: its seals, what each of them covers, and what was pruned under seal."""

from __future__ import annotations

from django.db import models

from crm.columns import StretchField
from crm.triggers import append_only


class Seal(models.Model):
    """A link of the chain, over what was written after `after_stretch` up to `stretch`.

    `hash` is SHA-256 over the link itself, the hash before it and the lines of its parts
    (crm/chain/statements.py has the form).
    """

    number = models.BigIntegerField(primary_key=True)  # from 1, without a gap
    after_stretch = models.BigIntegerField()
    stretch = models.BigIntegerField()
    rows = models.PositiveBigIntegerField()
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField(db_index=True)
    sealed_by = models.CharField(max_length=40)

    class Meta:
        triggers = append_only(name="seal")

    def __str__(self) -> str:
        return f"seal {self.number}"


class SealForm(models.Model):
    """Which columns of a ledger are hashed, in which order. A new column makes a new form."""

    ledger = models.CharField(max_length=63)
    columns = models.TextField()  # quoted names with commas between

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ledger", "columns"], name="seal_form_once"),
        ]
        triggers = append_only(name="seal_form")

    def __str__(self) -> str:
        return f"form {self.pk} of {self.ledger}"


class SealPart(models.Model):
    """Up to 10,000 rows of one ledger under one seal, in the order of their keys.

    `manifest` has for each row its key (8 bytes, of a UUID 16) and the first 4 bytes of its hash:
    with them the row that was edited, deleted or slipped in can be named.
    """

    seal = models.ForeignKey(Seal, models.PROTECT, related_name="parts")
    form = models.ForeignKey(SealForm, models.PROTECT, db_index=False)
    part = models.CharField(max_length=7, blank=True)  # a month like 2026-11, if they are pruned
    block = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    hash = models.BinaryField(max_length=32)
    manifest = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seal", "form", "part", "block"], name="seal_part_once"
            ),
        ]
        triggers = append_only(name="seal_part")

    def __str__(self) -> str:
        return f"part {self.pk} of seal {self.seal_id}"


class Pruned(models.Model):
    """A whole month of a ledger was removed, all of it sealed before. Append-only, and sealed."""

    ledger = models.CharField(max_length=63)
    part = models.CharField(max_length=7)
    rows = models.PositiveBigIntegerField()
    up_to_seal = models.BigIntegerField()  # the newest seal that covers some of it
    at = models.DateTimeField()
    by = models.CharField(max_length=40)
    stretch = StretchField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ledger", "part"], name="pruned_once"),
        ]
        triggers = append_only(name="pruned")

    def __str__(self) -> str:
        return f"{self.part} of {self.ledger}"


class Turn(models.Model):
    """How far the ledgers are ready to be sealed. At most one row.

    What is written now goes into `stretch` or a later one. Everything below is complete when the
    transactions up to `xact` have ended; null: all of it is sealed. `house` is the database
    server: another one counts its transactions anew.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    stretch = models.BigIntegerField()
    xact = models.BigIntegerField(null=True)
    house = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="one_turn", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return f"stretch {self.stretch}"
