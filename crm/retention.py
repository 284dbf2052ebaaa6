"""How long things are kept: a class for each kind, emptied by its age in batches.

The terms stand in crm/data/retention.yaml; each storey registers how its classes are found and
emptied. A batch is a transaction: who is killed loses the one at hand, and the next turn finds the
same rows again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.db.models import QuerySet

from crm import audit
from crm.actors import Actor

DATA = Path(__file__).resolve().parent / "data" / "retention.yaml"
BATCH = 2_000
KEEPER = Actor.sweep("retention")
Find = Callable[[datetime], QuerySet[Any]]
Empty = Callable[[list[Any]], None]


@dataclass(frozen=True)
class Term:
    """How long, counted from what, and why."""

    days: int
    after: str
    why: str


@dataclass(frozen=True)
class Class:
    """`find(before)`: the rows that are too old and not empty yet; `empty(keys)` empties them."""

    find: Find
    empty: Empty


_CLASSES: dict[str, Class] = {}


def register(name: str, *, find: Find, empty: Empty) -> None:
    """A class of the file; KeyError when it has no term there."""
    terms()[name]
    _CLASSES[name] = Class(find, empty)


@lru_cache(maxsize=1)
def terms() -> dict[str, Term]:
    """Every class with its term, as the file has them."""
    read = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    return {name: Term(**term) for name, term in read.items()}


def classes() -> Iterator[str]:
    """Those that are registered, in the order of the file."""
    return (name for name in terms() if name in _CLASSES)


def due(name: str, *, at: datetime) -> int:
    """How many rows of a class are too old. Reads only."""
    return _rows(name, at).count()


def _rows(name: str, at: datetime) -> QuerySet[Any]:
    return _CLASSES[name].find(at - timedelta(days=terms()[name].days))


def apply(name: str, *, by: Actor, at: datetime, most: int = BATCH) -> int:
    """Empties one batch of a class, with its entry in the audit; 0 when nothing is too old."""
    with transaction.atomic():
        keys = list(_rows(name, at).order_by("pk").values_list("pk", flat=True)[:most])
        if keys:
            _CLASSES[name].empty(keys)
            data = {"rows": len(keys), "days": terms()[name].days}
            audit.write(action="retention", subject=f"class:{name}", by=by, at=at, data=data)
    return len(keys)


def run(*, at: datetime) -> int:
    """The sweep: a batch of every class; asked again at once while there is more."""
    return sum(apply(name, by=KEEPER, at=at) for name in classes())
