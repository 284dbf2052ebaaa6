"""What a line would do, as a kind of file says it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from crm.models import ImportLine

NEW, CHANGED = ImportLine.Verdict.NEW.value, ImportLine.Verdict.CHANGED.value
SAME, BAD = ImportLine.Verdict.SAME.value, ImportLine.Verdict.BAD.value


@dataclass(frozen=True)
class Judged:
    """The verdict on the staged line of that id; of a bad one its column and why."""

    pk: int
    verdict: str
    column: str = ""
    reason: str = ""


def bad(line: ImportLine, column: str, reason: str) -> Judged:
    return Judged(line.pk, BAD, column, reason[:200])


@dataclass(frozen=True)
class Written:
    """What became of the lines of a batch: how many were new, changed and the same, and which were
    good when they were checked and are bad now."""

    counts: Counter[str]
    bad: list[Judged] = field(default_factory=list)


def late(found: Iterable[Judged]) -> list[Judged]:
    """Of lines that are judged once more under the lock, those that are bad by now."""
    return [one for one in found if one.verdict == BAD]


def digest(facts: Any) -> str:
    """The same for the same facts: how a row was left."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
