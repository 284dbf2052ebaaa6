"""One line of time for a customer: everything that happened, the newest first, page by page. Reads.

Where each kind comes from is in followups/timeline_sources.py.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from django.core.exceptions import ValidationError
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

from crm import actors, merges
from crm.models import Customer
from followups.timeline_sources import SOURCES, Below, Cut, Entry

A_PAGE = 40
KINDS: dict[str, str | Lazy] = {
    "call": _("calls"),
    "promise": _("promises"),
    "notice": _("who was told"),
    "mail": _("mails and letters"),
    "proof": _("proofs and bounces"),
    "answer": _("pressed on the page"),
    "gate": _("asked of the gate"),
    "override": _("let through"),
    "wish": _("wishes and consents"),
    "person": _("addresses, one person or two"),
}


class NoSuchPage(ValueError):
    """A mark that no page of the timeline has written."""


@dataclass(frozen=True)
class Page:
    """A part of the timeline; `older` is the mark of the next one, empty when this is the last."""

    entries: tuple[Entry, ...]
    older: str
    kind: str = ""

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def of(customer: Customer, *, kind: str = "", below: str = "", most: int = A_PAGE) -> Page:
    """The newest entries of all rows of the person, of one kind or of all; `below`: the mark of the
    page before. As many queries for one entry as for a thousand. Raises NoSuchPage."""
    if kind and kind not in KINDS:
        raise NoSuchPage(kind)
    people = merges.group_of([customer.pk])
    mark = _mark(below) if below else None
    try:
        each = [
            _ranked(read(Cut(people, mark, rank, most + 1)), rank)
            for rank, (of_kind, read) in enumerate(SOURCES)
            if kind in {"", of_kind}
        ]
    except (ValueError, ValidationError) as error:
        raise NoSuchPage(below) from error
    found = list(islice(heapq.merge(*each, key=lambda row: row[0], reverse=True), most + 1))
    last = found[most - 1] if len(found) > most else None
    entries = _named([entry for _key, _rank, entry in found[:most]])
    return Page(entries, _written(last[1], last[2]) if last else "", kind)


Ranked = tuple[tuple[datetime, int], int, Entry]


def _ranked(entries: Iterable[Entry], rank: int) -> list[Ranked]:
    """Each source is in its own order already; between sources the instant and the rank decide."""
    return [((entry.at, -rank), rank, entry) for entry in entries]


def _named(entries: list[Entry]) -> tuple[Entry, ...]:
    names = actors.names(entry.who for entry in entries)
    return tuple(replace(entry, who=names.get(entry.who, "Kept")) for entry in entries)


def _written(rank: int, entry: Entry) -> str:
    return f"{entry.at.isoformat()}~{rank}~{entry.place}"


def _mark(text: str) -> Below:
    at, _one, rest = text.partition("~")
    rank, _two, place = rest.partition("~")
    try:
        found = Below(datetime.fromisoformat(at), int(rank), place)
    except ValueError as error:
        raise NoSuchPage(text) from error
    if found.at.tzinfo is None or not place or not 0 <= found.rank < len(SOURCES):
        raise NoSuchPage(text)
    return found
