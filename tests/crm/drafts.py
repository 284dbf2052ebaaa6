"""Drafts of policies for tests: made, compared and activated as operations do it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from crm import instants, policies, policy_versions
from crm.models import PolicyVersion
from tests.cast import START, Cast, person

BE = "be@2015-07-11"
RULES: dict[str, Any] = next(
    policy.rules.model_dump(mode="json") for policy in policies.every() if policy.label == BE
)
NOTHING: dict[str, Any] = {
    "total": 0, "looked": 0, "strangers": 0, "excused": 0, "unclear": 0, "same_allow": 0,
    "same_deny": 0, "fixed": 0, "otherwise": 0, "denied": {}, "allowed": {}, "examples": [],
}  # fmt: skip


def draft_of(
    cast: Cast,
    *,
    source: str = BE,
    name: str = "",
    version: str = "ours",
    at: datetime = START,
    **figures: Any,
) -> PolicyVersion:
    """A copy of a preset with other figures."""
    policy = policies.exactly(source)
    return policy_versions.copy(
        source=source,
        rules={**policy.rules.model_dump(mode="json"), **figures},
        name=name or policy.name,
        version=version,
        title="As we do it",
        by=person(cast.dirk),
        at=at,
    )


def compared(draft: PolicyVersion, cast: Cast, *, at: datetime = START) -> PolicyVersion:
    """As after a dry run of a day on which nobody asked anything."""
    against = policy_versions.stands_for(draft, at=at).label
    day = (instants.house(at).date() - timedelta(days=1)).isoformat()
    found = {**NOTHING, "day": day, "name": draft.name, "against": against}
    policy_versions.keep_comparison(draft=draft, found=found, by=person(cast.dirk), at=at)
    draft.refresh_from_db()
    return draft


def activated(
    draft: PolicyVersion, cast: Cast, *, effective_from: date | None = None, at: datetime = START
) -> PolicyVersion:
    """Compared and activated by Dirk of operations, from today unless it is said."""
    compared(draft, cast, at=at)
    if draft.compared_at is None:
        raise RuntimeError("not compared")
    policy_versions.activate(
        draft=draft,
        seen_at=draft.compared_at,
        effective_from=effective_from or instants.house(at).date(),
        by=person(cast.dirk),
        at=at,
    )
    draft.refresh_from_db()
    return draft
