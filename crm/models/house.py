"""Which database this is: one row, so that a copy of it is known for a copy."""

from __future__ import annotations

from django.db import models


class House(models.Model):
    """Where the rows live, and since when they are theirs. At most one row.

    `epoch` is drawn anew each time a copy becomes the house: who has read the rows of before begins
    again. The prints say whether the secrets beside the rows are those that they were written with.
    """

    cluster = models.BigIntegerField()  # PostgreSQL's system identifier
    database = models.BigIntegerField()  # its oid there
    epoch = models.BigIntegerField()
    secret_print = models.CharField(max_length=16)
    pepper_print = models.CharField(max_length=16)
    since_at = models.DateTimeField()
    since_by = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.CheckConstraint(name="one_house", condition=models.Q(pk=1)),
        ]

    def __str__(self) -> str:
        return f"the house since {self.since_at:%Y-%m-%d %H:%M}"
