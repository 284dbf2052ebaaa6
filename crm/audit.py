"""The audit: who did what, when. Ids and codes only; append-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crm.actors import Actor
from crm.models import AuditEntry


def write(
    *, action: str, subject: str, by: Actor, at: datetime, data: dict[str, Any] | None = None
) -> None:
    """One entry, in the transaction of the act it tells of. No names, numbers or free text."""
    AuditEntry.objects.create(action=action, subject=subject, by=by.code, at=at, data=data or {})
