"""The audit as it is read: newest first, by person, act and days, page after page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils.translation import pgettext

from crm import actors, audit, audit_words, exports
from crm.actors import Actor
from crm.models import AuditEntry, Team, User

PAGE = 50
MOST_EXPORTED = 50_000
MOST_DIGITS = 19  # of an id
PAGES = {"user": "person", "team": "team", "calendar": "calendar"}
HEADS = ("number", "at", "by", "who", "action", "what", "subject", "about", "more")


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
    """An entry in words. Whom it is about stays an id, unless they work here; `url` is the page
    of what it is about."""

    entry: AuditEntry
    who: str
    act: str
    about: str
    facts: list[tuple[str, str]]
    url: str = ""


@dataclass(frozen=True)
class Page:
    """Lines, and before which entry the next page begins; None on the last one."""

    lines: list[Line]
    older: int | None


def page(asked: Question) -> Page:
    """Two queries, however long the audit is."""
    rows = _asked(asked)
    if asked.before:
        rows = rows.filter(pk__lt=asked.before)
    found = list(rows[: PAGE + 1])
    shown = found[:PAGE]
    return Page(_lines(shown), shown[-1].pk if len(found) > PAGE else None)


def _asked(asked: Question) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.order_by("-pk")
    exact = {"by": asked.by, "subject": asked.subject}
    rows = rows.filter(**{name: word for name, word in exact.items() if word})
    if asked.action in audit_words.GROUPS:
        rows = rows.filter(action__in=audit_words.GROUPS[asked.action][1])
    elif asked.action:
        rows = rows.filter(action=asked.action)
    if asked.from_at:
        rows = rows.filter(at__gte=asked.from_at)
    if asked.until_at:
        rows = rows.filter(at__lt=asked.until_at)
    return rows


def _lines(rows: list[AuditEntry]) -> list[Line]:
    """Three queries, for any number of them."""
    names = actors.names([row.by for row in rows])
    house = _house(row.subject for row in rows)
    return [
        Line(
            entry=row,
            who=names.get(row.by, row.by),
            act=audit_words.act(row.action),
            about=house.get(row.subject) or _about(row.subject),
            facts=[(audit_words.fact(name), _said(value)) for name, value in row.data.items()],
            url=_page_of(row.subject),
        )
        for row in rows
    ]


def _house(subjects: Iterable[str]) -> dict[str, str]:
    """The names of people who work here, and of teams; of customers never."""
    wanted: dict[str, set[int]] = {"user": set(), "team": set()}
    for subject in subjects:
        kind, _colon, key = subject.partition(":")
        if kind in wanted and key.isdecimal() and len(key) < MOST_DIGITS:
            wanted[kind].add(int(key))
    people = {f"user:{row.pk}": str(row) for row in User.objects.filter(pk__in=wanted["user"])}
    teams = Team.objects.filter(pk__in=wanted["team"]).values_list("pk", "name")
    return people | {f"team:{pk}": name for pk, name in teams}


def _about(subject: str) -> str:
    kind, _colon, key = subject.partition(":")
    return f"{audit_words.SUBJECTS.get(kind, kind)} {key}".strip()


def _said(value: object) -> str:
    if isinstance(value, bool):
        return pgettext("audit", "yes") if value else pgettext("audit", "no")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None or value == "" else str(value)


def _page_of(subject: str) -> str:
    """Where an administrator can look at it; empty where there is nothing for them."""
    kind, _colon, key = subject.partition(":")
    if kind not in PAGES or not key.isdecimal():
        return ""
    try:
        return reverse(PAGES[kind], args=[int(key)])
    except NoReverseMatch:
        return ""


def export(asked: Question, *, filters: str, by: Actor, at: datetime) -> Iterator[str]:
    """All that was asked for as CSV, the newest first, up to MOST_EXPORTED lines. That it was
    taken stands in the audit before the first line is read."""
    data = {"filters": filters[:200]}
    audit.write(action="audit_exported", subject="audit", by=by, at=at, data=data)
    return _written(asked)


def _written(asked: Question) -> Iterator[str]:
    return exports.csv_file(HEADS, _rows(asked))


def _rows(asked: Question) -> Iterator[Sequence[object]]:
    rows = list(_asked(asked)[:MOST_EXPORTED])
    for start in range(0, len(rows), PAGE):
        for line in _lines(rows[start : start + PAGE]):
            told = "; ".join(f"{name}: {value}" for name, value in line.facts)
            row = line.entry
            at = row.at.astimezone(UTC).isoformat(timespec="seconds")
            cells = (str(row.pk), at, row.by, line.who, row.action, line.act)
            yield (*cells, row.subject, line.about, told)


def actions() -> list[str]:
    """Every act that stands in it: one look into the index for each, not one for each entry."""
    found: list[str] = []
    rows = AuditEntry.objects.order_by("action").values_list("action", flat=True)
    while (following := rows.filter(action__gt=found[-1] if found else "").first()) is not None:
        found.append(following)
    return found
