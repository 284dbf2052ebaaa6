"""The audit as it is read: newest first, by person, act and days, page after page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from crm import actors, audit_words
from crm.models import AuditEntry

PAGE = 50


@dataclass(frozen=True)
class Question:
    """What is looked for; empty words ask for everything. `before`: older than this entry."""

    by: str = ""
    action: str = ""
    subject: str = ""
    from_at: datetime | None = None
    until_at: datetime | None = None
    before: int | None = None


@dataclass(frozen=True)
class Line:
    """An entry with the name of who did it; what it is about stays an id."""

    entry: AuditEntry
    who: str

    @property
    def act(self) -> str:
        return audit_words.act(self.entry.action)


@dataclass(frozen=True)
class Page:
    """Lines, and before which entry the next page begins; None on the last one."""

    lines: list[Line]
    older: int | None


def page(asked: Question) -> Page:
    """Two queries, however long the audit is."""
    rows = AuditEntry.objects.order_by("-pk")
    exact = {"by": asked.by, "action": asked.action, "subject": asked.subject}
    rows = rows.filter(**{name: word for name, word in exact.items() if word})
    if asked.from_at:
        rows = rows.filter(at__gte=asked.from_at)
    if asked.until_at:
        rows = rows.filter(at__lt=asked.until_at)
    if asked.before:
        rows = rows.filter(pk__lt=asked.before)
    found = list(rows[: PAGE + 1])
    shown = found[:PAGE]
    names = actors.names(row.by for row in shown)
    lines = [Line(row, names.get(row.by, row.by)) for row in shown]
    return Page(lines, shown[-1].pk if len(found) > PAGE else None)


def actions() -> list[str]:
    """Every act that stands in it: one look into the index for each, not one for each entry."""
    found: list[str] = []
    rows = AuditEntry.objects.order_by("action").values_list("action", flat=True)
    while (following := rows.filter(action__gt=found[-1] if found else "").first()) is not None:
        found.append(following)
    return found
