"""The parts that an offer's document is made of, and the pen that writes them in one language."""

from __future__ import annotations

import unicodedata
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from offers.comparison import Comparison, Terms
from offers.wording import day, money, number, say

EMPTY = "–"
# Joiners that some scripts need; every other invisible format character could reorder figures.
KEPT_FORMAT_CHARACTERS = "\u200c\u200d\u00ad"
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Co"})


@dataclass(frozen=True)
class Table:
    """Columns after the first hold figures. `total` says that the last row sums up."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: bool = False


@dataclass(frozen=True)
class Section:
    """One heading of the contract summary with what stands below it, in this order."""

    id: str
    heading: str
    lead: str = ""
    items: tuple[str, ...] = ()
    table: Table | None = None
    paragraphs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bar:
    """`share` is its length in thousandths of the longest bar."""

    label: str
    amount: str
    share: int


@dataclass(frozen=True)
class Compared:
    """The second part: the offer beside today's contract. `strong` are its rows to stress."""

    heading: str
    sentence: str
    table: Table
    strong: tuple[int, ...]
    changes: tuple[str, ...]
    chart_title: str
    chart_alt: str
    bars: tuple[Bar, Bar]
    counted: str


@dataclass(frozen=True)
class Annex:
    """What the page limit left no room for, in full."""

    heading: str
    lead: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Content:
    """A document before it has a form. Equal contents give equal bytes."""

    language: str
    title: str
    company: str
    issued: date
    issue_line: str
    contact_line: str
    page_line: str  # with {n} and {total}, which only the setting knows
    introduction: str
    sections: tuple[Section, ...]
    compared: Compared
    page_limit: int  # of the contract summary, which ends before the comparison
    annex: Annex | None = None  # only on paper, when the summary had to be shortened

    def as_data(self) -> dict[str, Any]:
        return {**asdict(self), "issued": self.issued.isoformat()}


@dataclass(frozen=True)
class Draft:
    """What the sections are written from, and the pen of one language."""

    today: Terms
    proposed: Terms
    comparison: Comparison
    language: str
    currency: str
    valid_days: int

    def __call__(self, key: str, **values: object) -> str:
        return say("document_texts", key, self.language, **values)

    def money(self, amount: Decimal) -> str:
        return money(amount, self.language, self.currency)

    def cost(self, amount: Decimal) -> str:
        return self.money(amount) if amount else EMPTY

    def day(self, value: date) -> str:
        return day(value, self.language)

    def speed(self, mbps: int | None) -> str:
        return self("speed", mbps=number(mbps, self.language)) if mbps else EMPTY


def plain(text: str) -> str:
    """One line of visible text: no control, direction override or lone surrogate survives."""
    lines = " ".join(unicodedata.normalize("NFC", text).split())
    seen = (
        char
        for char in lines
        if char in KEPT_FORMAT_CHARACTERS or unicodedata.category(char) not in UNSEEN
    )
    return " ".join("".join(seen).split())
