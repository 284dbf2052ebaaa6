"""Which of the offers storey's rows are too old, and what goes of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from crm import retention
from offers.models import (
    AnswerText,
    Delivery,
    DeliveryText,
    Document,
    EvidenceText,
    PrintPiece,
    UnmatchedReport,
)


def register() -> None:
    retention.register("delivery_words", find=_old_deliveries, empty=_empty_deliveries)
    retention.register("evidence_words", find=_old_evidence, empty=_empty_evidence)
    retention.register("answer_words", find=_old_answers, empty=_empty_answers)
    retention.register("documents", find=_old_documents, empty=_empty_documents)
    retention.register("print_files", find=_old_pieces, empty=_drop_pieces)
    retention.register("unmatched_reports", find=_old_reports, empty=_drop_reports)


def _old_deliveries(before: datetime) -> QuerySet[Any]:
    rows = DeliveryText.objects.filter(delivery__settled_at__lt=before)
    return rows.exclude(to_name="", address="", words="", reply="")


def _empty_deliveries(keys: list[Any]) -> None:
    rows = DeliveryText.objects.filter(pk__in=keys)
    rows.update(to_name="", address="", domain="", words="", reply="")


def _old_evidence(before: datetime) -> QuerySet[Any]:
    return EvidenceText.objects.filter(evidence__received_at__lt=before).exclude(words="")


def _empty_evidence(keys: list[Any]) -> None:
    EvidenceText.objects.filter(pk__in=keys).update(words="")


def _old_answers(before: datetime) -> QuerySet[Any]:
    return AnswerText.objects.filter(answer__at__lt=before).exclude(words="")


def _empty_answers(keys: list[Any]) -> None:
    AnswerText.objects.filter(pk__in=keys).update(words="")


def _old_documents(before: datetime) -> QuerySet[Any]:
    """Made long ago, and neither sent nor waiting to be since."""
    alive = Delivery.objects.filter(document=OuterRef("pk")).exclude(settled_at__lt=before)
    return Document.objects.filter(~Exists(alive), created_at__lt=before).exclude(pdf=b"")


def _empty_documents(keys: list[Any]) -> None:
    Document.objects.filter(pk__in=keys).update(pdf=b"", html="", title="")


def _old_pieces(before: datetime) -> QuerySet[Any]:
    return PrintPiece.objects.filter(volume__run__mailed_at__lt=before)


def _drop_pieces(keys: list[Any]) -> None:
    PrintPiece.objects.filter(pk__in=keys).delete()


def _old_reports(before: datetime) -> QuerySet[Any]:
    return UnmatchedReport.objects.filter(received_at__lt=before)


def _drop_reports(keys: list[Any]) -> None:
    UnmatchedReport.objects.filter(pk__in=keys).delete()
