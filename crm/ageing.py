"""Which of the crm storey's rows are too old, and what goes of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from crm import forgotten, retention
from crm.models import Attempt, AttemptText, Consent, ConsentText, SuppressionText


def register() -> None:
    retention.register("call_notes", find=_old_notes, empty=_empty_notes)
    retention.register("wish_words", find=_old_wishes, empty=_empty_wishes)
    retention.register("consent_words", find=_old_consents, empty=_empty_consents)


def _old_notes(before: datetime) -> QuerySet[Any]:
    """Of customers with whom there was no contact since; of nobody's calls, by the call itself."""
    since = Attempt.objects.filter(customer=OuterRef("attempt__customer"), started_at__gte=before)
    rows = AttemptText.objects.filter(attempt__started_at__lt=before)
    return rows.exclude(number="", note="", recording_ref="").exclude(Exists(since))


def _empty_notes(keys: list[Any]) -> None:
    AttemptText.objects.filter(pk__in=keys).update(number="", note="", recording_ref="")


def _old_wishes(before: datetime) -> QuerySet[Any]:
    over = Q(suppression__lifted_at__lt=before) | Q(suppression__until_at__lt=before)
    return SuppressionText.objects.filter(over).exclude(words="", lift_words="")


def _empty_wishes(keys: list[Any]) -> None:
    SuppressionText.objects.filter(pk__in=keys).update(words="", lift_words="")


def _old_consents(before: datetime) -> QuerySet[Any]:
    over = Consent.objects.filter(withdrawn_at__lt=before)
    return over.exclude(proof__startswith=forgotten.FORGOTTEN)


def _empty_consents(keys: list[Any]) -> None:
    ConsentText.objects.filter(consent__in=keys).update(words="")
    for row in Consent.objects.filter(pk__in=keys):
        Consent.objects.filter(pk=row.pk).update(proof=forgotten.known_as(row.proof))
