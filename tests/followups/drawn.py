"""Ladders that operations draw in the tests."""

from __future__ import annotations

import importlib
from datetime import date
from typing import Any

from django.apps import apps

from followups import ladder, ladders
from followups.ladder import Role, Rung
from followups.models import LadderVersion
from tests.cast import START, Cast, person

TODAY = date(2026, 3, 2)
WHY = "The owner has to hear of it sooner."
SWIFT: dict[str, Any] = {
    "lateness": (Rung(Role.OWNER, share=0.5), Rung(Role.OWNER_AND_TEAM, hours=0)),
    "proof": ladder.DEFAULT.proof,
    "item": ladder.DEFAULT.item,
}


def in_the_house() -> None:
    """A TRUNCATE between tests also empties what a migration had filled."""
    importlib.import_module("followups.migrations.0019_default_ladder").seed(apps, None)


def drawn(cast: Cast, *, name: str = "default", **more: Any) -> LadderVersion:
    """The next version of that name, made by Dirk and not activated."""
    facts = {"source": "default@1", "by": person(cast.dirk), "at": START, **SWIFT, **more}
    return ladders.make(name=name, **facts)


def activated(cast: Cast, **more: Any) -> LadderVersion:
    """The same, and Dirk has activated it."""
    acts = {name: more.pop(name) for name in ("effective_from", "reason") if name in more}
    row = drawn(cast, **more)
    at = more.get("at", START)
    facts = {"effective_from": TODAY, "reason": WHY, "by": person(cast.dirk), "at": at, **acts}
    seen = ladders.label_in_force(row.name, at=at)
    ladders.activate(version=row, seen=seen, **facts)
    row.refresh_from_db()
    return row
