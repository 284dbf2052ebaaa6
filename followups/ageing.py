"""Which of the followups storey's rows are too old, and what goes of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from crm import retention
from followups.models import HandOver, OverrideText, PromiseText


def register() -> None:
    retention.register("promise_words", find=_old_promises, empty=_empty_promises)
    retention.register("override_words", find=_old_overrides, empty=_empty_overrides)
    retention.register("house_words", find=_old_handovers, empty=_empty_handovers)


def _old_promises(before: datetime) -> QuerySet[Any]:
    rows = PromiseText.objects.filter(promise__closed_at__lt=before)
    return rows.exclude(words="", address="")


def _empty_promises(keys: list[Any]) -> None:
    PromiseText.objects.filter(pk__in=keys).update(words="", address="")


def _old_overrides(before: datetime) -> QuerySet[Any]:
    asked, granted = Q(override__asked_at__lt=before), Q(override__granted_at__lt=before)
    never = Q(override__asked_at=None) | asked
    rows = OverrideText.objects.filter(granted | Q(override__granted_at=None) & asked, never)
    return rows.exclude(asked_for="", reason="")


def _empty_overrides(keys: list[Any]) -> None:
    OverrideText.objects.filter(pk__in=keys).update(asked_for="", reason="")


def _old_handovers(before: datetime) -> QuerySet[Any]:
    return HandOver.objects.filter(at__lt=before).exclude(words="")


def _empty_handovers(keys: list[Any]) -> None:
    HandOver.objects.filter(pk__in=keys).update(words="")
