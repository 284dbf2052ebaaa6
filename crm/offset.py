"""How far the demo's clock is ahead of the database's: the only writer of ClockOffset."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import F

from crm.models import ClockOffset


@transaction.atomic
def add(step: timedelta) -> None:
    """Moves the product's clock in every process. Who may, and what else moves, is for the demo."""
    ClockOffset.objects.get_or_create(pk=1, defaults={"shift": timedelta(0)})
    ClockOffset.objects.filter(pk=1).update(shift=F("shift") + step)
