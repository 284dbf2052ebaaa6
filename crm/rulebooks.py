"""Policies as people look for them: which versions there are and in which state. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from crm import instants, policies, wording
from crm.models import Campaign, PolicyVersion
from crm.policies import Policy
from crm.rules import Rules

IN_FORCE, COMING, PAST, DRAFT = "in_force", "coming", "past", "draft"


@dataclass(frozen=True)
class Book:
    """One version, whether it came with the release or was written here.

    `row` is the stored one of the house's own; None for a preset.
    """

    name: str
    version: str
    title: str
    rules: Rules
    state: str
    effective_from: date | None = None
    row: PolicyVersion | None = None

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def heading(self) -> str:
        """Its title, in the reader's language where it is one of ours."""
        return wording.policy_title(self.title)

    @property
    def stored(self) -> dict[str, Any]:
        """The rules as JSON, as they are kept or as they came."""
        return self.row.rules if self.row else self.rules.model_dump(mode="json")


@dataclass
class Shelf:
    """The versions of one policy, and the campaigns that call by it."""

    name: str
    in_force: Book | None = None
    coming: list[Book] = field(default_factory=list)
    drafts: list[Book] = field(default_factory=list)
    past: list[Book] = field(default_factory=list)
    campaigns: list[Campaign] = field(default_factory=list)

    @property
    def first(self) -> Book:
        """The one that names the policy to a reader."""
        return self.in_force or (self.coming + self.drafts + self.past)[0]

    def put(self, book: Book) -> None:
        if book.state == IN_FORCE:
            self.in_force = book
        else:
            {COMING: self.coming, DRAFT: self.drafts, PAST: self.past}[book.state].append(book)

    @property
    def books(self) -> list[Book]:
        """What is in force, what comes, what is being written, what was."""
        now = [self.in_force] if self.in_force else []
        return [*now, *self.coming, *self.drafts, *reversed(self.past)]


def shelves(*, at: datetime) -> list[Shelf]:
    """Every policy by name, with all its versions. A fixed number of queries."""
    found: dict[str, Shelf] = {}
    for book in books(at=at):
        found.setdefault(book.name, Shelf(book.name)).put(book)
    for campaign in Campaign.objects.filter(active=True).order_by("name"):
        if campaign.policy in found:
            found[campaign.policy].campaigns.append(campaign)
    return [found[name] for name in sorted(found)]


def shelf(name: str, *, at: datetime) -> Shelf | None:
    return next((one for one in shelves(at=at) if one.name == name), None)


def find(name: str, version: str, *, at: datetime) -> Book | None:
    """The version of that label, a preset or one of the house's own; dropped ones are gone."""
    label = f"{name}@{version}"
    return next((book for book in books(at=at) if book.label == label), None)


def books(*, at: datetime) -> Iterator[Book]:
    """Every version that was not dropped, each policy's in the order of their dates."""
    policies.refresh()
    rows = {str(row): row for row in PolicyVersion.objects.filter(dropped_at=None)}
    for policy in policies.every():
        yield _book(policy, rows.pop(policy.label, None), at)
    yield from (_draft(row) for row in rows.values() if row.activated_at is None)


def _book(policy: Policy, row: PolicyVersion | None, at: datetime) -> Book:
    begins, today = policy.effective_from, instants.house(at).date()
    current = COMING if begins > today else PAST
    if current == PAST and policies.get(policy.name, at=at) == policy:
        current = IN_FORCE
    return Book(policy.name, policy.version, policy.title, policy.rules, current, begins, row=row)


def _draft(row: PolicyVersion) -> Book:
    return Book(row.name, row.version, row.title, Rules.read(row.rules), DRAFT, row=row)
